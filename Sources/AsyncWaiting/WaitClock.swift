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
