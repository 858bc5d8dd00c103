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
