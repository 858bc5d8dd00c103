import Synchronization

// How tasks wait for one another: every wait of this process that isn't a thread's is one of these.
//
//     Waiters     many wait for a key of their own, or for the next event
//     Latch       something that happens once
//     AsyncLock   one at a time, or a few, in the order in which they came
//     Wakeup      one task is told that there is something to do, however often
//
// Guaranteed: a wait ends once, by whatever comes first: it's woken, its time is over, its task is cancelled.
// What comes before the task has begun to wait counts too. Nothing of a wait is kept once it has ended.
//
// Not for threads: one that blocks (libpq's, a disk's) waits for a semaphore, and is nobody's task.

/// How a wait ended.
package enum WaitEnd: Sendable, Hashable {
    case woken
    case timedOut
    case cancelled
}

/// Tasks that wait, each with a key that says for what.
///
/// Whoever wakes pays for two of them, whatever their number: each that is woken wakes others before it goes on.
package final class Waiters<Key: Sendable>: Sendable {
    private let list = Mutex(WaitList<Key>())
    /// How often all were woken.
    private let events = Atomic(0)
    private let looking = Atomic(0)
    private let clock: WaitClock

    package init(_ clock: WaitClock = .continuous) {
        self.clock = clock
    }

    /// How many wait now.
    package var count: Int { list.withLock(\.count) }

    /// Waits until somebody wakes it.
    ///
    /// - Parameters:
    ///   - limit: nil: without a limit.
    ///   - isHeedless: whether the wait goes on though its task is cancelled. It has no limit then: time is measured by
    ///     a task that would end with it.
    ///   - isOver: whether there is nothing to wait for. It's asked once more while nobody can wake: what is
    ///     told by a wake after this has looked isn't missed. Must not use these waiters.
    package func wait(
        for key: Key, within limit: Duration? = nil, despiteCancellation isHeedless: Bool = false,
        unless isOver: () -> Bool = { false }
    ) async -> WaitEnd {
        precondition(limit == nil || !isHeedless)
        if isOver() { return .woken }
        if let limit, limit <= .zero { return .timedOut }
        let wait = Wait(key)
        let place = list.withLock { isOver() ? nil : $0.append(wait) }
        guard let place else { return .woken }
        let wake = await wake(of: wait, within: limit, isHeedless)
        Wait.wake(wake.others)
        if wake.end != .woken { list.withLock { $0.remove(at: place) } }
        return wake.end
    }

    private func wake(
        of wait: Wait<Key>, within limit: Duration?, _ isHeedless: Bool
    ) async -> Wait<Key>.Wake {
        guard let limit else {
            return isHeedless ? await wait.wake() : await wait.wakeOrCancellation()
        }
        return await withTaskGroup(of: Void.self) { [clock] group in
            group.addTask {
                guard (try? await clock.sleep(limit)) != nil else { return }
                wait.end(.timedOut)
            }
            defer { group.cancelAll() }
            return isHeedless ? await wait.wake() : await wait.wakeOrCancellation()
        }
    }

    /// Wakes all.
    package func wakeAll() {
        events.add(1, ordering: .sequentiallyConsistent)
        Wait.wake(ArraySlice(list.withLock { $0.removeAll() }))
    }

    /// Wakes those whose keys are so.
    package func wake(where isMeant: (Key) -> Bool) {
        Wait.wake(ArraySlice(list.withLock { $0.removeAll(where: isMeant) }))
    }

    /// Wakes the one that has waited longest.
    /// - Parameter body: called where nobody waits, before anybody else can begin to.
    package func wakeFirst(otherwise body: () -> Void = {}) {
        list.withLock { list in
            while let wait = list.removeFirst() {
                if wait.end(.woken) { return }
            }
            body()
        }
    }

    /// Ends the waits whose keys are so, as if their time were over.
    package func endWaits(where isMeant: (Key) -> Bool) {
        for wait in list.withLock({ $0.removeAll(where: isMeant) }) { wait.end(.timedOut) }
    }

    /// The keys of those that wait, in the order of their coming.
    package var keys: [Key] { list.withLock(\.keys) }
}

extension Waiters<Void> {
    /// How many look, or wait to look again.
    package var lookers: Int { looking.load(ordering: .relaxed) }

    /// Calls `look` at once, then whenever all were woken since it looked last, until it has seen enough, `limit`
    /// has passed, or the task is cancelled.
    ///
    /// - Parameter interval: how often it looks where nobody wakes it; nil: never.
    package func look(
        within limit: Duration, every interval: Duration? = nil, _ look: () async -> Bool
    ) async {
        looking.add(1, ordering: .relaxed)
        defer { looking.subtract(1, ordering: .relaxed) }
        let end = clock.now() + limit
        while true {
            let seen = events.load(ordering: .sequentiallyConsistent)
            if await look() { return }
            let left = end - clock.now()
            let ended = await wait(for: (), within: min(interval ?? left, left)) {
                events.load(ordering: .sequentiallyConsistent) != seen
            }
            guard ended != .cancelled, clock.now() < end else { return }
        }
    }
}
