import DurableFiles
import Foundation
import GRDB
import RegistryLedger
import RegistryModel

/// Puts a backup in the place of a stopped store.
///
/// The order makes it all or nothing, wherever it's cut off: the new file is whole, checked and synced
/// beside the old one before `pending` says that it shall take its place. From then on the next start, or
/// the next restore, finishes what was begun.
package enum StoreRestore {
    package struct Report: Sendable {
        /// With the new epoch.
        package var head: Head
        /// Where the files that were there before are now; nil where there were none.
        package var kept: URL?
        /// Tables that came along and aren't the store's own.
        package var foreign: [String]
    }

    static let incomingName = "registry.sqlite.restoring"
    static let pendingName = "restore-pending"

    /// - Parameters:
    ///   - replacing: whether a store that is there may be put aside.
    /// - Throws: `StoreOpeningError`, with a message for the operator. The folder is then as before.
    package static func run(
        _ backup: URL, into folder: URL, replacing: Bool, now: Timestamp,
        progress: @escaping @Sendable (VerificationProgress) -> Void = { _ in }
    ) async throws -> Report {
        guard FileManager.default.isReadableFile(atPath: backup.path) else {
            throw StoreOpeningError.folder("\(backup.path) can't be read")
        }
        try SQLiteStore.makeFolder(folder)
        // Of a link's target: that's where SQLite keeps it.
        guard !StoppedFile.hasLog(backup.resolvingSymlinksInPath().path) else {
            throw StoreOpeningError.folder(
                "\(backup.path) isn't whole without the log beside it; make a copy with tenant-registry backup"
            )
        }
        let lock = try DataFolderLock(folder: folder)
        defer { lock.release() }
        try finish(in: folder)
        let place = folder.appendingPathComponent(SQLiteStore.fileName)
        let isTaken = FileManager.default.fileExists(atPath: place.path)
        guard replacing || !isTaken else {
            throw StoreOpeningError.folder(
                "\(folder.path) holds a store already; with --force it is put aside")
        }
        let incoming = folder.appendingPathComponent(incomingName)
        do {
            // A journal that an earlier attempt left would be played into this one.
            removeIncoming(in: folder)
            try StoreFiles.copy(backup, to: incoming)
            let verification = try await SQLiteStore.verifyBackup(incoming, progress: progress)
            guard verification.isGood else {
                throw StoreOpeningError.database(
                    "\(backup.path) isn't sound: \(verification.what)")
            }
            let head = try beginEpoch(in: incoming)
            try StoreFiles.sync(incoming)
            let name = "replaced-\(now.milliseconds)"
            try StoreFiles.write(name, to: folder.appendingPathComponent(pendingName))
            try finish(in: folder)
            let kept = folder.appendingPathComponent(name, isDirectory: true)
            return Report(
                head: head, kept: StoreFiles.exists(kept.path) ? kept : nil,
                foreign: verification.foreign)
        } catch {
            let isPending = FileManager.default.fileExists(
                atPath: folder.appendingPathComponent(pendingName).path)
            if !isPending { removeIncoming(in: folder) }
            if let error = error as? DatabaseError {
                throw StoreOpeningError.database("\(backup.path): \(error)")
            }
            throw error
        }
    }

    private static func removeIncoming(in folder: URL) {
        let path = folder.appendingPathComponent(incomingName).path
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(path + suffix) }
    }

    static func beginEpoch(in file: URL) throws -> Head {
        var settings = GRDB.Configuration()
        settings.foreignKeysEnabled = true
        let queue = try DatabaseQueue(path: file.path, configuration: settings)
        let head = try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = DELETE")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            return try EpochRenewal.beginEpoch(db)
        }
        try queue.close()
        return head
    }

    /// Ends a restore that was begun. Does nothing where none was.
    ///
    /// While the incoming file is there, what stands in its place is the old store, log, mark and all: a
    /// write-ahead log beside another file than its own would be played into it. The incoming file says that it
    /// has no mark.
    static func finish(in folder: URL) throws {
        let pending = folder.appendingPathComponent(pendingName)
        guard let name = try pendingName(pending), !name.isEmpty else { return }
        let incoming = folder.appendingPathComponent(incomingName)
        let place = folder.appendingPathComponent(SQLiteStore.fileName)
        if FileManager.default.fileExists(atPath: incoming.path) {
            let kept = folder.appendingPathComponent(name, isDirectory: true)
            let old = kept.appendingPathComponent(SQLiteStore.fileName).path
            for suffix in ["", "-wal", "-shm"] where StoreFiles.exists(place.path + suffix) {
                try StoreFiles.makeFolder(kept)
                try StoreFiles.rename(place.path + suffix, old + suffix)
            }
            try putMarkAside(place.path, old)
            if StoreFiles.exists(kept.path) { try StoreFiles.sync(kept) }
            try StoreFiles.sync(folder)
            try StoreFiles.rename(incoming.path, place.path)
            try StoreFiles.sync(folder)
        }
        unlink(pending.path)
        try StoreFiles.sync(folder)
    }

    /// One that can't be read isn't none: the store that stands there now is to be replaced.
    private static func pendingName(_ file: URL) throws(StoreOpeningError) -> String? {
        try StoreFiles.attempt { () throws(FileFailure) in
            let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                guard errno == ENOENT else { throw FileFailure(file.path, "opened") }
                return nil
            }
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 256)
            let count = read(descriptor, &bytes, bytes.count)
            guard count >= 0 else { throw FileFailure(file.path, "read") }
            return String(decoding: bytes[..<count], as: UTF8.self)
        }
    }

    /// It stays with its store; where that is gone, it goes.
    private static func putMarkAside(_ place: String, _ old: String) throws {
        let mark = StoreMarkFile.path(beside: place)
        if StoreFiles.exists(mark), StoreFiles.exists(old) {
            try StoreFiles.rename(mark, StoreMarkFile.path(beside: old))
        } else {
            try StoreFiles.attempt { () throws(FileFailure) in try StoreMarkFile.remove(mark) }
        }
    }
}
