import AsyncWaiting
import GRDB
import Logging
import Metrics
import RegistryLedger
import RegistryModel
import StoreCore

/// The one writer. Requests that arrive while a commit is under way share the next one: one fsync
/// for all of them, a savepoint for each, so that a refused one leaves nothing behind.
///
/// Nothing is answered before the commit has returned. After an I/O error nothing is acknowledged
/// any more, because the page cache may hold what the disk doesn't: the process has to end, and the
/// next start recovers. A full disk isn't such an error: SQLite rolls back, and the caller hears of
/// it.
final class GroupCommit: Sendable {
    private let pool: DatabasePool
    let ledger: Ledger
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let onCommit: SQLiteStore.CommitObserver
    private let counts: DomainCounts?
    private let queue = CommitQueue()
    private let failure = Latch()
    private let wal: WALGauge
    private let mark: MarkKeeper

    private let commits = Counter(label: "registry_commits_total")
    private let groupSize = Recorder(label: "registry_commit_group_size")
    private let commitTime = Timer(label: "registry_commit_duration_seconds")

    init(
        pool: DatabasePool, wal: WALGauge, mark: MarkKeeper, ledger: Ledger, counts: DomainCounts?,
        now: @escaping @Sendable () -> Timestamp, logger: Logger,
        onCommit: @escaping SQLiteStore.CommitObserver
    ) {
        self.counts = counts
        self.pool = pool
        self.wal = wal
        self.mark = mark
        self.ledger = ledger
        self.now = now
        self.logger = logger
        self.onCommit = onCommit
    }

    func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed {
        try await queue.answer(to: request) { startNextGroup() }
    }

    /// One group a turn, so that maintenance gets its turns on the writer too.
    private func startNextGroup() {
        pool.asyncWriteWithoutTransaction { [self] db in
            commit(queue.nextGroup(), in: db)
            checkpointIfDue(db)
            if queue.hasMore() { startNextGroup() }
        }
    }

    private func commit(_ jobs: [CommitQueue.Job], in db: Database) {
        let started = ContinuousClock.now
        do {
            let results = try transaction(jobs.map(\.request), in: db)
            // A reader may have met a broken disk meanwhile.
            guard !queue.hasEnded else { throw AcknowledgesNothing() }
            // Before anybody hears of it: what somebody has seen, the mark has.
            if let head = results.lazy.reversed().compactMap({ try? $0.get().head }).first {
                mark.note(head, logBeganAnew: wal.hasBegunAnew())
            }
            for result in results {
                if case .success(let written) = result, let changes = written.changes {
                    onCommit(changes)
                }
            }
            commitTime.record(duration: started.duration(to: .now))
            groupSize.record(jobs.count)
            commits.increment()
            for (job, result) in zip(jobs, results) {
                job.answer.resume(returning: result.map(\.committed))
            }
        } catch {
            rollBack(db)
            let reason = refusal(for: error)
            for job in jobs { job.answer.resume(returning: .failure(reason)) }
        }
    }

    /// Copies the log's pages into the file, once what they hold is answered.
    private func checkpointIfDue(_ db: Database) {
        guard wal.isCheckpointDue, !queue.hasEnded else { return }
        do {
            try db.checkpoint(.passive)
        } catch let error as DatabaseError
            where [.SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL].contains(error.resultCode)
        {
            // A reader is in the way, or the file can't grow: the log keeps what it has.
            logger.debug("a checkpoint was put off", metadata: ["error": "\(error)"])
        } catch {
            fail(error)
        }
    }

    /// At the end everything is in the file, and nothing in a log beside it: SQLite would play that into whatever
    /// file is put there.
    func emptyLog() async {
        guard !queue.hasEnded else { return }
        do {
            try await pool.writeWithoutTransaction { db in
                // Closed before.
                guard db.sqliteConnection != nil else { return }
                try db.checkpoint(.passive)
                // Somebody else may read, a replicator for example: he keeps his log, and isn't waited for.
                try db.execute(sql: "PRAGMA busy_timeout = 0")
                try db.checkpoint(.truncate)
            }
        } catch {
            logger.debug("the log isn't empty at the end", metadata: ["error": "\(error)"])
        }
    }

    private struct AcknowledgesNothing: Error {}

    private func transaction(
        _ requests: [CommitRequest], in db: Database
    ) throws -> [Result<Ledger.CommandResult, RegistryError>] {
        let time = now()
        let transaction = SQLiteTransaction(db: db, counts: counts)
        // Nobody else's writes to keep: alone, a command needs no savepoint, and a large one has to do
        // without. Under a savepoint SQLite goes through all that was kept of it, each time that a
        // statement ends: a batch of 10,000 rows takes three times as long, one of 100,000 for ever.
        let isShared = requests.count > 1
        try db.beginTransaction(.immediate)
        let results = try requests.map { request in
            if isShared { try transaction.statements[.savepoint].run() }
            do {
                let written = try ledger.execute(request, in: transaction, now: time)
                if isShared { try transaction.statements[.release].run() }
                return Result<Ledger.CommandResult, RegistryError>.success(written)
            } catch let refusal as RegistryError {
                try undo(in: transaction, isShared)
                return .failure(refusal)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                // The schema refused what the ledger let through: a defect, but a contained one.
                logger.error("the schema refused a command", metadata: ["error": "\(error)"])
                try undo(in: transaction, isShared)
                return .failure(.inconsistent)
            } catch let error where !(error is DatabaseError) {
                // A row that this version can't read, an idempotency record of a newer one for
                // example, concerns one command and not the disk.
                logger.error("a command met what it can't read", metadata: ["error": "\(error)"])
                try undo(in: transaction, isShared)
                return .failure(.inconsistent)
            }
        }
        try db.commit()
        return results
    }

    private func undo(in transaction: SQLiteTransaction, _ isShared: Bool) throws {
        transaction.forget()
        guard isShared else {
            try transaction.db.rollback()
            // For the commit that follows, of nothing.
            return try transaction.db.beginTransaction(.deferred)
        }
        try transaction.statements[.undo].run()
        try transaction.statements[.release].run()
    }

    private func rollBack(_ db: Database) {
        // SQLite has often rolled back by itself already, and then there's nothing to end.
        if db.isInsideTransaction { try? db.rollback() }
    }

    private func refusal(for error: any Error) -> RegistryError {
        if let error = error as? DatabaseError {
            switch error.resultCode {
            case .SQLITE_FULL:
                logger.error("the disk is full; writes are refused until there is room")
                return .storageFull
            case .SQLITE_NOMEM, .SQLITE_TOOBIG, .SQLITE_BUSY, .SQLITE_LOCKED:
                logger.error("SQLite refused a commit", metadata: ["error": "\(error)"])
                return .overloaded
            default:
                break
            }
        }
        fail(error)
        return .storeFailed
    }

    /// The end of all acknowledgements.
    private func fail(_ error: any Error) {
        logger.critical(
            "the store failed; nothing is acknowledged any more", metadata: ["error": "\(error)"])
        queue.end(with: .storeFailed)
        failure.raise()
    }

    /// A reader that was cancelled, or waited too long, says nothing about the disk.
    func refusal(forRead error: any Error) -> RegistryError {
        if error is CancellationError { return .overloaded }
        if error is HeadMissing {
            fail(error)
            return .storeFailed
        }
        guard let error = error as? DatabaseError else {
            logger.error("a read failed", metadata: ["error": "\(error)"])
            return .inconsistent
        }
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_INTERRUPT, .SQLITE_ABORT, .SQLITE_NOMEM:
            return .overloaded
        case .SQLITE_ERROR, .SQLITE_TOOBIG, .SQLITE_RANGE, .SQLITE_MISMATCH, .SQLITE_MISUSE:
            // A wrong question, or one after the store was closed; not a broken disk.
            logger.error("a read was refused", metadata: ["error": "\(error)"])
            return .inconsistent
        case .SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB:
            fail(error)
            return .storeFailed
        default:
            // `SQLITE_CANTOPEN` among them: out of file descriptors, say. The disk is well.
            logger.error("a read failed for now", metadata: ["error": "\(error)"])
            return .overloaded
        }
    }

    var time: Timestamp { now() }

    func waitForFailure() async {
        await failure.wait()
    }

    /// Writes what isn't in the log, in a transaction of its own between two groups.
    func besides<Value: Sendable>(
        _ write: @escaping @Sendable (Database) throws -> Value
    ) async throws(RegistryError) -> Value {
        let result = await withCheckedContinuation {
            (answer: CheckedContinuation<Result<Value, RegistryError>, Never>) in
            guard !queue.hasEnded else {
                return answer.resume(returning: .failure(.storeFailed))
            }
            pool.asyncWriteWithoutTransaction { [self] db in
                do {
                    var value: Value?
                    try db.inTransaction(.immediate) {
                        value = try write(db)
                        return .commit
                    }
                    guard let value else { throw RegistryError.inconsistent }
                    answer.resume(returning: .success(value))
                } catch let refusal as RegistryError {
                    rollBack(db)
                    answer.resume(returning: .failure(refusal))
                } catch {
                    rollBack(db)
                    answer.resume(returning: .failure(refusal(for: error)))
                }
            }
        }
        return try result.get()
    }

    /// Returns when everything that was asked before has been answered.
    func finish() async {
        while !queue.isIdle {
            await withCheckedContinuation { done in
                pool.asyncWriteWithoutTransaction { _ in done.resume() }
            }
        }
    }
}
