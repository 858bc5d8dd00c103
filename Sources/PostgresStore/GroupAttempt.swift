import Foundation
import Logging
import RegistryLedger
import RegistryModel
import Synchronization

/// One try of one group: a transaction from its beginning to its known end.
struct GroupAttempt {
    let requests: [CommitRequest]
    let ledger: Ledger
    let clock: DatabaseClock
    let counts: DomainCounts?
    let delivery: LogDelivery
    let logger: Logger

    enum Outcome {
        /// Committed, or nothing was to be written; with the head that it made.
        case written([Result<Ledger.Written, RegistryError>], Head?)
        /// Nothing was written: the schema refused one of the requests.
        case apart
        /// Nothing was written, and the same again may do.
        case again(PostgresFailure)
        /// Nothing was written.
        case refused(RegistryError)
        /// Nothing was written: somebody else held a lock for too long.
        case locked
        /// Whether it was written can't be found out.
        case lost
        /// Nothing was written: the log isn't the one that memory is of.
        case broken(LogBroken)
    }

    private typealias Results = [Result<Ledger.Written, RegistryError>]

    func run(_ slot: ConnectionSlot) -> Outcome {
        var commit: Commit?
        var decided: Results = []
        do {
            let connection = try slot.connection()
            let transaction = try PostgresTransaction(
                connection, for: requests, clock: clock, counts: counts)
            // The head is locked: what memory has beyond it was lost with another server.
            try delivery.current?.check(transaction.head())
            let results = try decide(in: transaction)
            let isWritten = results.contains { (try? $0.get().changes) != nil }
            guard isWritten else {
                try transaction.rollback()
                return .written(results, nil)
            }
            let head = try transaction.head()
            (commit, decided) = (Commit(head: head, transaction: transaction.number), results)
            try transaction.commit()
            return .written(results, head)
        } catch let failure as PostgresFailure {
            guard failure.kind == .connection else { return settle(failure, slot) }
            slot.drop()
            guard let commit else { return .again(failure) }
            logger.warning(
                "the answer to a commit was lost; the log is asked",
                metadata: ["error": "\(failure)"])
            guard let isThere = commit.isThere(slot) else { return .lost }
            return isThere ? .written(decided, commit.head) : .again(failure)
        } catch let broken as LogBroken {
            slot.drop()
            return .broken(broken)
        } catch {
            // Not the database's: a defect of ours. Its transaction ends with the connection.
            slot.drop()
            logger.error("a commit failed", metadata: ["error": "\(error)"])
            return .refused(.inconsistent)
        }
    }

    private func decide(in transaction: PostgresTransaction) throws -> Results {
        try requests.map { request in
            transaction.beginCommand()
            do {
                return .success(
                    try ledger.execute(request, in: transaction, now: transaction.now))
            } catch let refusal as RegistryError {
                transaction.undoCommand()
                return .failure(refusal)
            } catch let error where !(error is PostgresFailure) {
                // A row that this version can't read concerns one command.
                logger.error("a command met what it can't read", metadata: ["error": "\(error)"])
                transaction.undoCommand()
                return .failure(.inconsistent)
            }
        }
    }

    /// After a refusal by the server.
    private func settle(_ failure: PostgresFailure, _ slot: ConnectionSlot) -> Outcome {
        guard (try? slot.connection().query("ROLLBACK")) != nil else {
            slot.drop()
            return .again(failure)
        }
        switch failure.kind {
        case .conflict, .connection: return .again(failure)
        case .constraint:
            logger.error("the schema refused a command", metadata: ["error": "\(failure)"])
            return .apart
        case .diskFull:
            logger.error("the database's disk is full", metadata: ["error": "\(failure)"])
            return .refused(.storageFull)
        case .busy:
            logger.warning("a commit was refused for now", metadata: ["error": "\(failure)"])
            return failure.isLockTimeout ? .locked : .refused(.overloaded)
        case .other:
            logger.error("PostgreSQL refused a commit", metadata: ["error": "\(failure)"])
            return .apart
        }
    }
}

/// A commit whose answer was lost.
struct Commit {
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
    func isThere(_ slot: ConnectionSlot) -> Bool? {
        let deadline = ContinuousClock.now + GroupWriter.inquest
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
            Statement("BEGIN"), Statement("SELECT id FROM head WHERE id = 1 FOR UPDATE"),
            Statement(
                "SELECT digest, xmin::text::bigint FROM revision_log WHERE revision = $1",
                [.number(head.revision.number)]),
            Statement("COMMIT"),
        ])
        guard let row = results[2].first else { return false }
        return row.octets(0) == head.digest && row.number(1) == transaction & 0xFFFF_FFFF
    }
}

/// Whether the last try to reach the database failed.
final class AwayMark: Sendable {
    private let state = Atomic(false)

    var isSet: Bool { state.load(ordering: .relaxed) }
    func set() { state.store(true, ordering: .relaxed) }
    func clear() { state.store(false, ordering: .relaxed) }
}
