import Synchronization

/// Which server the follower was let in by last: the one that takes writes, as far as this node knows.
///
/// A primary that hangs, with its disk or its virtual machine, answers nothing and ends no connection,
/// and a commit may rightly take minutes. The follower has little patience and finds the server that was
/// promoted meanwhile; who still waits for the old one learns it here.
final class CurrentServer: Sendable {
    private let latest = Mutex<(server: String, since: ContinuousClock.Instant)?>(nil)

    /// The follower is at this connection's server.
    func follows(_ connection: PostgresConnection) {
        guard let server = connection.server else { return }
        latest.withLock { $0 = (server, connection.since) }
    }

    /// Whether another server let the follower in after this one did `connection`.
    func isAnother(than connection: PostgresConnection) -> Bool {
        guard let server = connection.server else { return false }
        return latest.withLock { latest in
            guard let latest else { return false }
            return latest.server != server && latest.since > connection.since
        }
    }
}
