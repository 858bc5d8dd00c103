import Foundation
import Logging
import StoreCore
import Synchronization

/// Asks the database all the time whether it's there, on a thread and a session of its own, which does
/// nothing else: so no long answer, no lock and no full queue can be taken for silence. It looks after
/// the others' sessions, too: whether those that wait are still worked for, and whether they are this node's own.
final class DatabaseHealthProbe: Sendable {
    private struct State {
        var isStarted = false
        var isStopping = false
    }

    private let settings: ConnectionSettings
    private let health: DatabaseHealth
    private let current: CurrentServer
    private let logger: Logger
    private let state = Mutex(State())
    private let threads = BlockingThreads()
    private let alarm = DispatchSemaphore(value: 0)
    private let spare = SpareConnections()

    private static let interval = Duration.milliseconds(500)
    /// A question that any server answers in no time, busy or not.
    private static let patience = Duration.seconds(2)
    /// How long a new connection is waited for before time is counted again; it comes all the same.
    private static let turn = Duration.seconds(1)

    init(
        _ settings: ConnectionSettings, _ health: DatabaseHealth, current: CurrentServer,
        logger: Logger
    ) {
        self.settings = settings
        self.health = health
        self.current = current
        self.logger = logger
    }

    /// - Parameter connection: one that nobody has used.
    func start(_ connection: PostgresConnection?) {
        if let connection { spare.add([connection]) }
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted && !state.isStopping
        }
        guard isFirst else { return }
        threads.start("store-probe") { [self] in run() }
    }

    func stop() async {
        state.withLock { $0.isStopping = true }
        alarm.signal()
        spare.empty()
        await threads.ended()
    }

    private var isStopping: Bool { state.withLock(\.isStopping) }

    private func run() {
        let slot = ConnectionSlot(
            settings: settings, health: health, asksHealth: false, spare: spare
        ) { [current] connection in
            connection.patience = Self.patience
            try PostgresSession.prepare(connection)
            current.follows(connection)
        }
        slot.patience = Self.turn
        while !isStopping {
            let started = ContinuousClock.now
            var pause = Self.interval
            do {
                try ask(slot)
            } catch {
                slot.drop()
                pause = .milliseconds(100)
                if let failure = error as? PostgresFailure, case .shared = failure.kind {
                    report(failure)
                }
            }
            if health.flaw != nil { recheck() }
            _ = alarm.wait(timeout: .now() + .nanoseconds(Int(pause / .nanoseconds(1))))
            note(started.duration(to: .now))
        }
    }

    private func ask(_ slot: ConnectionSlot) throws {
        let connection = try slot.connection()
        try PostgresSession.checkOwn(connection)
        let waits = health.waits.filter { $0.server == connection.server }
        guard let server = connection.server, !waits.isEmpty else { return }
        // Who waits for the client has nothing to do, or tells it to somebody who isn't there.
        let rows = try connection.query(
            """
            SELECT pid::bigint FROM pg_stat_activity
            WHERE pid = ANY ($1::bigint[]) AND (state IS NULL OR state NOT LIKE 'idle%')
                AND wait_event_type IS DISTINCT FROM 'Client'
            """, [.numbers(waits.map(\.backend))])
        health.judge(Set(try rows.map { try $0.number(0) }), of: server, among: waits)
    }

    /// A process that was stopped itself has heard nothing either: no round counts for more than it takes.
    private func note(_ time: Duration) {
        switch health.passed(min(time, Self.patience + Self.turn)) {
        case true?:
            logger.error(
                "nothing is heard of the database: writes, and reads of the store, are refused until it's back"
            )
        case false?: logger.notice("the database answers again")
        case nil: break
        }
    }

    // MARK: - Sessions that others have, too

    func report(_ failure: PostgresFailure) {
        let what = "\(failure.named)"
        guard health.areShared(what) else { return }
        logger.critical(
            "this node's sessions aren't its own: it writes nothing, and isn't ready, until they are",
            metadata: ["error": "\(what)"])
    }

    private func recheck() {
        do {
            // As many as are asked in turn; a pooler that's right gives each its own.
            _ = try SessionCheck.open(settings, count: 3)
            health.areOwn()
            logger.notice("this node's sessions are its own again")
        } catch {
            logger.debug("sessions aren't this node's own yet", metadata: ["error": "\(error)"])
        }
    }
}
