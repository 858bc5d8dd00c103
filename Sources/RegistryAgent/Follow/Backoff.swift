/// How long to wait before the next attempt: twice as long each time, up to a limit, and never all
/// copies at once.
package struct Backoff: Sendable, Hashable {
    package var first: Duration
    package var longest: Duration

    package init(first: Duration = .milliseconds(200), longest: Duration = .seconds(30)) {
        self.first = first
        self.longest = longest
    }

    /// - Parameters:
    ///   - failures: in a row, 1 or more; for none there's no wait.
    ///   - chance: 0 to 1. Half of the wait is fixed, half is by chance.
    package func wait(after failures: Int, chance: Double) -> Duration {
        guard failures > 0 else { return .zero }
        // 2^40 times any first wait is beyond any limit.
        let doubled = first * (1 << min(failures - 1, 40))
        let whole = min(longest, doubled)
        return whole / 2 + whole / 2 * max(0, min(1, chance))
    }
}
