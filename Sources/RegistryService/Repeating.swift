import ServiceLifecycle

/// Does something over and over, with a rest between two times, until the service is to stop.
package func repeatUntilShutdown(
    every interval: Duration, restsFirst: Bool, _ body: @escaping @Sendable () async -> Void
) async {
    try? await cancelWhenGracefulShutdown {
        if restsFirst { try await Task.sleep(for: interval) }
        while true {
            await body()
            try await Task.sleep(for: interval)
        }
    }
}
