import Foundation
import Logging
import RegistryModel
import StoreCore
import Synchronization

/// Follows the log of all nodes on a thread and a session of its own: notifications wake it, asking for
/// the head is the truth. The same session holds the duty of background work, where no other node's
/// has it: a session that ends gives it up by itself, and it's looked up now and then whether it's held.
final class LogFollower: Sendable {
    private struct State {
        var isStarted = false
        var isStopping = false
        var lastContact = ContinuousClock.now
        var isOnDuty = false
        /// The session that had the duty last.
        var holder: (server: String?, backend: Int64?) = (nil, nil)
    }

    private let settings: ConnectionSettings
    private let current: CurrentServer
    private let health: DatabaseHealth
    private let spare = SpareConnections()
    private let delivery: LogDelivery
    private let interval: Duration
    private let logger: Logger
    private let onShared: @Sendable (PostgresFailure) -> Void
    private let onHead: @Sendable (Head) -> Void
    private let onBreak: @Sendable (LogBroken) -> Void
    private let state = Mutex(State())
    private let threads = BlockingThreads()
    /// What wakes the thread to stop: reading end, writing end.
    private let alarm: (Int32, Int32)

    /// "treg" and 2.
    private static let duty: Int64 = 0x7472_6567_0000_0002

    /// - Parameters:
    ///   - interval: how often the head is asked for, whatever the notifications say.
    ///   - onShared: told where the session isn't this node's own.
    ///   - onHead: told where the log ends, each time that memory has come there. Must not block.
    ///   - onBreak: told where the database's log isn't the one that was followed.
    init(
        _ settings: ConnectionSettings, current: CurrentServer, health: DatabaseHealth,
        delivery: LogDelivery, interval: Duration, logger: Logger,
        onShared: @escaping @Sendable (PostgresFailure) -> Void,
        onHead: @escaping @Sendable (Head) -> Void,
        onBreak: @escaping @Sendable (LogBroken) -> Void
    ) {
        self.settings = settings
        self.current = current
        self.health = health
        self.onShared = onShared
        self.delivery = delivery
        self.interval = interval
        self.logger = logger
        self.onHead = onHead
        self.onBreak = onBreak
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) != 0 { ends = [-1, -1] }
        alarm = (ends[0], ends[1])
    }

    /// Since when nothing has been heard from the database.
    var silence: Duration { state.withLock { $0.lastContact.duration(to: .now) } }

    /// Not while nothing is heard of the database: another node may have taken over.
    var certificateEnd: Timestamp? { current.certificateEnd }

    var isOnDuty: Bool { !health.isInVain && state.withLock(\.isOnDuty) }

    /// Takes over a connection that nobody has used.
    func adopt(_ connection: PostgresConnection) { spare.add([connection]) }

    func start() {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted && !state.isStopping
        }
        guard isFirst else { return }
        threads.start("log-follower") { [self] in run() }
    }

    func stop() async {
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            return !state.isStopping
        }
        var byte: UInt8 = 1
        if isFirst { _ = write(alarm.1, &byte, 1) }
        spare.empty()
        await threads.ended()
        guard isFirst else { return }
        Foundation.close(alarm.0)
        Foundation.close(alarm.1)
    }

    private var isStopping: Bool { state.withLock(\.isStopping) }

    private func run() {
        let slot = ConnectionSlot(settings: settings, health: health, spare: spare) {
            connection in
            try PostgresSession.prepare(connection)
            try PostgresSession.prefersIndexes(connection)
            connection.patience = .seconds(10)
            try connection.query("LISTEN \(Self.channel)")
        }
        var isAway = false
        while !isStopping {
            do {
                try follow(try slot.connection()) {
                    if isAway { logger.notice("the database is back") }
                    isAway = false
                }
            } catch let broken as LogBroken {
                state.withLock { $0.isOnDuty = false }
                return onBreak(broken)
            } catch {
                state.withLock { $0.isOnDuty = false }
                slot.drop()
                if let failure = error as? PostgresFailure, case .shared = failure.kind {
                    onShared(failure)
                }
                if !isAway {
                    logger.error(
                        "the database is away; lookups go on", metadata: ["error": "\(error)"])
                }
                isAway = true
                pause(.milliseconds(250))
            }
        }
        state.withLock { $0.isOnDuty = false }
    }

    /// Returns when it's time to stop.
    private func follow(_ connection: PostgresConnection, _ onContact: () -> Void) throws {
        // After each new connection: another server may have answered.
        try delivery.current?.compare(connection)
        var checked: ContinuousClock.Instant?
        while !isStopping {
            // Not for each notification: looking up locks costs the server something.
            if checked.map({ $0.duration(to: .now) > Self.interval }) ?? true {
                try check(connection)
                checked = .now
            }
            try catchUp(connection)
            current.follows(connection)
            try takeDuty(connection)
            state.withLock { $0.lastContact = .now }
            onContact()
            var told: [String] = []
            repeat {
                told = try connection.notifications(within: interval, alarm: alarm.0)
            } while !told.isEmpty && !told.contains(where: isNews) && !isStopping
        }
    }

    /// A notification of this node's own commit is none.
    private func isNews(_ text: String) -> Bool {
        guard let number = Int64(text), let known = delivery.current else { return true }
        return Revision(number) > known.revision
    }

    private static let channel = "registry_head"
    /// How often, at most, it's asked whose the session is.
    private static let interval = Duration.seconds(1)

    /// Whether the session is this node's own, and has what it was given: the channel it listens to and,
    /// on duty, the lock.
    private func check(_ connection: PostgresConnection) throws {
        let row = try connection.query(
            """
            SELECT \(PostgresSession.identity),
                EXISTS (SELECT FROM pg_listening_channels() AS c (name) WHERE c.name = $1),
                $2 AND NOT EXISTS (
                    SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
                        AND classid::bigint = $3 >> 32 AND objid::bigint = $3 & 4294967295
                        AND objsubid = 1 AND granted)
            """,
            [.text(Self.channel), .flag(state.withLock(\.isOnDuty)), .number(Self.duty)]
        ).first
        guard let row else { return }
        try PostgresSession.checkOwn(connection, row)
        guard try row.flag(2), try !row.flag(3) else {
            throw PostgresFailure.pooled("the follower's session has lost what it was given")
        }
    }

    private func takeDuty(_ connection: PostgresConnection) throws {
        guard !state.withLock(\.isOnDuty) else { return }
        let row = try connection.query("SELECT pg_try_advisory_lock($1)", [.number(Self.duty)])
            .first
        guard try row?.flag(0) == true else { return try endFormerSession(connection) }
        state.withLock {
            $0.isOnDuty = true
            $0.holder = (connection.server, connection.backend)
        }
        logger.notice("this node does the background work")
    }

    /// Where packets were lost, the server may believe for hours that this node's session of before, and with
    /// it the duty, is still there.
    private func endFormerSession(_ connection: PostgresConnection) throws {
        let holder = state.withLock(\.holder)
        guard let backend = holder.backend, backend != connection.backend,
            let server = holder.server, server == connection.server
        else { return }
        let ended = try connection.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND pid = $1
                AND classid::bigint = $2 >> 32 AND objid::bigint = $2 & 4294967295
                AND objsubid = 1 AND granted
            """, [.number(backend), .number(Self.duty)])
        if ended.count > 0 { logger.notice("this node's former session is ended") }
        state.withLock { $0.holder = (nil, nil) }
    }

    private func pause(_ duration: Duration) {
        var list = pollfd(fd: alarm.0, events: Int16(POLLIN), revents: 0)
        _ = poll(&list, 1, Int32(duration / .milliseconds(1)))
    }

    // MARK: - The log

    /// Revisions in one go.
    private static let changesAtOnce = 10_000

    private func catchUp(_ connection: PostgresConnection) throws {
        // In this order: what this node commits meanwhile isn't in a head that was read before.
        let before = delivery.current
        let head = try Head.read(connection)
        try before?.check(head)
        while let known = delivery.current?.revision, known < head.revision {
            let changes = try LogReader.changes(
                connection, after: known, through: head.revision, limit: Self.changesAtOnce)
            guard changes.first?.revision == known.next else {
                // Somebody else has brought them meanwhile.
                if let now = delivery.current?.revision, now > known { continue }
                throw LogBroken(what: "revision \(known.next) is missing")
            }
            let isLast = changes.last?.revision == head.revision
            delivery.bring(changes, digest: isLast ? head.digest : nil) { _, _ in [] }
        }
        onHead(head)
    }
}
