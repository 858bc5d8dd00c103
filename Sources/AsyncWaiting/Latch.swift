import Synchronization

/// Something that happens once, or never, and that any number of tasks may wait for.
package final class Latch: Sendable {
    private let hasHappened = Atomic(false)
    private let waiters: Waiters<Void>

    package init(_ clock: WaitClock = .continuous) {
        waiters = Waiters(clock)
    }

    package var isRaised: Bool { hasHappened.load(ordering: .sequentiallyConsistent) }

    package func raise() {
        hasHappened.store(true, ordering: .sequentiallyConsistent)
        waiters.wakeAll()
    }

    /// Returns when it's raised, `limit` has passed, or the task is cancelled.
    /// - Returns: whether it's raised.
    @discardableResult
    package func wait(within limit: Duration? = nil) async -> Bool {
        _ = await waiters.wait(for: (), within: limit) { isRaised }
        return isRaised
    }
}

/// Tells one task that something has happened, however often it has: a sequence that ends with its task.
package final class Wakeup: AsyncSequence, Sendable {
    private let isDue = Atomic(false)
    private let waiters = Waiters<Void>()

    package init() {}

    package func wake() {
        waiters.wakeFirst { isDue.store(true, ordering: .sequentiallyConsistent) }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(wakeup: self) }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let wakeup: Wakeup

        /// - Returns: nil where the task is cancelled.
        package func next() async -> Void? {
            let ended = await wakeup.waiters.wait(for: ()) {
                wakeup.isDue.exchange(false, ordering: .sequentiallyConsistent)
            }
            return ended == .woken ? () : nil
        }
    }
}
