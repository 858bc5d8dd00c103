import RegistryLedger
import RegistryModel
import StoreCore

extension Store {
    /// Whole revisions, as a node that follows the log of others reads them.
    func changes(
        after revision: Revision, limit: Int
    ) async throws(RegistryError) -> [RevisionChanges] {
        guard let store = self as? any SQLStore else { throw .inconsistent }
        return try await store.logChanges(after: revision, limit: limit)
    }
}

extension SQLStore {
    fileprivate func logChanges(
        after revision: Revision, limit: Int
    ) async throws(RegistryError) -> [RevisionChanges] {
        try await reading(.walk) { session in
            let head = try Head.read(session)
            try head.check(revision)
            return try LogReader.changes(
                session, after: revision, through: head.revision, limit: limit)
        }
    }
}
