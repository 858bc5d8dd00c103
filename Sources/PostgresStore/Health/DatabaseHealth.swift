import StoreCore
import Synchronization

/// Whether the database answers this node, whichever of its sessions asks.
///
/// Every session notes what it hears, and the probe asks all the time. Who waits for an answer looks here
/// now and then: nobody waits for a database that is away, and nobody gives up on one that lives because
/// an answer takes its time, as where somebody else holds a lock.
final class DatabaseHealth: Sendable {
    private struct State {
        var silence = Duration.zero
        var heard: UInt64 = 0
        var refusal: Refusal?
        var waits: [Int: Wait] = [:]
        var nextWait = 0
    }

    /// Why nothing is asked.
    private enum Refusal {
        case away
        /// What is wrong with the sessions.
        case shared(String)
        case closed
    }

    /// A session that has waited for an answer for a while.
    struct Wait {
        let server: String?
        /// The server's process at the other end.
        let backend: Int64
        /// How often the server said that this process has nothing to do for us.
        var idle = 0
    }

    private let heard = Atomic<UInt64>(0)
    private let isRefusing = Atomic(false)
    /// Sessions that were made before the last change aren't used any more.
    private let latest = Atomic<UInt64>(0)
    private let state = Mutex(State())
    /// How long nobody may have heard anything before the database counts as away.
    let limit: Duration

    init(limit: Duration) {
        self.limit = limit
    }

    // MARK: - What sessions do

    /// Something has come from the server.
    func hear() { heard.add(1, ordering: .relaxed) }

    var generation: UInt64 { latest.load(ordering: .relaxed) }

    /// - Throws: `unreachable` where it's known that asking is in vain.
    func check() throws {
        guard isRefusing.load(ordering: .relaxed) else { return }
        switch state.withLock({ $0.refusal }) {
        case nil: return
        case .away: throw PostgresFailure.unreachable("nothing is heard of it")
        case .shared(let what): throw PostgresFailure.unreachable(what)
        case .closed: throw PostgresFailure.unreachable("the store is closed")
        }
    }

    /// Whether nobody should wait any longer for an answer.
    var isInVain: Bool { isRefusing.load(ordering: .relaxed) }

    /// - Returns: a number to ask `hasLost` with, and to `end` the wait with.
    func begin(_ wait: Wait) -> Int {
        state.withLock { state in
            state.nextWait += 1
            state.waits[state.nextWait] = wait
            return state.nextWait
        }
    }

    func end(_ wait: Int) { state.withLock { $0.waits[wait] = nil } }

    /// Whether the server, which answers others, has no answer left to give to this one.
    func hasLost(_ wait: Int) -> Bool {
        state.withLock { ($0.waits[wait]?.idle ?? 0) > 1 }
    }

    // MARK: - What the probe finds

    var waits: [Wait] { state.withLock { Array($0.waits.values) } }

    /// Which of a server's processes work for those who wait, or wait for somebody else's lock.
    func judge(_ working: Set<Int64>, of server: String, among asked: [Wait]) {
        let backends = Set(asked.filter { $0.server == server }.map(\.backend))
        state.withLock { state in
            for (number, wait) in state.waits
            where wait.server == server && backends.contains(wait.backend) {
                state.waits[number]?.idle = working.contains(wait.backend) ? 0 : wait.idle + 1
            }
        }
    }

    /// Some time has passed in which the probe was there to listen.
    /// - Returns: whether the database is away now, where that is news.
    func passed(_ time: Duration) -> Bool? {
        let now = heard.load(ordering: .relaxed)
        return state.withLock { state in
            if now != state.heard {
                (state.heard, state.silence) = (now, .zero)
                guard case .away = state.refusal else { return nil }
                refuse(nil, &state)
                return false
            }
            state.silence += time
            guard state.silence >= limit, state.refusal == nil else { return nil }
            refuse(.away, &state)
            return true
        }
    }

    /// Nothing more is asked until `areOwn`.
    /// - Returns: whether it's news.
    func areShared(_ what: String) -> Bool {
        state.withLock { state in
            switch state.refusal {
            case .closed, .shared: return false
            case nil, .away:
                refuse(.shared(what), &state)
                latest.add(1, ordering: .relaxed)
                return true
            }
        }
    }

    /// Sessions are their owners' again; those from before aren't used.
    func areOwn() {
        state.withLock { state in
            guard case .shared = state.refusal else { return }
            refuse(nil, &state)
        }
    }

    /// What is wrong with the sessions, where something is.
    var flaw: String? {
        guard isInVain else { return nil }
        return state.withLock { state in
            if case .shared(let what) = state.refusal { what } else { nil }
        }
    }

    /// Whoever still waits gives up.
    func close() { state.withLock { refuse(.closed, &$0) } }

    private func refuse(_ refusal: Refusal?, _ state: inout State) {
        state.refusal = refusal
        isRefusing.store(refusal != nil, ordering: .relaxed)
    }
}
