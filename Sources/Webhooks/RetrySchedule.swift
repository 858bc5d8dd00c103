import RegistryModel

/// When what failed is tried again, and for how long.
enum RetrySchedule {
    private static let first = Duration.seconds(1)
    /// No wait is longer, whatever the receiver asks for: a receiver that is well again hears of it within this time.
    static let longest = Duration.seconds(60 * 60)
    /// So long a revision is tried to be delivered at least.
    static let patience = Duration.seconds(3 * 24 * 60 * 60)
    /// And so often: a clock that is set forward makes no three days of some seconds.
    static let leastAttempts = 24

    /// Each wait is twice the one before, give or take a fifth: receivers that failed together aren't asked together.
    ///
    /// - Parameters:
    ///   - attempts: how many have failed, from 1.
    ///   - asked: what the receiver asks for.
    ///   - chance: from 0 to 1.
    static func wait(
        after attempts: Int, asked: Duration?, chance: Double = .random(in: 0...1)
    ) -> Duration {
        let doublings = min(max(0, attempts - 1), 20)
        let base = min(first * (1 << doublings), longest)
        let jittered = base * Int(800 + 400 * chance) / 1_000
        return min(max(jittered, asked ?? .zero), longest)
    }

    /// Whether the time is come. A time that is further off than any wait comes from a clock that was set.
    static func isDue(_ retryAt: Timestamp, at now: Timestamp) -> Bool {
        let left = retryAt.since(now)
        return left <= .zero || left > longest
    }

    /// Whether a revision is given up: it's old, and the receiver has been failing for as long, each time that it was tried.
    static func isOver(_ header: RevisionHeader, _ failure: WebhookProgress.Failure) -> Bool {
        failure.attempts >= leastAttempts && failure.at.since(failure.since) >= patience
            && failure.at.since(header.at) >= patience
    }
}
