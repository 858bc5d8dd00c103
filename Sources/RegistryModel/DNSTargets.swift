/// How the DNS leads visitors to a location: what a name that lives there has for records.
public enum DNSTargets: Hashable, Sendable {
    /// Each list is sorted and has an address once; one of them may be empty, not both.
    case addresses([IPv4Address], [IPv6Address])
    /// Another name, to which the server's operator gives addresses.
    case cname(FQDN)
    /// Route 53's own pointer, which it answers with addresses.
    case alias(Route53Alias)

    /// Of either family.
    public static let maximumAddresses = 16

    /// Sorts, and drops what comes twice.
    ///
    /// - Returns: nil for none at all, or more than `maximumAddresses` of a family.
    public static func addresses(
        sorting ipv4: some Collection<IPv4Address>, _ ipv6: some Collection<IPv6Address>
    ) -> DNSTargets? {
        let (ipv4, ipv6) = (Set(ipv4).sorted(), Set(ipv6).sorted())
        guard !ipv4.isEmpty || !ipv6.isEmpty, ipv4.count <= maximumAddresses,
            ipv6.count <= maximumAddresses
        else { return nil }
        return .addresses(ipv4, ipv6)
    }
}

/// What Route 53 calls an alias target. Its records have no TTL of their own.
public struct Route53Alias: Hashable, Sendable {
    /// Of the target, not of the tenants' zone: `Z` and up to 31 capitals and digits.
    public let hostedZoneID: String
    /// For example `dualstack.lb-1.ap-northeast-1.elb.amazonaws.com`.
    public let name: FQDN

    /// `nil`: no such id.
    public init?(hostedZoneID: String, name: FQDN) {
        let isID = hostedZoneID.utf8.allSatisfy {
            (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
        }
        guard isID, (1...32).contains(hostedZoneID.utf8.count) else { return nil }
        self.hostedZoneID = hostedZoneID
        self.name = name
    }
}

/// As the log and the store have it, and as the API writes it: `{"a":[…],"aaaa":[…]}`, `{"cname":…}` or `{"alias":{…}}`.
extension DNSTargets: Codable {
    private enum CodingKeys: String, CodingKey {
        case ipv4 = "a"
        case ipv6 = "aaaa"
        case cname, alias
    }

    private struct Alias: Codable {
        var hostedZoneID: String
        var name: String

        enum CodingKeys: String, CodingKey {
            case hostedZoneID = "hosted_zone_id"
            case name
        }
    }

    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        func invalid(_ key: CodingKeys) -> DecodingError {
            .dataCorruptedError(forKey: key, in: object, debugDescription: "no DNS target")
        }
        if let name = try object.decodeIfPresent(String.self, forKey: .cname) {
            self = .cname(FQDN(canonical: name))
        } else if let alias = try object.decodeIfPresent(Alias.self, forKey: .alias) {
            guard
                let alias = Route53Alias(
                    hostedZoneID: alias.hostedZoneID, name: FQDN(canonical: alias.name))
            else { throw invalid(.alias) }
            self = .alias(alias)
        } else {
            let ipv4 = try object.decodeIfPresent([String].self, forKey: .ipv4) ?? []
            let ipv6 = try object.decodeIfPresent([String].self, forKey: .ipv6) ?? []
            let (read4, read6) = (
                ipv4.compactMap { IPv4Address($0) }, ipv6.compactMap { IPv6Address($0) }
            )
            guard read4.count == ipv4.count, read6.count == ipv6.count,
                let targets = Self.addresses(sorting: read4, read6)
            else { throw invalid(.ipv4) }
            self = targets
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .addresses(let ipv4, let ipv6):
            if !ipv4.isEmpty { try object.encode(ipv4.map(\.description), forKey: .ipv4) }
            if !ipv6.isEmpty { try object.encode(ipv6.map(\.description), forKey: .ipv6) }
        case .cname(let name):
            try object.encode(name.text, forKey: .cname)
        case .alias(let alias):
            try object.encode(
                Alias(hostedZoneID: alias.hostedZoneID, name: alias.name.text), forKey: .alias)
        }
    }
}
