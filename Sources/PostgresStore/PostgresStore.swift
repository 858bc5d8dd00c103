import Foundation
import Logging
import Migrations
import RegistryLedger
import RegistryModel

/// The store of several nodes: one PostgreSQL database, by libpq.
///
/// Each node has one writer, a few readers, and a follower of the log, each with sessions and threads
/// of its own. Revisions come from one locked row: transactions of all nodes commit one after the
/// other, in the order of their numbers.
public final class PostgresStore: SharedStore, LanedStore {
    let writer: GroupWriter
    private let dryRuns: DryRuns
    package let lanes: ReadLanes
    let readers: ConnectionThreads
    let delivery: LogDelivery
    let clock: DatabaseClock
    let agentClock: (@Sendable () -> Timestamp)?
    let logger: Logger
    let schema: [SchemaFile]
    private let follower: LogFollower
    private let failure = FailureSignal()

    /// Told of each committed revision of any node, in order; of this node's own before its writer is
    /// answered.
    public typealias CommitObserver = @Sendable (RevisionChanges) -> Void

    public struct Configuration: Sendable {
        public var connection: ConnectionSettings
        /// How long a released name can't be registered again.
        public var quarantine: Duration
        /// How much one wave may do.
        public var blastRadius = BlastRadius()
        /// How many locations there may be.
        public var locationLimit = Location.maximumCount
        /// What stamps the log, and what deadlines, quarantines and ages are set and judged by; nil: the
        /// database's own clock, as it must be where several nodes share it. Tests give theirs.
        public var now: (@Sendable () -> Timestamp)?
        /// What the node's memory has counted; without it domains are counted in the database.
        public var counts: DomainCounts?
        /// What stamps agents and their leases; nil: the database's own clock, as it must be where several
        /// nodes share it. Tests give theirs.
        public var agentClock: (@Sendable () -> Timestamp)?
        /// The files to bring the schema up to. Tests give older and newer ones.
        public var schema: [SchemaFile] = SchemaFile.postgres
        /// Sessions that read at the same time, three at least: some for what the service itself needs,
        /// some for short reads, one for long ones.
        public var readers = 5
        /// How often the head is asked for where no notification comes.
        public var pollInterval = Duration.seconds(1)
        /// How long a write waits for a database that was there a moment ago. Once it's known to be away,
        /// writes are refused at once.
        public var grace = Duration.seconds(3)

        public init(
            connection: ConnectionSettings, quarantine: Duration,
            now: (@Sendable () -> Timestamp)? = nil
        ) {
            self.connection = connection
            self.quarantine = quarantine
            self.now = now
        }
    }

    /// Opens the database and brings its schema up to date.
    ///
    /// - Throws: `PostgresOpeningError`, with a message for the operator.
    public static func open(
        _ configuration: Configuration, logger: Logger, onCommit: @escaping CommitObserver
    ) async throws -> PostgresStore {
        let store = PostgresStore(configuration, logger: logger, onCommit: onCommit)
        do {
            try await store.prepare()
        } catch {
            await store.close()
            throw error
        }
        return store
    }

    /// Opens nothing yet.
    init(
        _ configuration: Configuration, logger: Logger, onCommit: @escaping CommitObserver
    ) {
        let delivery = LogDelivery(onCommit)
        let failure = failure
        let current = CurrentServer()
        let onBreak: @Sendable (LogBroken) -> Void = { broken in
            logger.critical(
                "the database's log isn't the one that this node has followed",
                metadata: ["why": "\(broken.what)"])
            failure.raise()
        }
        self.delivery = delivery
        self.logger = logger
        clock = DatabaseClock(given: configuration.now)
        agentClock = configuration.agentClock
        schema = configuration.schema
        let reads = ReadLanes.Limits(connections: configuration.readers)
        lanes = ReadLanes(reads)
        readers = ConnectionThreads(
            "store-reader", count: reads.connections, settings: configuration.connection,
            prepare: {
                try Session.prepare($0, current: current)
                try Session.prefersIndexes($0)
            })
        let ledger = Ledger(
            quarantine: configuration.quarantine, blastRadius: configuration.blastRadius,
            locationLimit: configuration.locationLimit)
        writer = GroupWriter(
            configuration.connection, current: current, ledger: ledger, delivery: delivery,
            grace: configuration.grace, clock: clock, counts: configuration.counts,
            logger: logger, onBreak: onBreak)
        dryRuns = DryRuns(
            configuration.connection, current: current, ledger: ledger, clock: clock,
            counts: configuration.counts)
        follower = LogFollower(
            configuration.connection, current: current, delivery: delivery,
            interval: configuration.pollInterval, logger: logger, onBreak: onBreak)
    }

    private func prepare() async throws {
        let migrator = SchemaMigrator(files: schema, clock: clock)
        let head = try await withCheckedThrowingContinuation { answer in
            let isTaken = writer.threads.submit { [logger] slot in
                answer.resume(
                    with: Result {
                        do {
                            let connection = try slot.connection()
                            try migrator.run(connection)
                            try Self.warn(of: connection, logger)
                            return try Head.read(connection)
                        } catch let failure as PostgresFailure {
                            throw PostgresOpeningError(failure)
                        }
                    })
            }
            if !isTaken { answer.resume(throwing: PostgresOpeningError.failed("it was closed")) }
        }
        delivery.begin(at: Position(epoch: head.epoch, revision: head.revision))
    }

    /// What makes acknowledged writes less than durable, and isn't ours to set.
    private static func warn(of connection: PostgresConnection, _ logger: Logger) throws {
        for name in ["fsync", "full_page_writes"] {
            let row = try connection.query("SELECT current_setting($1)", [.text(name)]).first
            guard row?.text(0) == "off" else { continue }
            logger.warning(
                "the database may lose acknowledged writes at power loss",
                metadata: ["setting": "\(name)", "value": "off"])
        }
    }

    // MARK: - Following

    public func follow(after position: Position) {
        delivery.begin(at: position)
        follower.start()
    }

    public var silence: Duration { follower.silence }

    public var isOnDuty: Bool { follower.isOnDuty }

    // MARK: - Store

    public func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed {
        guard let plan = request.dryRun else { return try await writer.commit(request) }
        switch await dryRuns.run(request, plan) {
        case .success(let committed): return committed
        case .failure(let error): throw refusal(forRead: error)
        }
    }

    public func waitForFailure() async {
        await failure.wait()
    }

    public func close() async {
        await follower.stop()
        await writer.close()
        await dryRuns.close()
        await readers.close()
    }
}
