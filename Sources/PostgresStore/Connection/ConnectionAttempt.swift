import CLibPQ
import Foundation
import StoreCore

/// One try to make a connection, on a thread of its own: libpq looks names up, walks through all hosts and
/// addresses, and shakes hands, in calls that may block for longer than anybody waits. Who gives up leaves
/// the try behind; what it comes to is there for whoever asks next.
///
/// A pointer is what the compiler lets nobody share: it's touched under the lock alone, and by one owner
/// after it was taken.
final class ConnectionAttempt: @unchecked Sendable {
    private let condition = NSCondition()
    private var handle: OpaquePointer?
    private var isOver = false

    init(_ settings: ConnectionSettings) {
        let thread = Thread { [self] in
            let made = settings.connect()
            condition.withLock {
                handle = made
                isOver = true
                condition.broadcast()
            }
        }
        thread.name = "store-connect"
        thread.start()
    }

    deinit { PQfinish(handle) }

    var hasEnded: Bool { condition.withLock { isOver } }

    /// Waits for the end of the try.
    ///
    /// - Parameter contact: tells that waiting is in vain.
    /// - Returns: nil where it hasn't ended yet.
    /// - Throws: `unreachable` with libpq's words.
    func connection(within limit: Duration, _ health: DatabaseHealth?) throws -> PostgresConnection?
    {
        let end = ContinuousClock.now + limit
        var made: OpaquePointer?
        let isThere = condition.withLock {
            while !isOver {
                let left = ContinuousClock.now.duration(to: end)
                guard left > .zero, health?.isInVain != true else { return false }
                // The clock on the wall may be set: in short pieces that does no harm.
                let piece = min(left, .milliseconds(100)) / .seconds(1)
                _ = condition.wait(until: Date(timeIntervalSinceNow: piece))
            }
            (made, handle) = (handle, nil)
            return true
        }
        guard isThere else {
            try health?.check()
            return nil
        }
        guard let made else { throw PostgresFailure.unreachable("no memory for a connection") }
        return try PostgresConnection(made)
    }
}
