import Synchronization

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
