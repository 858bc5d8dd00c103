/// What the proxy should do for a domain.
public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
    case serve
    case readOnly = "read_only"
    case reject
}

/// By strictness: `serve` < `read_only` < `reject`.
extension Mode: Comparable {
    public static func < (left: Mode, right: Mode) -> Bool { left.strictness < right.strictness }

    private var strictness: Int {
        switch self {
        case .serve: 0
        case .readOnly: 1
        case .reject: 2
        }
    }
}

/// One live domain, as a lookup answers it.
public struct Domain: Hashable, Sendable, Codable {
    public var fqdn: FQDN
    public var placement: Placement
    /// The last write that changed this domain: its `ETag`.
    public var revision: Revision
    public var registeredAt: Timestamp
    public var changedAt: Timestamp

    public init(
        fqdn: FQDN, placement: Placement, revision: Revision, registeredAt: Timestamp,
        changedAt: Timestamp
    ) {
        self.fqdn = fqdn
        self.placement = placement
        self.revision = revision
        self.registeredAt = registeredAt
        self.changedAt = changedAt
    }

    public var location: LocationName { placement.location }
    public var mode: Mode { placement.mode }
    public var fence: Mode? { placement.fence }
    public var tenant: String? { placement.tenant }
}

/// A domain that was let go. Until `availableAt` nobody may register its name, so that nobody
/// inherits another tenant's cookies and links; it can be restored as it was.
public struct ReleasedDomain: Hashable, Sendable {
    public var fqdn: FQDN
    public var placement: Placement
    public var revision: Revision
    public var registeredAt: Timestamp
    public var releasedAt: Timestamp
    public var availableAt: Timestamp

    public init(
        fqdn: FQDN, placement: Placement, revision: Revision, registeredAt: Timestamp,
        releasedAt: Timestamp, availableAt: Timestamp
    ) {
        self.fqdn = fqdn
        self.placement = placement
        self.revision = revision
        self.registeredAt = registeredAt
        self.releasedAt = releasedAt
        self.availableAt = availableAt
    }
}
