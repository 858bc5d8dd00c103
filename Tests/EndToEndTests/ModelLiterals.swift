import RegistryModel

// What a test expects, as it stands in JSON.

extension FQDN: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(canonical: text) }
}

extension LocationName: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(canonical: text) }
}

extension AgentName: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) { self.init(canonical: text) }
}

extension Revision: ExpressibleByIntegerLiteral {
    public init(integerLiteral number: Int64) { self.init(number) }
}
