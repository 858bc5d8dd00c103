import Logging
import RegistryModel
import RoutingTable

/// The use cases. One file a verb; each checks what only the service knows, and leaves the rest to
/// the store's transaction.
public struct RegistryService: Sendable {
    public let store: any Store
    /// What needs no store.
    public let lookups: LookupService
    let names: NamePolicy
    let now: @Sendable () -> Timestamp
    let verifications = Verifications()
    let countLog = CountLog()
    let aheadOfClock = AheadOfClock()
    let aheadTold = AheadNotices()
    public let agents: AgentDirectory
    /// The agents of all nodes, where several share the store.
    let shared: SharedAgents?
    /// Whether webhooks may go to receivers on this machine, and without TLS there.
    public let allowsPlainWebhooks: Bool
    let logger: Logger

    public init(
        store: any Store, state: NodeState, names: NamePolicy,
        agents: AgentDirectory = AgentDirectory(), allowsPlainWebhooks: Bool = false,
        logger: Logger = Logger(label: "tenant-registry"),
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.agents = agents
        self.allowsPlainWebhooks = allowsPlainWebhooks
        shared = (store as? any SharedStore).map { SharedAgents($0, agents) }
        self.logger = logger
        self.store = store
        lookups = LookupService(state: state, now: now)
        self.names = names
        self.now = now
    }

    public var state: NodeState { lookups.state }
    var table: any RoutingTable { state.table }

    /// The service's clock.
    public var time: Timestamp { now() }

    public func position() throws(RegistryError) -> Position { try lookups.position() }

    public func statistics() throws(RegistryError) -> Read<TableStatistics> {
        try lookups.statistics()
    }

    /// Whether this node does the work that one of all has to do.
    package var isOnDuty: Bool { (store as? any SharedStore)?.isOnDuty ?? true }

    /// How long the database hasn't been heard of; nil where the store is this node's own.
    public var storeSilence: Duration? { (store as? any SharedStore)?.silence }

    /// Why this node shouldn't be asked, though it answers.
    public var storeFlaw: String? { (store as? any SharedStore)?.flaw }

    /// Hears from now on of what other nodes write.
    public func followOthers() throws(RegistryError) {
        (store as? any SharedStore)?.follow(after: try position())
    }

    /// Reads the whole table. The listener opens after this has returned.
    public func loadTable() async throws(RegistryError) {
        try await state.load(from: store)
        if let shared {
            try await shared.refresh()
        } else {
            agents.load(try await store.agents())
        }
    }
}

/// Who writes, why, and how the write may be repeated.
public struct WriteContext: Sendable {
    public var actor: Actor
    public var note: Note
    public var requestID: String
    public var idempotency: IdempotencyKey?

    public init(
        actor: Actor, note: Note = Note(), requestID: String, idempotency: IdempotencyKey? = nil
    ) {
        self.actor = actor
        self.note = note
        self.requestID = requestID
        self.idempotency = idempotency
    }
}

extension RegistryService {
    /// How long a write waits for its own node's table, once it is committed. The embedded store
    /// has applied it already.
    private static let visibilityLimit = Duration.seconds(5)

    func commit(
        _ command: Command, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        let committed = try await store.commit(
            CommitRequest(
                command, by: context.actor, note: context.note, requestID: context.requestID,
                idempotency: context.idempotency))
        _ = await table.reaches(committed.revision, within: Self.visibilityLimit)
        return committed
    }

    /// The stored answer to an earlier request with the same key, before anything else is checked.
    public func replay(of key: IdempotencyKey) async throws(RegistryError) -> Committed? {
        try await store.replay(of: key)
    }
}
