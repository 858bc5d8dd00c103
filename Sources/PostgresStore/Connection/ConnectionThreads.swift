import AsyncWaiting
import Dispatch
import Foundation
import RegistryModel
import Synchronization

/// A few threads, each with a connection of its own, that take jobs from one queue: libpq's calls
/// block, and Swift's own threads must not.
///
/// A connection is made when the first job wants it, looked at before each job, and made anew when it
/// is gone.
final class ConnectionThreads: Sendable {
    typealias Job = @Sendable (ConnectionSlot) -> Void

    private struct State {
        var jobs: [Job] = []
        var isClosed = false
    }

    /// Connections that were made before anybody wanted one.
    private let spare = SpareConnections()

    private let state = Mutex(State())
    private let ready = DispatchSemaphore(value: 0)
    private let threads = BlockingThreads()
    private let count: Int

    /// - Parameters:
    ///   - health: whether the database answers; nil: whoever asks waits for it.
    ///   - prepare: called once with each new connection, before anything else.
    init(
        _ name: String, count: Int, settings: ConnectionSettings, health: DatabaseHealth? = nil,
        prepare: @escaping @Sendable (PostgresConnection) throws -> Void
    ) {
        self.count = count
        for number in 1...count {
            threads.start("\(name)-\(number)") { [self, spare] in
                run(
                    ConnectionSlot(
                        settings: settings, health: health, spare: spare, prepare: prepare))
            }
        }
    }

    private func run(_ slot: ConnectionSlot) {
        while true {
            ready.wait()
            let job = state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
            guard let job else { return slot.drop() }
            job(slot)
        }
    }

    /// - Returns: false after `close`: the job won't run.
    func submit(_ job: @escaping Job) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            state.jobs.append(job)
            return true
        }
        if isTaken { ready.signal() }
        return isTaken
    }

    /// Runs `body` on one of the threads, and waits for it whatever becomes of the task.
    /// - Throws: what `body` throws; `ThreadsClosed`.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (ConnectionSlot) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { answer in
            let isTaken = submit { slot in answer.resume(with: Result { try body(slot) }) }
            if !isTaken { answer.resume(throwing: ThreadsClosed()) }
        }
    }

    /// Takes over connections that nobody has used, one for each thread.
    func adopt(_ connections: [PostgresConnection]) { spare.add(connections) }

    /// Runs what was submitted before, and ends the threads.
    func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        spare.empty()
        if isFirst { for _ in 0..<count { ready.signal() } }
        await threads.ended()
    }
}

/// Nothing is run any more.
struct ThreadsClosed: Error {}

/// Threads of their own, for calls that block, and tasks that wait for their end.
final class BlockingThreads: Sendable {
    private let running = Mutex(0)
    private let ends = Waiters<Void>()

    /// - Parameter body: the thread ends when it returns.
    func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        running.withLock { $0 += 1 }
        let thread = Thread { [self] in
            body()
            running.withLock { $0 -= 1 }
            ends.wakeAll()
        }
        thread.name = name
        thread.start()
    }

    /// Returns when all that were started have ended, though the task is cancelled.
    func ended() async {
        while running.withLock({ $0 }) > 0 {
            _ = await ends.wait(for: (), despiteCancellation: true) { running.withLock { $0 } == 0 }
        }
    }
}

/// Which server the follower was let in by last: the one that takes writes, as far as this node knows.
///
/// A primary that hangs, with its disk or its virtual machine, answers nothing and ends no connection,
/// and a commit may rightly take minutes. The follower has little patience and finds the server that was
/// promoted meanwhile; who still waits for the old one learns it here.
final class CurrentServer: Sendable {
    private let latest = Mutex<(server: String, since: ContinuousClock.Instant)?>(nil)
    private let certificate = Mutex<Timestamp?>(nil)

    /// Until when that server's certificate holds, as it was when the follower connected; nil without TLS.
    var certificateEnd: Timestamp? { certificate.withLock { $0 } }

    /// The follower is at this connection's server.
    func follows(_ connection: PostgresConnection) {
        guard let server = connection.server else { return }
        let isNew = latest.withLock { latest in
            defer { latest = (server, connection.since) }
            return latest?.since != connection.since
        }
        if isNew { certificate.withLock { $0 = connection.certificateEnd } }
    }

    /// Whether another server let the follower in after this one did `connection`.
    func isAnother(than connection: PostgresConnection) -> Bool {
        guard let server = connection.server else { return false }
        return latest.withLock { latest in
            guard let latest else { return false }
            return latest.server != server && latest.since > connection.since
        }
    }
}
