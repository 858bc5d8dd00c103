import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

/// Plans of which only what they would be is asked: each on a snapshot of its own, on one connection that
/// only they use. Neither a writer nor another reader waits for them, however many names they look at;
/// they wait for one another.
final class DryRuns: Sendable {
    private let connection: DatabaseQueue
    private let writer: GroupCommit
    private let counts: DomainCounts?
    let line = DryRunLine()

    init(path: String, writer: GroupCommit, counts: DomainCounts?) throws {
        var settings = SQLiteStore.connectionSettings(readers: 1)
        // Its own temporary tables it may write all the same.
        settings.readonly = true
        connection = try DatabaseQueue(path: path, configuration: settings)
        self.writer = writer
        self.counts = counts
    }

    func dryRun(
        _ request: CommitRequest, _ plan: MigrationPlan
    ) async throws(RegistryError) -> Committed {
        try await line.run { () async throws(RegistryError) in
            try await planned(request, plan)
        }
    }

    private func planned(
        _ request: CommitRequest, _ plan: MigrationPlan
    ) async throws(RegistryError) -> Committed {
        do {
            return try await connection.read { [writer, counts] db in
                // Before the snapshot begins, with its first statement: memory isn't ahead of it.
                let known = counts?()
                let transaction = SQLiteTransaction(db: db, counts: { known })
                let head = try transaction.head()
                defer { try? transaction.clearStage() }
                let record = try request.idempotency.flatMap {
                    try transaction.idempotencyRecord(token: $0.token, key: $0.key)
                }
                return try writer.ledger.dryRun(
                    request, plan, in: transaction, at: head, record: record, now: writer.time)
            }
        } catch let refusal as RegistryError {
            throw refusal
        } catch {
            throw writer.refusal(forRead: error)
        }
    }

    func close() { try? connection.close() }
}
