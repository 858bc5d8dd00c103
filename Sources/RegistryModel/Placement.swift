/// The part of a domain that changes: what history shows before and after.
///
/// No field has a default here, so that the compiler names whoever makes one.
public struct Placement: Hashable, Sendable, Codable {
    public var location: LocationName
    public var mode: Mode
    /// Who the domain belongs to, in the words of the company's own records: 1 to 200 characters, in Unicode normal
    /// form C.
    public var tenant: String?
    /// The mode that a wave which is announced will give it: what a copy of the table answers in that can't hear the
    /// registry any more. Never `serve`; nil: no wave that holds it is announced.
    public var fence: Mode?

    public init(location: LocationName, mode: Mode, tenant: String?, fence: Mode?) {
        self.location = location
        self.mode = mode
        self.tenant = tenant
        self.fence = fence
    }
}

/// What a registration asks for.
public struct NewDomain: Hashable, Sendable {
    public var fqdn: FQDN
    /// `nil`: the location that is the default for signups.
    public var location: LocationName?
    public var tenant: String?
    /// Signups are served; an operator brings domains as they were.
    public var mode: Mode
    /// Whether it may stand below or above a name of somebody else's.
    public var allowsNested: Bool
    /// Whether it may live elsewhere than its tenant's other domains.
    public var allowsSplit: Bool

    public init(
        fqdn: FQDN, location: LocationName? = nil, tenant: String? = nil, mode: Mode = .serve,
        allowsNested: Bool = false, allowsSplit: Bool = false
    ) {
        self.fqdn = fqdn
        self.location = location
        self.tenant = tenant
        self.mode = mode
        (self.allowsNested, self.allowsSplit) = (allowsNested, allowsSplit)
    }

    package func placement(at location: LocationName) -> Placement {
        Placement(location: location, mode: mode, tenant: tenant, fence: nil)
    }

    /// In people's own words.
    package var texts: [String?] { [tenant] }
}

/// The fields of a domain to set; the rest stays.
public struct DomainPatch: Hashable, Sendable {
    public enum TenantChange: Hashable, Sendable {
        case set(String)
        case clear
    }

    public var location: LocationName?
    public var mode: Mode?
    public var tenant: TenantChange?
    /// Whether the new tenant may have names of others' above or below.
    public var allowsNested: Bool
    /// Whether it may live elsewhere than its tenant's other domains.
    public var allowsSplit: Bool

    public init(
        location: LocationName? = nil, mode: Mode? = nil, tenant: TenantChange? = nil,
        allowsNested: Bool = false, allowsSplit: Bool = false
    ) {
        self.location = location
        self.mode = mode
        self.tenant = tenant
        (self.allowsNested, self.allowsSplit) = (allowsNested, allowsSplit)
    }

    public func applied(to placement: Placement) -> Placement {
        var result = placement
        if let location, location != placement.location {
            // Its wave would have moved it from where it was.
            (result.location, result.fence) = (location, nil)
        }
        if let mode { result.mode = mode }
        switch tenant {
        case .set(let name): result.tenant = name
        case .clear: result.tenant = nil
        case nil: break
        }
        return result
    }

    /// In people's own words.
    package var texts: [String?] {
        if case .set(let name) = tenant { [name] } else { [] }
    }
}
