import Logging
import RegistryLedger
import RegistryModel
import StoreCore
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
        case written([Result<Ledger.CommandResult, RegistryError>], Head?)
        /// Nothing was written: the schema refused one of the requests.
        case apart
        /// Nothing was written, and the same again may do; or a setting will end it again, if it's named.
        case again(PostgresFailure, String?)
        /// Nothing was written.
        case refused(RegistryError)
        /// Nothing was written: somebody else held a lock for too long.
        case locked
        /// Whether it was written isn't known: it has to be asked.
        case lost(Commit, [Result<Ledger.CommandResult, RegistryError>])
        /// Nothing was written: a setting of the operator's doesn't let it.
        case limited(String, PostgresFailure)
        /// Nothing was written, and nothing will be: the session is others', too.
        case shared(PostgresFailure)
        /// Nothing was written: the log isn't the one that memory is of.
        case broken(LogBroken)
    }

    private typealias Results = [Result<Ledger.CommandResult, RegistryError>]

    func run(_ slot: ConnectionSlot) -> Outcome {
        var commit: Commit?
        var decided: Results = []
        var connection: PostgresConnection?
        var hasHead = false
        do {
            let new = try slot.connection()
            connection = new
            let transaction = try PostgresTransaction(
                new, for: requests, clock: clock, counts: counts)
            hasHead = true
            // The head is locked: what memory has beyond it was lost with another server.
            try delivery.current?.check(transaction.head())
            let results = try decide(in: transaction)
            let moves = results.contains { (try? $0.get().changes) != nil }
            // Answers that changed nothing are remembered too.
            guard moves || !transaction.pending.isEmpty else {
                try transaction.rollback()
                return .written(results, nil)
            }
            let head = try transaction.head()
            (commit, decided) = (Commit(head: head, transaction: transaction.number), results)
            try transaction.commit()
            return .written(results, moves ? head : nil)
        } catch let failure as PostgresFailure {
            // A session that ended under its commit, for whatever reason, leaves open what became of it: a
            // server that found no room for its log dies, and may have written the commit before. Only what
            // a setting forbids is taken back for certain.
            let isOpen = commit != nil && connection?.isAlive != true && failure.limit == nil
            guard failure.isOfConnection || isOpen else {
                return settle(failure, slot, connection, hasHead: hasHead)
            }
            if isReadOnly(failure, slot, connection) {
                return .limited("default_transaction_read_only", failure)
            }
            slot.drop()
            // Ended while it did nothing: no commit had come to the server.
            if failure.isIdleTimeout {
                return .again(failure, "idle_in_transaction_session_timeout")
            }
            guard let commit else { return .again(failure, nil) }
            logger.warning(
                "the answer to a commit was lost; the log is asked",
                metadata: ["error": "\(failure)"])
            return .lost(commit, decided)
        } catch let broken as LogBroken {
            slot.drop()
            return .broken(broken)
        } catch let unreadable as UnreadableValue {
            // One row that was read for all of them concerns one command, unless it's alone.
            logger.error("a commit met what it can't read", metadata: ["error": "\(unreadable)"])
            slot.drop()
            return .apart
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

    /// Whether the server takes no writes because it was told so, and not because it's a standby.
    private func isReadOnly(
        _ failure: PostgresFailure, _ slot: ConnectionSlot, _ connection: PostgresConnection?
    ) -> Bool {
        guard failure.isReadOnly, let connection, connection.isAlive else { return false }
        let answer = try? connection.answer(
            toScript:
                """
                ROLLBACK; SELECT current_setting('default_transaction_read_only') = 'on' AND NOT pg_is_in_recovery()
                """
        ).first?.text(0)
        return answer == "t"
    }

    /// After a refusal by the server.
    ///
    /// - Parameter hasHead: whether the transaction had begun to work, and not only waited for another's.
    private func settle(
        _ failure: PostgresFailure, _ slot: ConnectionSlot, _ connection: PostgresConnection?,
        hasHead: Bool
    ) -> Outcome {
        if connection?.isAlive != true || (try? connection?.query("ROLLBACK")) == nil {
            slot.drop()
        }
        switch failure.kind {
        case .conflict, .connection: return .again(failure, nil)
        case .shared:
            slot.drop()
            return .shared(failure)
        case .limit(let setting) where hasHead: return .limited(setting, failure)
        case .busy where hasHead && failure.isCancelled && connection?.hasStatementTimeout == true:
            return .limited("statement_timeout", failure)
        case .constraint:
            logger.error("the schema refused a command", metadata: ["error": "\(failure)"])
            return .apart
        case .diskFull:
            logger.error("the database's disk is full", metadata: ["error": "\(failure)"])
            return .refused(.storageFull)
        case .limit, .busy:
            logger.warning("a commit was refused for now", metadata: ["error": "\(failure)"])
            return failure.isLockTimeout ? .locked : .refused(.overloaded)
        case .other:
            logger.error("PostgreSQL refused a commit", metadata: ["error": "\(failure)"])
            return .apart
        }
    }
}
