import Synchronization

/// Lets one at a time do something that takes a while, or a few, in the order in which they came.
///
/// A place that is given back goes to the one that has waited longest: nobody who comes later gets it.
package final class AsyncLock: Sendable {
    package let places: Int
    private let taken = Mutex(0)
    /// By when they have to be in.
    private let waiters = Waiters<ContinuousClock.Instant?>()

    package init(places: Int = 1) {
        self.places = places
    }

    package var running: Int { taken.withLock { $0 } }
    package var waiting: Int { waiters.count }

    /// Runs `body` in its turn, which is waited for though the task is cancelled.
    package func withLock<Value, Failure: Error>(
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        _ = await waiters.wait(for: nil, despiteCancellation: true) { tryEnter() }
        defer { leave() }
        return try await body()
    }

    /// - Returns: whether a place was free; `leave` gives it back.
    package func tryEnter() -> Bool {
        taken.withLock { taken in
            guard taken < places else { return false }
            taken += 1
            return true
        }
    }

    /// Waits for a place, until its task is cancelled.
    /// - Returns: whether it got one; `leave` gives it back.
    package func enter() async -> Bool {
        await waiters.wait(for: nil) { tryEnter() } == .woken
    }

    /// Waits for a place, until its task is cancelled, or `endOverdue` finds that its time is over.
    /// - Returns: whether it got one; `leave` gives it back.
    package func enter(by deadline: ContinuousClock.Instant) async -> Bool {
        await waiters.wait(for: deadline) { tryEnter() } == .woken
    }

    package func leave() {
        waiters.wakeFirst { taken.withLock { $0 -= 1 } }
    }

    /// Ends the waits whose deadline has come: one timer does for all of them.
    /// - Returns: the next deadline.
    package func endOverdue(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        waiters.endWaits { $0.map { $0 <= now } ?? false }
        return waiters.keys.compactMap(\.self).min()
    }
}
