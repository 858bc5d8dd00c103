import RegistryModel
import Synchronization

/// A clock that stands still until a test moves it. It begins at 2026-01-01T00:00:00.000Z.
final class SettableClock: Sendable {
    private static let start = Timestamp(milliseconds: 1_767_225_600_000)
    private let time = Mutex(start)

    var now: Timestamp { time.withLock { $0 } }
    /// Since its beginning.
    var uptime: Duration { .milliseconds(now.milliseconds - Self.start.milliseconds) }

    func advance(by duration: Duration) {
        time.withLock { $0 = $0.adding(duration) }
    }
}

extension Duration {
    static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}
