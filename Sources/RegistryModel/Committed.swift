/// What became of a command that was not refused.
public struct Committed: Sendable, Hashable {
    /// The revision that the command made, or the head that it was decided at where it changed
    /// nothing.
    public var revision: Revision
    public var outcome: Outcome
    /// Whether this is the stored answer to an earlier request with the same idempotency key.
    public var isReplay: Bool

    public init(revision: Revision, outcome: Outcome, isReplay: Bool = false) {
        self.revision = revision
        self.outcome = outcome
        self.isReplay = isReplay
    }
}

/// The typed answer of a command. Stored with the idempotency key as JSON, so a released case keeps
/// its name and shape.
public enum Outcome: Sendable, Hashable, Codable {
    case domain(Domain)
    /// By position in the request; the rows not named were registered.
    case batch(refused: [Int: String])
    case released
    case location(Location, isNew: Bool)
    case locationDeleted
    /// `id` and facts; the secret is never stored, so a replay can't show it.
    case token(id: String, TokenFacts)
    case tokenRevoked
}

/// What one revision did to the state that every node keeps in memory, in order.
public struct RevisionChanges: Sendable, Hashable {
    public enum DomainChange: Sendable, Hashable {
        case set(Domain)
        case gone(FQDN)
    }

    public enum LocationChange: Sendable, Hashable {
        case set(Location)
        case gone(LocationName)
    }

    public var revision: Revision
    public var domains: [DomainChange]
    public var locations: [LocationChange]
    /// Tokens created or revoked, as they are now.
    public var tokens: [TokenRecord]

    public init(
        revision: Revision, domains: [DomainChange] = [], locations: [LocationChange] = [],
        tokens: [TokenRecord] = []
    ) {
        self.revision = revision
        self.domains = domains
        self.locations = locations
        self.tokens = tokens
    }
}
