import Foundation
import Logging
import RegistryModel
import Synchronization

/// Follows the log of all nodes on a thread and a session of its own: notifications wake it, asking for
/// the head is the truth. The same session holds the duty of background work, where no other node's
/// has it: a session that ends gives it up by itself.
final class LogFollower: Sendable {
    private struct State {
        var isStarted = false
        var isStopping = false
        var lastContact = ContinuousClock.now
        var isOnDuty = false
    }

    private let settings: ConnectionSettings
    private let current: CurrentServer
    private let delivery: LogDelivery
    private let interval: Duration
    private let logger: Logger
    private let onBreak: @Sendable (LogBroken) -> Void
    private let state = Mutex(State())
    private let ended = DispatchGroup()
    /// What wakes the thread to stop: reading end, writing end.
    private let alarm: (Int32, Int32)

    /// "treg" and 2.
    private static let duty: Int64 = 0x7472_6567_0000_0002

    /// - Parameters:
    ///   - interval: how often the head is asked for, whatever the notifications say.
    ///   - onBreak: told where the database's log isn't the one that was followed.
    init(
        _ settings: ConnectionSettings, current: CurrentServer, delivery: LogDelivery,
        interval: Duration, logger: Logger,
        onBreak: @escaping @Sendable (LogBroken) -> Void
    ) {
        self.settings = settings
        self.current = current
        self.delivery = delivery
        self.interval = interval
        self.logger = logger
        self.onBreak = onBreak
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) != 0 { ends = [-1, -1] }
        alarm = (ends[0], ends[1])
    }

    /// Since when nothing has been heard from the database.
    var silence: Duration { state.withLock { $0.lastContact.duration(to: .now) } }

    var isOnDuty: Bool { state.withLock(\.isOnDuty) }

    func start() {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted && !state.isStopping
        }
        guard isFirst else { return }
        ended.enter()
        let thread = Thread { [self] in
            run()
            ended.leave()
        }
        thread.name = "log-follower"
        thread.start()
    }

    func stop() async {
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            return !state.isStopping
        }
        guard isFirst else { return }
        var octet: UInt8 = 1
        _ = write(alarm.1, &octet, 1)
        await withCheckedContinuation { done in
            ended.notify(queue: .global()) { done.resume() }
        }
        Foundation.close(alarm.0)
        Foundation.close(alarm.1)
    }

    private var isStopping: Bool { state.withLock(\.isStopping) }

    private func run() {
        let slot = ConnectionSlot(settings: settings) { connection in
            try Session.prepare(connection)
            try Session.prefersIndexes(connection)
            connection.patience = .seconds(10)
            try connection.query("LISTEN registry_head")
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
        while !isStopping {
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

    private func takeDuty(_ connection: PostgresConnection) throws {
        guard !isOnDuty else { return }
        let row = try connection.query("SELECT pg_try_advisory_lock($1)", [.number(Self.duty)])
            .first
        if row?.flag(0) == true {
            state.withLock { $0.isOnDuty = true }
            logger.notice("this node does the background work")
        }
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
    }
}
