import DurableFiles
import Foundation
import GRDB
import Migrations
import RegistryLedger
import RegistryModel
import StoreCore

/// A stopped store, for a copy out of it. Its folder is locked meanwhile.
package final class SQLiteCopySource: CopySource {
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
            try SchemaMigrator(files: SchemaFile.sqlite, now: { Timestamp(milliseconds: 0) })
                .run(db)
        }
    }

    package func head() async throws -> Head { try await queue.read(Head.read) }

    package func foreign() async throws -> [String] {
        try await queue.read { db in
            let files = try SchemaCheck.applied(to: db, of: SchemaFile.sqlite)
            return try SchemaCheck(files).compare(db).foreign
        }
    }

    package func rows(
        of table: StoreTable, after key: [StoredValue]?, limit: Int
    ) async throws -> [[StoredValue]] {
        let places = table.keys.map { _ in "?" }.joined(separator: ", ")
        let condition =
            key == nil ? "" : "WHERE (\(table.keys.joined(separator: ", "))) > (\(places))"
        let sql = """
            SELECT \(table.names.joined(separator: ", ")) FROM \(table.name) \(condition)
            ORDER BY \(table.keys.joined(separator: ", ")) LIMIT \(limit)
            """
        let arguments = StatementArguments((key ?? []).map(\.databaseValue))
        return try await queue.read { db in
            try Row.fetchAll(try db.cachedStatement(sql: sql), arguments: arguments).map { row in
                table.columns.indices.map { StoredValue(row[$0], table.columns[$0].kind) }
            }
        }
    }

    package func close() {
        try? queue.close()
        lock.release()
    }
}

/// A new store to copy into. What isn't finished is taken away again.
package final class SQLiteCopyTarget: CopyTarget {
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
            try SchemaMigrator(files: SchemaFile.sqlite, now: { now }).run(db)
            // All or nothing by the file, which goes away where the copy isn't finished.
            try db.execute(sql: "PRAGMA synchronous = OFF")
            try db.execute(
                sql: "INSERT INTO head (id, epoch, revision, digest, at) VALUES (1, ?, 0, ?, 0)",
                arguments: [Epoch.random().text, Data(RevisionDigest.genesis)])
            try db.execute(sql: "BEGIN")
        }
    }

    package var movesOneByOne: Bool { true }

    package func insert(_ rows: [[StoredValue]], into table: StoreTable) async throws {
        let places = table.columns.map { _ in "?" }.joined(separator: ", ")
        let sql = """
            INSERT INTO \(table.name) (\(table.names.joined(separator: ", "))) VALUES (\(places))
            """
        try await run { db in
            let statement = try db.cachedStatement(sql: sql)
            for row in rows {
                try statement.execute(arguments: StatementArguments(row.map(\.databaseValue)))
            }
        }
    }

    package func begin(_ epoch: Epoch) async throws {
        try await run { db in
            try db.execute(
                sql: "UPDATE head SET epoch = ?1 WHERE epoch <> ?1", arguments: [epoch.text])
        }
    }

    package func advance(to revision: Revision, digest: [UInt8], at: Timestamp) async throws {
        try await run { db in
            try db.cachedStatement(sql: "UPDATE head SET revision = ?, digest = ?, at = ?")
                .execute(arguments: [revision.number, Data(digest), at.milliseconds])
        }
    }

    package func clearLocations() async throws {
        try await run { try $0.execute(sql: "DELETE FROM location") }
    }

    package func finish() async throws {
        try await run { db in
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

    private func run(_ body: @escaping @Sendable (Database) throws -> Void) async throws {
        try await queue.writeWithoutTransaction(body)
    }
}

extension StoredValue {
    fileprivate init(_ value: DatabaseValue, _ kind: StoreTable.Kind) {
        switch value.storage {
        case .null: self = .absent
        case .int64(let number): self = kind == .flag ? .flag(number != 0) : .number(number)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .octets(Array(data))
        case .double: self = .absent
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .absent: .null
        case .number(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .octets(let octets): Data(octets).databaseValue
        case .flag(let flag): flag.databaseValue
        }
    }
}
