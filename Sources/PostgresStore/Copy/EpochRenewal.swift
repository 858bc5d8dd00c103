import RegistryLedger
import RegistryModel
import StoreCore

extension PostgresStore {
    /// Gives a database that no node uses a new epoch: for one that was restored by PostgreSQL's own means,
    /// and may lack revisions that somebody has seen. A node that runs on it all the same ends.
    ///
    /// - Returns: the head with its new epoch; revision and digest stay.
    /// - Throws: `PostgresOpeningError` where it can't be opened, or holds no store.
    package static func renewEpoch(_ connection: ConnectionSettings) async throws -> Head {
        let session = CopySession(connection)
        do {
            try await session.open()
            let head = try await session.run { connection in
                guard try SchemaHistory<PostgresOpeningError>.isThere(in: connection) else {
                    throw PostgresOpeningError.foreign("it holds no store")
                }
                try Head.begin(.random(), connection)
                return try Head.read(connection)
            }
            await session.close()
            return head
        } catch {
            await session.close()
            throw error
        }
    }
}
