import Foundation
import GRDB
import RegistryModel

/// Gives a stopped store a new epoch: for a file that came back by other means than `StoreRestore`, a
/// replicator's for example, and may lack revisions that somebody has seen.
public enum EpochRenewal {
    /// - Returns: the head with its new epoch; revision and digest stay.
    /// - Throws: `StoreOpeningError` where the folder holds no store, or another process has it.
    public static func run(in folder: URL) throws -> Head {
        guard SQLiteStore.isThere(in: folder) else {
            throw StoreOpeningError.folder(
                "\(folder.path) holds no store: there is no \(SQLiteStore.fileName)")
        }
        let lock = try DataFolderLock(folder: folder)
        defer { lock.release() }
        try StoreRestore.finish(in: folder)
        let file = folder.appendingPathComponent(SQLiteStore.fileName)
        do {
            let queue = try DatabaseQueue(path: file.path)
            let head = try queue.writeWithoutTransaction { db in
                guard try db.tableExists("schema_migration") else {
                    throw StoreOpeningError.foreign("\(file.path) has no schema of the registry's")
                }
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(
                    sql: "UPDATE head SET epoch = ?", arguments: [Epoch.random().text])
                return try Head.read(db)
            }
            try queue.close()
            return head
        } catch let error as DatabaseError {
            throw StoreOpeningError.database(
                "\(file.path): \(error.message ?? "SQLite failed") (\(error.extendedResultCode))")
        }
    }
}
