import DurableFiles
import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import SchemaMigrations
import StoreCore

/// A stopped store, for a copy out of it. Its folder is locked meanwhile.
package final class SQLiteCopySource: SQLCopySource {
    private let queue: DatabaseQueue
    private let lock: DataFolderLock

    /// - Throws: `StoreOpeningError` where the folder holds no store, or another process has it.
    package init(folder: URL) throws {
        let file = folder.appendingPathComponent(SQLiteStore.fileName)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw StoreOpeningError.folder(
                "\(folder.path) holds no store: there is no \(SQLiteStore.fileName)")
        }
        lock = try DataFolderLock(folder: folder)
        // Its epoch would go along, and nobody would ask any more.
        if let returned = try ReturnedStore.find(in: folder) {
            throw StoreOpeningError.returned(returned)
        }
        queue = try DatabaseQueue(path: file.path)
        try queue.writeWithoutTransaction { db in
            try SQLiteStore.bringSchema(db)
        }
    }

    package func foreign() async throws -> [String] {
        try await queue.read { try SQLiteSchemaCheck($0).foreign }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await queue.read(body)
    }

    package func close() {
        try? queue.close()
        lock.release()
    }
}

/// A new store to copy into. What isn't finished is taken away again.
package final class SQLiteCopyTarget: SQLCopyTarget {
    private let queue: DatabaseQueue
    private let lock: DataFolderLock
    private let file: URL

    /// - Throws: `StoreOpeningError` where the folder holds a store already.
    package init(folder: URL, now: Timestamp) throws {
        try SQLiteStore.makeFolder(folder)
        lock = try DataFolderLock(folder: folder)
        file = folder.appendingPathComponent(SQLiteStore.fileName)
        guard !FileManager.default.fileExists(atPath: file.path) else {
            lock.release()
            throw StoreOpeningError.folder(
                "\(folder.path) holds a store already; copy into a new folder")
        }
        // Of a store that was here and is gone.
        try StoreFiles.attempt { [file] () throws(FileFailure) in
            try StoreMarkFile.remove(StoreMarkFile.path(beside: file.path))
        }
        try SQLiteStore.makePrivateFile(folder)
        var settings = GRDB.Configuration()
        // One transaction over many calls.
        settings.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: file.path, configuration: settings)
        try queue.writeWithoutTransaction { db in
            try SQLiteStore.bringSchema(db, now: { now })
            // All or nothing by the file, which goes away where the copy isn't finished.
            try db.execute(sql: "PRAGMA synchronous = OFF")
            try Head.makeIfMissing(db, at: Timestamp(milliseconds: 0))
            try db.execute(sql: "BEGIN")
        }
    }

    package var movesOneByOne: Bool { true }

    package func insert(_ rows: [[StoredValue]], into table: StoreTable) async throws {
        let places = table.columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        let sql = """
            INSERT INTO \(table.name) (\(table.names.joined(separator: ", "))) VALUES (\(places))
            """
        try await write { try $0.run(sql, each: rows.map { $0.map(\.value) }) }
    }

    package func finish() async throws {
        try await write { db in
            try db.execute(sql: "COMMIT")
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        try queue.close()
        try StoreFiles.sync(file)
        try StoreFiles.sync(file.deletingLastPathComponent())
        lock.release()
    }

    /// Takes away what wasn't finished.
    package func discard() {
        try? queue.close()
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(file.path + suffix) }
        lock.release()
    }

    package func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws {
        try await queue.writeWithoutTransaction(body)
    }
}
