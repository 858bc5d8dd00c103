import AsyncWaiting
import Foundation
import Synchronization

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
