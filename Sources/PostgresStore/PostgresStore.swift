import AsyncWaiting
import Foundation
import Logging
import RegistryLedger
import RegistryModel
import SchemaMigrations
import StoreCore

/// The store of several nodes: one PostgreSQL database, by libpq.
///
/// Each node has one writer, a few readers, one for dry runs, a follower of the log, and a probe that finds
/// out whether the database answers, each with sessions and threads of its own. Revisions come from one
/// locked row: transactions of all nodes commit one after the other, in the order of their numbers.
package final class PostgresStore: SharedStore, SQLStore {
    package typealias Session = PostgresConnection

    let writer: GroupWriter
    private let dryRuns: PostgresDryRuns
    package var dryRunLine: ReadLanes { dryRuns.line.lanes }
    package let lanes: ReadLanes
    let readers: ConnectionThreads
    let delivery: LogDelivery
    let clock: DatabaseClock
    let agentClock: (@Sendable () -> Timestamp)?
    let logger: Logger
    let schema: [SchemaFile]
    /// Told where a session isn't this node's own.
    let onShared: @Sendable (PostgresFailure) -> Void
    private let follower: LogFollower
    private let health: DatabaseHealth
    private let probe: DatabaseHealthProbe
    private let settings: ConnectionSettings
    /// How many a node needs.
    private let sessions: Int
    private let failure = Latch()
    private let mark: NodeMark
    private let acceptsRewind: Bool

    /// Told of each committed revision of any node, in order; of this node's own before its writer is
    /// answered.
    package typealias CommitObserver = @Sendable (RevisionChanges) -> Void

    package struct Configuration: Sendable {
        package var connection: ConnectionSettings
        /// How long a released name can't be registered again.
        package var quarantine: Duration
        /// How much one wave may do.
        package var blastRadius = BlastRadius()
        /// Which waves need two people: the same at each node, for the one that takes a step decides.
        package var approval = ApprovalRule()
        /// How many locations there may be.
        package var locationLimit = Location.maximumCount
        /// Parents below which tenants stand side by side.
        package var suffixes: [FQDN] = []
        /// What stamps the log, and what deadlines, quarantines and ages are set and judged by; nil: the
        /// database's own clock, as it must be where several nodes share it. Tests give theirs.
        package var now: (@Sendable () -> Timestamp)?
        /// What the node's memory has counted; without it domains are counted in the database.
        package var counts: DomainCounts?
        /// What stamps agents and their leases; nil: the database's own clock, as it must be where several
        /// nodes share it. Tests give theirs.
        package var agentClock: (@Sendable () -> Timestamp)?
        /// The files to bring the schema up to. Tests give older and newer ones.
        package var schema: [SchemaFile] = SchemaFile.postgres
        /// Sessions that read, and who waits for which.
        package var reads = ReadLanes.Limits(connections: 5)
        /// How often the head is asked for where no notification comes.
        package var pollInterval = Duration.seconds(1)
        /// How long nobody may have heard anything of the database before it counts as away, and how long
        /// a write waits for one that was there a moment ago. Once it's known to be away, everything that
        /// needs it is refused at once.
        package var grace = Duration.seconds(3)
        /// How long `close` waits for what is under way.
        package var closing = Duration.seconds(5)
        /// The path of a file of this node's own, in which it notes how far it has seen the log come; nil: none. The
        /// next start holds the database against it.
        package var mark: String?
        /// Whether the mark is written as well, and not only looked at: by a node, whose own it is.
        package var keepsMark = true
        /// Whether a database that was put back under its old epoch is given a new one at the start, instead of being
        /// refused.
        package var acceptsRewind = false

        /// How many sessions a node needs at the same time: those of the readers, the writer, the dry
        /// runs, the follower and the probe, and one that asks for a commit's fate now and then.
        package var sessions: Int { reads.connections + 5 }

        package init(
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
    package static func open(
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

    private let closing: Duration
    package let suffixes: [FQDN]
    package let approval: ApprovalRule

    /// Opens nothing yet.
    init(
        _ configuration: Configuration, logger: Logger, onCommit: @escaping CommitObserver
    ) {
        let delivery = LogDelivery(onCommit)
        let failure = failure
        let current = CurrentServer()
        let health = DatabaseHealth(limit: configuration.grace)
        let probe = DatabaseHealthProbe(
            configuration.connection, health, current: current, logger: logger)
        let onShared: @Sendable (PostgresFailure) -> Void = { probe.report($0) }
        let onBreak: @Sendable (LogBroken) -> Void = { broken in
            logger.critical(
                "the database's log isn't the one that this node has followed",
                metadata: ["why": "\(broken.what)"])
            failure.raise()
        }
        self.delivery = delivery
        self.logger = logger
        self.health = health
        self.probe = probe
        self.onShared = onShared
        mark = NodeMark(
            configuration.mark, isKept: configuration.keepsMark, logger: logger)
        acceptsRewind = configuration.acceptsRewind
        settings = configuration.connection
        suffixes = configuration.suffixes
        approval = configuration.approval
        sessions = configuration.sessions
        closing = configuration.closing
        clock = DatabaseClock(given: configuration.now)
        agentClock = configuration.agentClock
        schema = configuration.schema
        lanes = ReadLanes(configuration.reads)
        readers = ConnectionThreads(
            "store-reader", count: configuration.reads.connections,
            settings: configuration.connection,
            health: health,
            prepare: {
                try PostgresSession.prepare($0, current: current)
                try PostgresSession.prefersIndexes($0)
            })
        let ledger = Ledger(
            quarantine: configuration.quarantine, blastRadius: configuration.blastRadius,
            approval: configuration.approval, locationLimit: configuration.locationLimit,
            suffixes: configuration.suffixes)
        writer = GroupWriter(
            configuration.connection, current: current, health: health, ledger: ledger,
            delivery: delivery, grace: configuration.grace, clock: clock,
            counts: configuration.counts, logger: logger, onShared: onShared, onBreak: onBreak)
        dryRuns = PostgresDryRuns(
            configuration.connection, current: current, health: health, ledger: ledger,
            clock: clock, counts: configuration.counts)
        follower = LogFollower(
            configuration.connection, current: current, health: health, delivery: delivery,
            interval: configuration.pollInterval, logger: logger, onShared: onShared,
            onHead: { [mark] in mark.note($0) }, onBreak: onBreak)
    }

    /// Opens all sessions that a node needs, and gives each to its owner.
    ///
    /// - Throws: `PostgresOpeningError` where there are fewer, or where they aren't this node's own.
    func openSessions() async throws {
        let count = sessions
        // Blocks a thread of the writer's, which has nothing to do yet.
        try await writer.threads.opening { [self] _ in
            var connections = try SessionCheck.open(settings, count: count)
            // What asks for a commit's fate makes its own when it's needed.
            connections.removeLast()
            probe.start(connections.removeLast())
            follower.adopt(connections.removeLast())
            writer.threads.adopt([connections.removeLast()])
            dryRuns.threads.adopt([connections.removeLast()])
            readers.adopt(connections)
        }
    }

    private func prepare() async throws {
        try await openSessions()
        let migrator = SchemaMigrator(files: schema, clock: clock)
        let head = try await writer.threads.opening { [logger, mark, acceptsRewind] slot in
            let connection = try slot.connection()
            try migrator.run(connection)
            try Self.warn(of: connection, logger)
            let head = try RewindCheck(mark: mark.read(), accepts: acceptsRewind, logger: logger)
                .run(connection)
            mark.begin(head)
            return head
        }
        delivery.begin(at: Position(epoch: head.epoch, revision: head.revision))
    }

    /// What makes acknowledged writes less than durable, and isn't ours to set.
    private static func warn(of connection: PostgresConnection, _ logger: Logger) throws {
        for name in ["fsync", "full_page_writes"] {
            let row = try connection.query("SELECT current_setting($1)", [.text(name)]).first
            guard try row?.text(0) == "off" else { continue }
            logger.warning(
                "the database may lose acknowledged writes at power loss",
                metadata: ["setting": "\(name)", "value": "off"])
        }
    }

    // MARK: - Following

    package func follow(after position: Position) {
        delivery.begin(at: position)
        follower.start()
    }

    package var silence: Duration { follower.silence }

    package var isOnDuty: Bool { follower.isOnDuty }

    package var certificateEnd: Timestamp? { follower.certificateEnd }

    package var flaw: String? { health.flaw }

    // MARK: - Store

    package func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed {
        guard let plan = request.dryRun else { return try await writer.commit(request) }
        switch try await dryRuns.run(request, plan) {
        case .success(let committed): return committed
        case .failure(let error): throw refusal(forRead: error)
        }
    }

    package func waitForFailure() async {
        await failure.wait()
    }

    /// Lets what is under way end, for a while. Whoever waits for the database after that gives up, and
    /// what doesn't even then, stuck in the system, is left behind.
    package func close() async {
        await until(closing) { [self] in
            await follower.stop()
            await writer.close()
            await dryRuns.close()
            await readers.close()
        }
        health.close()
        await until(.seconds(1)) { [self] in
            await follower.stop()
            await writer.close()
            await dryRuns.close()
            await readers.close()
            await probe.stop()
            await mark.close(delivery.current?.head)
        }
    }

    /// Doesn't wait for `body` after `limit`.
    private func until(
        _ limit: Duration, _ body: @escaping @Sendable () async -> Void
    ) async {
        let end = Latch()
        Task {
            await body()
            end.raise()
        }
        await end.wait(within: limit)
    }
}
