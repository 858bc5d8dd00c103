import RegistryModel
import RegistryService
import ServiceLifecycle
import Synchronization

/// Whether the service has begun to stop, for somebody who waits at the feed.
final class StopFlag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .sequentiallyConsistent) }

    /// Runs `body`, and wakes the feed's readers where the service stops meanwhile.
    func whileServing<Value>(
        of feed: ChangeFeed, _ body: () async throws -> Value
    ) async rethrows -> Value {
        try await withGracefulShutdownHandler {
            try await body()
        } onGracefulShutdown: { [self] in
            value.store(true, ordering: .sequentiallyConsistent)
            feed.nudge()
        }
    }
}
