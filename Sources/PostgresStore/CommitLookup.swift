import Foundation
import Logging
import RegistryLedger
import RegistryModel
import StoreCore

/// A commit whose answer was lost.
struct Commit: Sendable {
    /// The head that it would have made. Its digest is over everything that the commit wrote.
    let head: Head
    /// The server's number of the transaction: with the digest, no other commit can be taken for it.
    let transaction: Int64

    /// Whether the log has it. The head's lock, which the lost transaction holds as long as it lives,
    /// is waited for: after that the answer doesn't change. A commit of our own ends the question: it is
    /// acknowledged after all before it, so what is found is on the synchronous standby too. A commit
    /// whose session ended while it waited for the standby is in the log and not yet there.
    ///
    /// - Returns: nil where nobody could be asked in time.
    fileprivate func isThere(_ slot: ConnectionSlot, by deadline: ContinuousClock.Instant) -> Bool?
    {
        while ContinuousClock.now < deadline {
            do {
                return try ask(slot.connection())
            } catch {
                slot.drop()
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
        return nil
    }

    private func ask(_ connection: PostgresConnection) throws -> Bool {
        let results = try connection.pipeline([
            Statement("BEGIN"),
            Statement("SELECT \(PostgresSession.identity) FROM head WHERE id = 1 FOR UPDATE"),
            Statement(
                "SELECT digest, xmin::text::bigint FROM revision_log WHERE revision = $1",
                [.number(head.revision.number)]),
            Statement("COMMIT"),
        ])
        guard let owner = results[1].first else { throw HeadMissing() }
        try PostgresSession.checkOwn(connection, owner)
        guard let row = results[2].first else { return false }
        return try row.bytes(0) == head.digest && row.number(1) == transaction & 0xFFFF_FFFF
    }
}

/// Finds out what became of commits whose answers were lost, on a thread and a session of its own: the
/// writer goes on meanwhile, and nobody waits for it but those whose commits they were.
///
/// What the writer commits meanwhile comes after the lost commit, or without it: the head's lock orders them.
final class CommitLookup: Sendable {
    /// How long the fate of a commit is looked for.
    static let limit = Duration.seconds(20)

    private let threads: ConnectionThreads

    init(_ settings: ConnectionSettings, health: DatabaseHealth, current: CurrentServer) {
        threads = ConnectionThreads(
            "store-commits", count: 1, settings: settings, health: health
        ) { connection in
            try PostgresSession.prepare(connection, current: current)
            // A commit may wait for a standby.
            connection.patience = .seconds(600)
        }
    }

    /// - Parameter answer: told on the lookup's thread: whether the commit is there, nil where that can't be found out.
    /// - Returns: false after `close`.
    func ask(
        about commit: Commit, answer: @escaping @Sendable (Bool?, ConnectionSlot) -> Void
    ) -> Bool {
        let deadline = ContinuousClock.now + Self.limit
        return threads.submit { slot in
            answer(commit.isThere(slot, by: deadline), slot)
            // A session that is seldom needed is left to others.
            slot.drop()
        }
    }

    func close() async { await threads.close() }
}
