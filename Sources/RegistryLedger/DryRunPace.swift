import Foundation
import Synchronization

/// Leaves as much time between two dry runs as the one before took, up to a tenth of a second: a dry run is
/// never urgent, and clients that make them in a loop would otherwise keep a core from whoever writes.
///
/// For the one thread or queue on which an engine's dry runs come one after the other.
package final class DryRunPace: Sendable {
    private static let longest = Duration.milliseconds(100)

    private let resumes = Mutex(ContinuousClock.now)

    package init() {}

    /// Blocks its thread until the rest is over, then runs `body`.
    package func run<Value>(_ body: () throws -> Value) rethrows -> Value {
        let rest = ContinuousClock.now.duration(to: resumes.withLock { $0 })
        if rest > .zero { Thread.sleep(forTimeInterval: rest / .seconds(1)) }
        let started = ContinuousClock.now
        defer {
            let now = ContinuousClock.now
            resumes.withLock { $0 = now + min(started.duration(to: now), Self.longest) }
        }
        return try body()
    }
}
