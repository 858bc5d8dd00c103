import RegistryModel
import StoreCore

@testable import PostgresStore

extension PostgresStore {
    /// Whole revisions, as a node that follows the log of others reads them.
    func changes(after revision: Revision, limit: Int) async throws -> [RevisionChanges] {
        try await reading(.walk) { try LogReader.changes($0, after: revision, limit: limit) }
    }
}
