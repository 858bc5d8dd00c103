import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

extension SQLiteStore {
    package func time(_ session: Database) -> Timestamp { writer.time }

    package var timeValue: SQLValue { .number(writer.time.milliseconds) }

    package var agentTime: SQLValue { timeValue }

    package func agents() async throws(RegistryError) -> [AgentRecord] {
        try await reading(.own) { db in
            try db.rows("\(AgentRecord.select) ORDER BY name", [], AgentRecord.init(row:))
        }
    }

    package func writing<Value: Sendable>(
        isRepeatable: Bool, _ write: @escaping @Sendable (Database) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await writer.besides(write)
    }

    /// Runs `read` on a snapshot, on a reader connection of the lane.
    package func reading<Value: Sendable>(
        _ lane: ReadLane, isRepeatable: Bool,
        _ read: @escaping @Sendable (Database) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await lanes.run(lane) { () async throws(RegistryError) -> Value in
            do {
                return try await pool.read(read)
            } catch let error as RegistryError {
                throw error
            } catch {
                throw writer.refusal(forRead: error)
            }
        }
    }

    package func asking<Value: Sendable>(
        _ lane: ReadLane, _ ask: @escaping @Sendable (Database) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await reading(lane, isRepeatable: true, ask)
    }
}

/// Plans of which only what they would be is asked: each on a snapshot of its own, on one connection that
/// only they use. Neither a writer nor another reader waits for them, however many names they look at;
/// they wait for one another.
final class SQLiteDryRuns: Sendable {
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
                // What was staged would lie in memory until the next one.
                defer { try? PlanStage(db).clear() }
                return try request.dryRun(
                    plan, by: writer.ledger, on: db, counts: { known }, now: { _ in writer.time })
            }
        } catch let refusal as RegistryError {
            throw refusal
        } catch {
            throw writer.refusal(forRead: error)
        }
    }

    func close() { try? connection.close() }
}
