import AsyncWaiting
import RegistryService
import ServiceLifecycle

extension ChangeFeed {
    /// Runs `body`, and wakes those who wait here where the service stops meanwhile.
    ///
    /// - Parameter body: its argument is raised when the service begins to stop.
    func whileServing<Value>(_ body: (Latch) async throws -> Value) async rethrows -> Value {
        let stop = Latch()
        return try await withGracefulShutdownHandler {
            try await body(stop)
        } onGracefulShutdown: { [self] in
            stop.raise()
            nudge()
        }
    }
}
