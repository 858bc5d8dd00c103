import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

/// Gives a stopped store a new epoch: for a file that came back by other means than `StoreRestore`, a
/// replicator's for example, and may lack revisions that somebody has seen.
package enum EpochRenewal {
    /// - Returns: the head with its new epoch; revision and digest stay.
    /// - Throws: `StoreOpeningError` where the folder holds no store, or another process has it.
    package static func run(in folder: URL) throws -> Head {
        let nothing = StoreOpeningError.folder(
            "\(folder.path) holds no store: there is no \(SQLiteStore.fileName)")
        let mark = StoreMarkFile.path(
            beside: folder.appendingPathComponent(SQLiteStore.fileName).path)
        // With a mark it's said what was there.
        guard SQLiteStore.isThere(in: folder) || StoreFiles.exists(mark) else {
            throw nothing
        }
        let lock = try DataFolderLock(folder: folder)
        defer { lock.release() }
        try StoreRestore.finish(in: folder)
        let file = folder.appendingPathComponent(SQLiteStore.fileName)
        do {
            // A log that isn't the file's own is nothing that an epoch mends.
            if let returned = try ReturnedStore.find(in: folder), returned.reason == .gone {
                throw StoreOpeningError.returned(returned)
            }
            guard SQLiteStore.isThere(in: folder) else { throw nothing }
            let queue = try DatabaseQueue(path: file.path)
            let head = try queue.writeWithoutTransaction { db in
                guard try SchemaHistory<StoreOpeningError>.isThere(in: db) else {
                    throw StoreOpeningError.foreign("\(file.path) has no schema of the registry's")
                }
                try db.execute(sql: "PRAGMA synchronous = FULL")
                let head = try beginEpoch(db)
                _ = try MarkKeeper.mark(db, beside: file.path, hadLog: true)
                return head
            }
            try queue.close()
            return head
        } catch let error as DatabaseError {
            throw StoreOpeningError.database(
                "\(file.path): \(error.message ?? "SQLite failed") (\(error.extendedResultCode))")
        }
    }

    /// Whoever has seen revisions of the store may have seen some that it will give away anew: by its epoch
    /// it's told apart.
    ///
    /// From then on the file doesn't say that it has a mark: the one that may be there is of the epoch before.
    ///
    /// - Returns: the head with its new epoch.
    static func beginEpoch(_ db: Database) throws -> Head {
        try db.inTransaction(.immediate) {
            try Head.begin(.random(), db)
            try db.execute(sql: "PRAGMA user_version = 0")
            return .commit
        }
        return try Head.read(db)
    }
}
