import Synchronization

/// The wait of one task: it ends once, also before the task has begun to wait.
final class Wait<Key: Sendable>: Sendable {
    struct Wake: Sendable {
        var end: WaitEnd
        /// Whom the woken one has to wake.
        var others: ArraySlice<Wait> = []
    }

    private enum State {
        /// The task hasn't begun to wait.
        case early
        case waiting(CheckedContinuation<Wake, Never>)
        /// It ended before the task had begun to wait.
        case endedEarly(Wake)
        case ended
    }

    let key: Key
    private let state = Mutex(State.early)

    init(_ key: Key) {
        self.key = key
    }

    /// Returns when it ends. Called once.
    func wake() async -> Wake {
        await withCheckedContinuation { answer in
            let wake = state.withLock { state -> Wake? in
                guard case .endedEarly(let wake) = state else {
                    state = .waiting(answer)
                    return nil
                }
                state = .ended
                return wake
            }
            if let wake { answer.resume(returning: wake) }
        }
    }

    func wakeOrCancellation() async -> Wake {
        await withTaskCancellationHandler {
            await wake()
        } onCancel: {
            end(.cancelled)
        }
    }

    /// - Returns: false where it has ended already.
    @discardableResult
    func end(_ end: WaitEnd, waking others: ArraySlice<Wait> = []) -> Bool {
        let wake = Wake(end: end, others: others)
        let (isFirst, answer) = state.withLock {
            state -> (Bool, CheckedContinuation<Wake, Never>?) in
            switch state {
            case .early:
                state = .endedEarly(wake)
                return (true, nil)
            case .waiting(let answer):
                state = .ended
                return (true, answer)
            case .endedEarly, .ended: return (false, nil)
            }
        }
        answer?.resume(returning: wake)
        return isFirst
    }

    /// Wakes two of them, which share the others.
    static func wake(_ waits: ArraySlice<Wait>) {
        var rest = waits
        var isFirst = true
        while let wait = rest.popFirst() {
            let share = isFirst ? rest.prefix(rest.count / 2) : rest
            // One that has ended meanwhile wakes nobody.
            guard wait.end(.woken, waking: share) else { continue }
            rest = rest.dropFirst(share.count)
            isFirst = false
        }
    }
}

/// Waits in the order of their coming.
struct WaitList<Key: Sendable> {
    private var waits: [Int: Wait<Key>] = [:]
    /// Places of waits; those that aren't in `waits` any more are passed over.
    private var order: [Int] = []
    private var first = 0
    private var next = 0

    var count: Int { waits.count }
    var keys: [Key] { order[first...].compactMap { waits[$0]?.key } }

    mutating func append(_ wait: Wait<Key>) -> Int {
        next += 1
        waits[next] = wait
        order.append(next)
        return next
    }

    mutating func remove(at place: Int) {
        waits[place] = nil
        tidy()
    }

    mutating func removeFirst() -> Wait<Key>? {
        while first < order.count {
            let wait = waits.removeValue(forKey: order[first])
            first += 1
            if let wait {
                tidy()
                return wait
            }
        }
        return nil
    }

    mutating func removeAll() -> [Wait<Key>] {
        defer {
            waits = [:]
            (order, first) = ([], 0)
        }
        return order[first...].compactMap { waits[$0] }
    }

    mutating func removeAll(where isMeant: (Key) -> Bool) -> [Wait<Key>] {
        guard !waits.isEmpty else { return [] }
        let found = order[first...].filter { waits[$0].map { isMeant($0.key) } ?? false }
        defer { tidy() }
        return found.compactMap { waits.removeValue(forKey: $0) }
    }

    /// Forgets places whose waits are over, when they are most of all.
    private mutating func tidy() {
        guard order.count > 2 * waits.count + 64 else { return }
        order = order[first...].filter { waits[$0] != nil }
        first = 0
    }
}

/// What limits of waits are measured by.
package struct WaitClock: Sendable {
    /// Since some moment.
    package var now: @Sendable () -> Duration
    /// - Throws: where the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    private static let start = ContinuousClock.now

    package static let continuous = WaitClock(
        now: { start.duration(to: .now) }, sleep: { try await Task.sleep(for: $0) })
}
