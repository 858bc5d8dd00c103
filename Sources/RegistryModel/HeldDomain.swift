/// A name that somebody holds before it's a domain: while a customer pays, and their place is made ready.
///
/// Nothing serves it: lookups, lists, counts and plans don't know it. It ends by its activation, which makes it a domain,
/// by its release, or by itself; then the name is free at once.
public struct HeldDomain: Hashable, Sendable, Codable {
    public var fqdn: FQDN
    /// What the domain is to be. Its tenant may be elsewhere by the time that it's activated.
    public var placement: Placement
    /// The write that made it.
    public var revision: Revision
    public var heldAt: Timestamp
    /// Exclusive, by the clock of who decides.
    public var heldUntil: Timestamp
    /// The id of the token that may activate or release it, beside operators.
    public var holder: String
    /// Whether the location was asked for: then the domain goes there, or nowhere.
    public var wantsLocation: Bool
    /// What an operator has allowed for it.
    public var allowsNested: Bool
    public var allowsSplit: Bool

    public init(
        fqdn: FQDN, placement: Placement, revision: Revision, heldAt: Timestamp,
        heldUntil: Timestamp, holder: String, wantsLocation: Bool, allowsNested: Bool,
        allowsSplit: Bool
    ) {
        self.fqdn = fqdn
        self.placement = placement
        self.revision = revision
        self.heldAt = heldAt
        self.heldUntil = heldUntil
        self.holder = holder
        self.wantsLocation = wantsLocation
        self.allowsNested = allowsNested
        self.allowsSplit = allowsSplit
    }

    /// How long a hold may be asked for.
    public static let durations: ClosedRange<Int> = 60...86_400

    public func isOver(at now: Timestamp) -> Bool { heldUntil <= now }

    public var facts: HoldFacts {
        HoldFacts(
            location: placement.location, mode: placement.mode, tenant: placement.tenant,
            heldUntil: heldUntil, holder: holder, wantsLocation: wantsLocation,
            allowsNested: allowsNested, allowsSplit: allowsSplit)
    }
}

/// What history says of a hold.
public struct HoldFacts: Hashable, Sendable, Codable {
    public var location: LocationName
    public var mode: Mode
    public var tenant: String?
    public var heldUntil: Timestamp
    public var holder: String
    public var wantsLocation: Bool
    public var allowsNested: Bool
    public var allowsSplit: Bool

    enum CodingKeys: String, CodingKey {
        case location, mode, tenant, holder
        case heldUntil = "held_until"
        case wantsLocation = "wants_location"
        case allowsNested = "allow_nested"
        case allowsSplit = "allow_split"
    }
}
