/// What became of a command that was not refused.
public struct Committed: Sendable, Hashable {
    /// The revision that the command made, or the head that it was decided at where it changed
    /// nothing.
    public var revision: Revision
    public var outcome: Outcome
    /// Whether this is the stored answer to an earlier request with the same idempotency key.
    public var isReplay: Bool
    /// What a dry run was asked to list of its plan's names.
    public var listed: Page<MigrationDomain>?

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
    case held(HeldDomain)
    /// How many.
    case holdsExpired(Int)
    /// By position in the request; the rows not named were registered.
    case batch(refused: [Int: String])
    case released
    case location(Location, isNew: Bool)
    case locationDeleted
    /// `id` and facts; the secret is never stored, so a replay can't show it.
    case token(id: String, TokenFacts)
    case tokenRevoked
    /// An agent was taken off those that count: beside the log, at the revision of the head.
    case agentEvicted
    case migration(Migration)
    case wave(WaveOutcome)
    case approval(ApprovalOutcome)
    case tenant(TenantOutcome)
    /// Without its secret, which a replay doesn't show.
    /// - Parameter tookSpare: whether it has the secret that the registry made for it.
    case webhook(Webhook, isNew: Bool, tookSpare: Bool)
    case webhookDeleted
}

/// What a change did to a tenant's domains.
public struct TenantOutcome: Sendable, Hashable, Codable {
    public var tenant: String
    /// Domains that changed.
    public var count: Int

    public init(tenant: String, count: Int) {
        self.tenant = tenant
        self.count = count
    }
}

/// What a step did to a wave.
public struct WaveOutcome: Sendable, Hashable, Codable {
    public var migration: String
    public var wave: Int
    public var state: WaveState
    /// Domains that changed.
    public var count: Int
    /// Time of the transaction up to its commit.
    public var milliseconds: Int
    public var deadline: Timestamp?
    /// Rows that a rollback left as they were, the first ones; nil where it fails rather than
    /// leave any.
    public var skipped: [FQDN]?
    public var skippedCount: Int?
    /// Why: the first rows that the rollback couldn't change, and the first domains that it would have parted a tenant from.
    public var conflicts: [WaveConflict]?
    public var conflictCount: Int?

    public init(
        migration: String, wave: Int, state: WaveState, count: Int, milliseconds: Int,
        deadline: Timestamp? = nil, skipped: [FQDN]? = nil, skippedCount: Int? = nil,
        conflicts: [WaveConflict]? = nil, conflictCount: Int? = nil
    ) {
        self.migration = migration
        self.wave = wave
        self.state = state
        self.count = count
        self.milliseconds = milliseconds
        self.deadline = deadline
        self.skipped = skipped
        self.skippedCount = skippedCount
        self.conflicts = conflicts
        self.conflictCount = conflictCount
    }
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

    public enum FreezeChange: Sendable, Hashable {
        case began(FrozenWave)
        case ended(WaveName)
        /// Whatever of the migration was frozen isn't any more.
        case cancelled(migration: String)
    }

    public var revision: Revision
    public var domains: [DomainChange]
    public var locations: [LocationChange]
    /// Tokens created or revoked, as they are now.
    public var tokens: [TokenRecord]
    /// How many more migrations are open than before.
    public var openMigrations: Int
    /// Waves that froze, and freezes that ended.
    public var freezes: [FreezeChange]
    /// Whether a webhook is new, another one, or gone: who delivers reads them again.
    public var hasWebhooks: Bool

    public init(
        revision: Revision, domains: [DomainChange] = [], locations: [LocationChange] = [],
        tokens: [TokenRecord] = [], openMigrations: Int = 0, freezes: [FreezeChange] = [],
        hasWebhooks: Bool = false
    ) {
        self.revision = revision
        self.domains = domains
        self.locations = locations
        self.tokens = tokens
        self.openMigrations = openMigrations
        self.freezes = freezes
        self.hasWebhooks = hasWebhooks
    }
}

/// One line of the log, as far as a copy of the routing table needs it.
public struct TableChange: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case domain(RevisionChanges.DomainChange)
        case location(RevisionChanges.LocationChange)
        /// A hold, a token, a migration, an approval or a webhook: nothing that the table has.
        case other
    }

    public var place: HistoryQuery.Place
    public var kind: Kind

    public init(_ kind: Kind, at place: HistoryQuery.Place) {
        self.kind = kind
        self.place = place
    }
}
