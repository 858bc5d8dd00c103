import AsyncWaiting
import DurableFiles
import Foundation
import GRDB
import Logging
import RegistryLedger
import RegistryModel
import SchemaMigrations
import StoreCore

/// The embedded store: one SQLite file in WAL mode, one writer, readers on snapshots.
///
/// One writer and no second process, because Debian's SQLite 3.40.1 can lose acknowledged commits
/// when a checkpoint overlaps a commit from another connection (the WAL-reset bug, 3.7.0–3.51.2):
/// every write and every checkpoint happens on GRDB's writer connection, and `DataFolderLock` keeps
/// other processes out.
package final class SQLiteStore: SQLStore {
    package typealias Session = Database

    let pool: DatabasePool
    package let lanes: ReadLanes
    let writer: GroupCommit
    private let planner: SQLiteDryRuns
    package var dryRunLine: ReadLanes { planner.line.lanes }
    private let wal = WALGauge()
    private let lock: DataFolderLock
    let mark: MarkKeeper
    let logger: Logger
    let copying = AsyncLock()
    package let suffixes: [FQDN]
    package let approval: ApprovalRule

    /// Told of each committed revision, in order, before its writer is answered.
    package typealias CommitObserver = @Sendable (RevisionChanges) -> Void

    package struct Configuration: Sendable {
        /// Created where missing. Holds `registry.sqlite`, its WAL and its mark, and `lock`.
        package var folder: URL
        /// How long a released name can't be registered again.
        package var quarantine: Duration
        /// How much one wave may do.
        package var blastRadius = BlastRadius()
        /// Which waves need two people.
        package var approval = ApprovalRule()
        /// How many locations there may be.
        package var locationLimit = Location.maximumCount
        /// Parents below which tenants stand side by side.
        package var suffixes: [FQDN] = []
        package var now: @Sendable () -> Timestamp
        /// What the node's memory has counted; without it domains are counted in the store.
        package var counts: DomainCounts?
        /// Whether a store that was put back by other means than a restore gets a new epoch instead of being
        /// refused.
        package var acceptsRewind = false
        /// The files to bring the schema up to. Tests give older and newer ones.
        package var schema: [SchemaFile] = SchemaFile.sqlite
        /// Connections that read, and who waits for which.
        package var reads = ReadLanes.Limits(connections: 5)

        package init(folder: URL, quarantine: Duration, now: @escaping @Sendable () -> Timestamp) {
            self.folder = folder
            self.quarantine = quarantine
            self.now = now
        }
    }

    /// Opens the store, or makes a new one where the folder holds none.
    ///
    /// - Throws: `StoreOpeningError`, with a message for the operator.
    package init(
        _ configuration: Configuration, logger: Logger, onCommit: @escaping CommitObserver
    ) throws {
        let folder = configuration.folder
        try Self.makeFolder(folder)
        lock = try DataFolderLock(folder: folder)
        self.logger = logger
        suffixes = configuration.suffixes
        approval = configuration.approval
        lanes = ReadLanes(configuration.reads)
        try StoreRestore.finish(in: folder)
        CopyFile.removeLeftovers(in: folder)
        let path = folder.appendingPathComponent(Self.fileName).path
        do {
            // Before anything is opened that may write: closing it would already change the file.
            let returned = try ReturnedStore.find(in: folder)
            if let returned, !configuration.acceptsRewind || returned.reason == .gone {
                throw StoreOpeningError.returned(returned)
            }
            let hadLog = StoppedFile.hasLog(path)
            try Self.makePrivateFile(folder)
            pool = try DatabasePool(
                path: path,
                configuration: Self.connectionSettings(readers: lanes.limits.connections))
            mark = try pool.writeWithoutTransaction { [wal] db in
                wal.watch(db)
                // Opening runs `PRAGMA synchronous = NORMAL` after `prepareDatabase`, and NORMAL
                // can lose acknowledged commits at power loss.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try Self.assertDurable(db)
                try Self.bringSchema(db, configuration.schema, now: configuration.now)
                try Head.makeIfMissing(db, at: configuration.now())
                if let returned {
                    let head = try EpochRenewal.beginEpoch(db)
                    logger.warning(
                        "a store that was put back is accepted, with a new epoch",
                        metadata: ["seen": "\(returned.finding)", "epoch": "\(head.epoch)"])
                }
                try AgentsCheck.run(db, accepts: configuration.acceptsRewind, logger)
                let (marked, file) = try MarkKeeper.mark(db, beside: path, hadLog: hadLog)
                return MarkKeeper(marked, in: file, logger: logger)
            }
        } catch let error as DatabaseError {
            throw StoreOpeningError.database(
                "\(folder.path): \(error.message ?? "SQLite failed") (\(error.extendedResultCode))")
        }
        writer = GroupCommit(
            pool: pool, wal: wal, mark: mark,
            ledger: Ledger(
                quarantine: configuration.quarantine, blastRadius: configuration.blastRadius,
                approval: configuration.approval, locationLimit: configuration.locationLimit,
                suffixes: configuration.suffixes),
            counts: configuration.counts, now: configuration.now, logger: logger,
            onCommit: onCommit)
        planner = try SQLiteDryRuns(path: pool.path, writer: writer, counts: configuration.counts)
    }

    package func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed {
        if let plan = request.dryRun { return try await planner.dryRun(request, plan) }
        return try await writer.commit(request)
    }

    package func waitForFailure() async {
        await writer.waitForFailure()
    }

    package func close() async {
        await writer.finish()
        planner.close()
        await writer.emptyLog()
        // Readers still open only keep the file open a little longer.
        try? pool.close()
        mark.close()
        lock.release()
    }

    static let fileName = "registry.sqlite"

    /// Whether a folder holds a store, or one that a restore was putting there.
    package static func isThere(in folder: URL) -> Bool {
        [fileName, StoreRestore.pendingName].contains {
            StoreFiles.exists(folder.appendingPathComponent($0).path)
        }
    }

    /// Bytes in the write-ahead log now.
    package var walBytes: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: pool.path + "-wal")
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }
}

extension SQLiteStore {
    static func connectionSettings(readers: Int) -> GRDB.Configuration {
        var settings = GRDB.Configuration()
        settings.foreignKeysEnabled = true
        // And one for a backup, which holds it for as long as the copying takes.
        settings.maximumReaderCount = readers + 1
        // Nobody else writes; a reader that meets a checkpoint waits instead of failing.
        settings.busyMode = .timeout(5)
        settings.prepareDatabase { db in
            // Page cache: 64 MiB for the writer, 32 for each reader. Negative means KiB.
            let size = db.configuration.readonly ? -32_768 : -65_536
            try db.execute(sql: "PRAGMA cache_size = \(size)")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            db.add(function: SampleFunction.function)
        }
        return settings
    }

    private static func assertDurable(_ db: Database) throws {
        let journal = try String.fetchOne(db, sql: "PRAGMA journal_mode")
        let synchronous = try Int.fetchOne(db, sql: "PRAGMA synchronous")
        guard journal == "wal", synchronous == 2 else {
            throw StoreOpeningError.notDurable(
                journal: journal ?? "none", synchronous: synchronous ?? -1)
        }
    }

    /// Brings a file to the newest schema, each of its steps in one transaction.
    static func bringSchema(
        _ db: Database, _ files: [SchemaFile] = SchemaFile.sqlite,
        now: @escaping () -> Timestamp = { Timestamp(milliseconds: 0) }
    ) throws {
        try SchemaHistory<StoreOpeningError>(files).bring(db, now: now) { step in
            try db.inTransaction(.immediate) {
                try step()
                return .commit
            }
        }
    }

    /// SQLite would make the file readable for everyone, and gives its WAL the file's own mode. The
    /// folder can be one that somebody made before, with a mode of its own.
    static func makePrivateFile(_ folder: URL) throws {
        let path = folder.appendingPathComponent(fileName).path
        let made = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if made >= 0 { FileOwner.give(made, of: folder.path) }
        let file = made < 0 && errno == EEXIST ? open(path, O_RDWR | O_CLOEXEC) : made
        guard file >= 0 else { throw StoreFiles.refused(FileFailure(path, "opened")) }
        Foundation.close(file)
    }

    /// Only the service's own user may look: the file holds digests of tokens and all customers.
    static func makeFolder(_ folder: URL) throws {
        guard !FileManager.default.fileExists(atPath: folder.path) else { return }
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw StoreOpeningError.folder(
                "\(folder.path) can't be created: \(error.localizedDescription)")
        }
    }
}

/// Why a store can't be opened, in words for the operator.
package enum StoreOpeningError: SchemaRefusal, CustomStringConvertible, Equatable {
    case folder(String)
    case inUse(folder: String, holder: String)
    case database(String)
    case notDurable(journal: String, synchronous: Int)
    case newer(version: Int, known: Int)
    case edited(version: Int, name: String)
    case foreign(String)
    /// It isn't the store that was there, or may not be.
    case returned(ReturnedStore)
    /// The write-ahead log beside the file is another file's.
    case otherLog(file: String)
    /// It was put back under its old epoch, and nobody has said so.
    case rewound(String)

    package var description: String {
        switch self {
        case .folder(let what): what
        case .inUse(let folder, let holder):
            "the data folder \(folder) is in use by another tenant-registry process (\(holder)); one process at a time may have it"
        case .database(let what): "the store can't be opened: \(what)"
        case .notDurable(let journal, let synchronous):
            "the store isn't durable: journal_mode is \(journal) and synchronous is \(synchronous), where wal and 2 are needed"
        case .newer(let version, let known):
            "the store was written by a newer version: its schema is at \(version), this binary knows \(known); start the newer binary"
        case .edited(let version, let name):
            "migration file \(version) (\(name)) isn't the one that this store was made with; a released migration file must never change"
        case .foreign(let what): "the file isn't a tenant-registry store: \(what)"
        case .returned(let store): store.description
        case .otherLog(let file):
            "\(file)-wal isn't the log of \(file): revisions between the two seem to be missing. Put the file back that belongs to it; docs/operations.md says how to find out on a copy whether they belong together after all. Don't remove \(file)-wal: it may hold revisions that are nowhere else"
        case .rewound(let what): "the store isn't the one that it was: \(what). \(Rewind.ways)"
        }
    }
}
