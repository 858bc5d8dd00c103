/// A write, before it is decided. The store's transaction decides.
public enum Command: Hashable, Sendable {
    case register(NewDomain)
    /// Good rows are registered in one revision, bad ones named.
    case registerBatch([BatchRow])
    case change(FQDN, DomainPatch, ifMatch: Precondition?)
    /// Of a domain, or of a name that is held.
    case release(FQDN, ifMatch: Precondition?)
    /// - Parameters:
    ///   - allowsNested: whether it may stand below or above a name of somebody else's.
    ///   - allowsSplit: whether it may come back elsewhere than its tenant's other domains are now.
    case restore(FQDN, allowsNested: Bool = false, allowsSplit: Bool = false)
    /// Keeps a name for whoever asks, for a while.
    case hold(NewDomain, for: Duration)
    /// Makes a held name a domain.
    case activate(FQDN)
    /// Ends holds that are over: these, or the first ones that there are.
    case expireHolds([FQDN]?)
    /// All domains of a tenant, in one revision.
    case changeTenant(String, TenantPatch)
    /// - Parameter keepsDNS: whether the location's `dns` stays as it is, whatever the settings have there: whoever
    ///   doesn't know of it mustn't take it away.
    case putLocation(
        LocationName, LocationSettings, keepsDNS: Bool = false, ifMatch: Precondition? = nil)
    case deleteLocation(LocationName, ifMatch: Precondition? = nil)
    case createToken(TokenRecord)
    case revokeToken(id: String)
    case planMigration(MigrationPlan)
    case waveStep(WaveStep)
    /// Lets a wave that needs two people freeze or move. Refused to whoever planned it.
    case approveWave(WaveName, planDigest: String)
    /// No wave may be planned or frozen; there's no rollback after.
    case finalizeMigration(id: String)
    /// Ends what hasn't moved; frozen waves thaw.
    case cancelMigration(id: String)
    /// - Parameters:
    ///   - secret: takes the place of the one that's there; nil: that one stays.
    ///   - spare: what a webhook that has none gets, where `secret` is nil.
    case putWebhook(
        WebhookName, WebhookSettings, secret: WebhookSecret?, spare: WebhookSecret)
    case deleteWebhook(WebhookName)
}

/// One step of one wave.
public struct WaveStep: Hashable, Sendable {
    public enum Action: Hashable, Sendable {
        /// Tells copies of the table that the wave is about to be frozen: from then on a copy that can't hear the
        /// registry answers its domains as frozen.
        case announce(WaveAgreement)
        /// - Parameter deadline: from now; then the wave thaws by itself.
        case freeze(WaveAgreement, deadline: Duration)
        case cutOver(WaveAgreement)
        /// - Parameter skipsConflicts: whether rows that changed since the cutover stay as they are
        ///   instead of failing the step.
        case rollBack(skipsConflicts: Bool)
        case thaw
        /// What the deadline does. Refused where the wave isn't frozen, or not that long.
        case thawWhenDue
    }

    public var migration: String
    /// From 1.
    public var wave: Int
    public var action: Action

    public init(_ action: Action, migration: String, wave: Int) {
        self.migration = migration
        self.wave = wave
        self.action = action
    }
}

extension Command {
    /// How much work it is, in rows.
    package var rowCount: Int {
        switch self {
        case .registerBatch(let rows): max(1, rows.count)
        // As many as there are: nobody else should wait in the same transaction.
        case .planMigration, .waveStep, .cancelMigration, .changeTenant: MigrationPlan.maximumNames
        default: 1
        }
    }
}

/// One row of a batch. Rows that the service refuses come along, so that the stored answer names
/// them even after its rules have changed.
public enum BatchRow: Hashable, Sendable {
    case wanted(NewDomain)
    case refused(code: String)
}

/// `If-Match`, RFC 9110 §13.1.1.
public enum Precondition: Hashable, Sendable {
    case exists
    /// The epoch too: the same number may be another state there.
    case position(anyOf: Set<Position>)

    public func holds(for position: Position) -> Bool {
        switch self {
        case .exists: true
        case .position(let allowed): allowed.contains(position)
        }
    }
}

/// A command with everything that the log and the idempotency record need.
public struct CommitRequest: Sendable {
    public var command: Command
    public var actor: Actor
    public var note: Note
    /// At most 128 characters; recorded with the change.
    public var requestID: String
    public var idempotency: IdempotencyKey?

    public init(
        _ command: Command, by actor: Actor, note: Note = Note(), requestID: String,
        idempotency: IdempotencyKey? = nil
    ) {
        self.command = command
        self.actor = actor
        self.note = note
        self.requestID = requestID
        self.idempotency = idempotency
    }
}

/// A caller's name for one request, so that repeating it can't repeat its effect. Keys belong to
/// one token and are kept for 24 hours.
public struct IdempotencyKey: Hashable, Sendable {
    public var token: String
    public var key: String
    /// SHA-256 over what the request means: method, path, query and body, 32 bytes.
    public var requestDigest: [UInt8]

    public init(token: String, key: String, requestDigest: [UInt8]) {
        self.token = token
        self.key = key
        self.requestDigest = requestDigest
    }
}
