import Foundation
import GRDB
import RegistryLedger
import RegistryModel

/// What a store's file says of itself, log and all, while nobody has it open. Nothing in it changes by looking: a
/// connection that may write would copy the write-ahead log into the file when it's closed.
struct StoppedFile {
    /// `PRAGMA user_version`: of a store that has a mark beside it 1, of any other 0.
    static let marked = 1

    /// Whether there has to be a mark beside it. One of a store without a mark, of an older release, or one
    /// that a restore put there: none.
    var isMarked = false
    /// Nil where no store is in the file.
    var head: Head?
    /// The log's digest at the mark's revision.
    var logged: [UInt8]?

    /// - Throws: `StoreOpeningError` where the log beside the file isn't its own, `DatabaseError`.
    init(_ file: URL, mark: StoreMark?) throws {
        guard Self.size(of: file.path) > 0 else { return }
        let visitors = ["-wal", "-shm"].map { file.path + $0 }.filter { !StoreFiles.exists($0) }
        defer { for path in visitors { unlink(path) } }
        var settings = GRDB.Configuration()
        // What a rollback journal holds is older than the file: nobody can read that before it's played back.
        settings.readonly = !StoreFiles.exists(file.path + "-journal")
        let queue = try DatabaseQueue(path: file.path, configuration: settings)
        try queue.read { db in
            guard try Self.isStore(db), try Bool.fetchOne(db, sql: "SELECT 1 FROM head") ?? false
            else { return }
            isMarked = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0 != 0
            head = try Head.read(db)
            logged = try Self.digest(db, at: mark?.revision)
            if Self.hasLog(file.path) { try Self.checkLog(db, of: file, mark) }
        }
        try queue.close()
    }

    /// Whether something is in the log beside a file.
    static func hasLog(_ path: String) -> Bool { size(of: path + "-wal") > 0 }

    private static func size(of path: String) -> Int64 {
        var found = stat()
        return stat(path, &found) == 0 ? Int64(found.st_size) : 0
    }

    private static func isStore(_ db: Database) throws -> Bool {
        try ["schema_migration", "head", "revision_log"].allSatisfy { try db.tableExists($0) }
    }

    /// SQLite plays a write-ahead log into whatever file it lies beside. Of an older copy, put in the place of the
    /// file whose log it is, the newest revisions would be there, and of those before them some pages and others
    /// not. So the file alone has to be where the log began, and its head one of the log's.
    private static func checkLog(_ db: Database, of file: URL, _ mark: StoreMark?) throws {
        guard
            let page = try Int.fetchOne(
                db, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'head'"),
            let size = try Int.fetchOne(db, sql: "PRAGMA page_size"),
            let alone = HeadPage(of: file.path, page: page, size: size)
        else { return }
        let base = try Head.read(db).epoch == mark?.epoch ? mark?.base ?? .zero : .zero
        let logged = try digest(db, at: alone.revision)
        guard alone.revision >= base, alone.revision == .zero || logged == alone.digest else {
            throw StoreOpeningError.otherLog(file: file.path)
        }
    }

    private static func digest(_ db: Database, at revision: Revision?) throws -> [UInt8]? {
        try Data.fetchOne(
            db, sql: "SELECT digest FROM revision_log WHERE revision = ?",
            arguments: [revision?.number]
        ).map(Array.init)
    }
}
