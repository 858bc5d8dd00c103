/// Which domains: lists and plans take it. Conditions are joined by "and"; none: every domain.
public struct DomainFilter: Hashable, Sendable {
    public var location: LocationName?
    public var mode: Mode?
    public var tenant: String?
    /// The first bytes of the name.
    public var prefix: String?
    /// The name itself or a parent of it, at a label boundary.
    public var suffix: String?
    /// A piece of the name, anywhere in it.
    public var contains: String?
    /// Exclusive.
    public var registeredBefore: Timestamp?

    public init(
        location: LocationName? = nil, mode: Mode? = nil, tenant: String? = nil,
        prefix: String? = nil, suffix: String? = nil, contains: String? = nil,
        registeredBefore: Timestamp? = nil
    ) {
        self.location = location
        self.mode = mode
        self.tenant = tenant
        self.prefix = prefix
        self.suffix = suffix
        self.contains = contains
        self.registeredBefore = registeredBefore
    }

    /// Whether it's one of them. SQL that selects them says the same.
    public func takes(_ domain: Domain) -> Bool {
        if let location, domain.location != location { return false }
        if let mode, domain.mode != mode { return false }
        if let tenant, domain.tenant != tenant { return false }
        if let prefix, !domain.fqdn.text.hasPrefix(prefix) { return false }
        if let suffix, !".\(domain.fqdn)".hasSuffix(".\(suffix)") { return false }
        if let contains, !domain.fqdn.text.contains(contains) { return false }
        if let registeredBefore, domain.registeredAt >= registeredBefore { return false }
        return true
    }

    /// Whether names may be passed over that lie in the range of `prefix`, and are `tenant`'s where that is given.
    package var passesOver: Bool { self != DomainFilter(tenant: tenant, prefix: prefix) }
}

/// A page of domains, by name.
public struct DomainQuery: Sendable, Hashable {
    public var filter: DomainFilter
    /// The last name of the page before.
    public var after: FQDN?
    public var limit: Int

    public init(_ filter: DomainFilter = DomainFilter(), after: FQDN? = nil, limit: Int = 100) {
        self.filter = filter
        self.after = after
        self.limit = limit
    }
}
