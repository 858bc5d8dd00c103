import Foundation
import GRDB
import RegistryLedger
import RegistryModel

/// What a store's file says of itself, log and all, while this process's folder is locked. Nothing that it says changes by
/// looking: a connection that may write would copy the write-ahead log into the file when it's closed. A rollback journal is
/// played back, though, and SQLite may make an empty log and its index. They stay: a replicator, which asks for no lock, may have
/// begun with them meanwhile.
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
        var settings = GRDB.Configuration()
        // What a rollback journal holds is older than the file: nobody can read that before it's played back.
        settings.readonly = !StoreFiles.exists(file.path + "-journal")
        do {
            let queue = try DatabaseQueue(path: file.path, configuration: settings)
            try queue.read { try look(at: $0, file, mark) }
            try queue.close()
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_CORRUPT && Self.hasLog(file.path)
        {
            // Each opening writes to the schema's pages, too: of two states of them, one file makes none.
            throw StoreOpeningError.otherLog(file: file.path)
        }
    }

    private mutating func look(at db: Database, _ file: URL, _ mark: StoreMark?) throws {
        guard try Self.isStore(db), try Bool.fetchOne(db, sql: "SELECT 1 FROM head") ?? false
        else { return }
        isMarked = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0 != 0
        head = try Head.read(db)
        logged = try Self.digest(db, at: mark?.revision)
        if Self.hasLog(file.path) { try Self.checkLog(db, of: file, mark) }
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
    /// not. So the file alone has to be where the log began or beyond, and its head one of the log's.
    ///
    /// What the log says of its beginning holds with any mark and without one. The mark's word is more exact.
    private static func checkLog(_ db: Database, of file: URL, _ mark: StoreMark?) throws {
        let head = try Head.read(db)
        let base = head.epoch == mark?.epoch ? mark?.base ?? .zero : .zero
        guard
            let page = try Int.fetchOne(
                db, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'head'"),
            let size = try Int.fetchOne(db, sql: "PRAGMA page_size"),
            let alone = HeadPage(of: file.path, page: page, size: size),
            alone.revision >= base,
            try alone.revision == .zero || digest(db, at: alone.revision) == alone.digest
        else { throw StoreOpeningError.otherLog(file: file.path) }
        guard let first = LogBeginning(of: file.path + "-wal", page: page)?.head,
            // Else it isn't whole, and SQLite passes it over.
            first.revision <= head.revision, alone.revision < first.revision
        else { return }
        let follows = try isOneCommit(
            db, after: alone.revision, through: first.revision, isKnown: base > .zero)
        guard follows else { throw StoreOpeningError.otherLog(file: file.path) }
    }

    /// Whether revisions were written by one commit, as those between a file and its log's first head were. A commit
    /// gives all of its revisions one time.
    ///
    /// - Parameter isKnown: whether it is known where the log began. Where it isn't, the time of the revision before
    ///   tells nothing apart: a clock that was set back has everybody write under one time.
    private static func isOneCommit(
        _ db: Database, after last: Revision, through first: Revision, isKnown: Bool
    ) throws -> Bool {
        guard first.number > last.number + 1 else { return true }
        let times = try Row.fetchOne(
            db,
            sql: """
                SELECT min(at), max(at), count(*), (SELECT at FROM revision_log WHERE revision = ?1)
                FROM revision_log WHERE revision > ?1 AND revision <= ?2
                """, arguments: [last.number, first.number])
        guard let times, times[0] as Int64? == times[1] as Int64?,
            times[2] as Int64 == first.number - last.number,
            isKnown || times[3] as Int64? != times[0] as Int64?
        else { return false }
        let isWhole = try Bool.fetchOne(
            db,
            sql: """
                SELECT (SELECT sum(change_count) FROM revision_log WHERE revision > ?1 AND revision <= ?2)
                    = (SELECT count(*) FROM change_log WHERE revision > ?1 AND revision <= ?2)
                """, arguments: [last.number, first.number])
        return isWhole ?? false
    }

    private static func digest(_ db: Database, at revision: Revision?) throws -> [UInt8]? {
        try Data.fetchOne(
            db, sql: "SELECT digest FROM revision_log WHERE revision = ?",
            arguments: [revision?.number]
        ).map(Array.init)
    }
}
