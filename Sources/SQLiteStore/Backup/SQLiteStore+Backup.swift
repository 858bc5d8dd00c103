import Foundation
import GRDB
import Logging
import RegistryModel

extension SQLiteStore {
    /// Copies the store at one revision, by SQLite's own backup, on a reader connection.
    ///
    /// The reader stands still for as long as the copying takes, some seconds for millions of domains:
    /// writes and checkpoints go on, but the write-ahead log can't start anew before it ends. Whoever
    /// takes the copy away, however slowly, doesn't hold up the store: it is a file of its own by then.
    package func backup() async throws(RegistryError) -> StoreCopy {
        guard copying.tryEnter() else { throw .backupRunning }
        defer { copying.leave() }
        let file = CopyFile(in: URL(fileURLWithPath: pool.path).deletingLastPathComponent())
        do {
            try file.checkRoom(for: pool)
            let head = try await pool.read { db in
                // The first look fixes what the copy is of.
                let head = try Head.read(db)
                try Self.copy(db, to: file.url)
                return head
            }
            try await Self.check(file.url)
            return try file.opened(head)
        } catch {
            file.remove()
            throw refusal(for: error)
        }
    }

    private static func copy(_ db: Database, to url: URL) throws {
        let target = try DatabaseQueue(path: url.path)
        try target.writeWithoutTransaction { copy in
            // Nobody has this file before it's whole.
            try copy.execute(sql: "PRAGMA synchronous = OFF")
            try db.backup(to: copy, pagesPerStep: 4096)
            // One file, without a log beside it.
            try copy.execute(sql: "PRAGMA journal_mode = DELETE")
        }
        try target.close()
    }

    private static func check(_ url: URL) async throws {
        var settings = GRDB.Configuration()
        settings.readonly = true
        let copy = try DatabaseQueue(path: url.path, configuration: settings)
        let damage = try await copy.read { db in
            try String.fetchAll(db, sql: "PRAGMA integrity_check(1)").filter { $0 != "ok" }
        }
        try copy.close()
        guard damage.isEmpty else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: damage.joined(separator: "; "))
        }
    }

    /// What goes wrong with a copy needn't concern the store: it's only told.
    private func refusal(for error: any Error) -> RegistryError {
        if let error = error as? RegistryError { return error }
        if let error = error as? DatabaseError, error.resultCode == .SQLITE_FULL {
            return .storageFull
        }
        if error is CancellationError { return .overloaded }
        logger.error("a backup failed", metadata: ["error": "\(error)"])
        return .backupFailed
    }
}

/// The file of a copy. It loses its name as soon as it's open: whatever happens, nothing is left behind
/// but by a kill in between, and that's removed at the next start.
struct CopyFile: Sendable {
    static let suffix = ".backup-in-progress"

    let url: URL

    init(in folder: URL) {
        url = folder.appendingPathComponent("\(UUID().uuidString)\(Self.suffix)")
    }

    /// A copy must not take the room that the next writes need.
    private static let reserve: Int64 = 64 << 20

    func checkRoom(for pool: DatabasePool) throws {
        var volume = statvfs()
        guard statvfs(url.deletingLastPathComponent().path, &volume) == 0 else { return }
        let room = Int64(clamping: UInt64(volume.f_bavail) * UInt64(volume.f_frsize))
        let size = try pool.read { db in
            let pages = try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            return try pages * (Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
        }
        guard room >= size + Self.reserve else { throw RegistryError.storageFull }
    }

    func opened(_ head: Head) throws -> StoreCopy {
        let handle = try FileHandle(forReadingFrom: url)
        remove()
        let size = try handle.seekToEnd()
        let descriptor = OpenCopy(handle)
        return StoreCopy(head: head, byteCount: Int64(size)) { try descriptor.read($0, $1) }
    }

    func remove() {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(url.path + suffix) }
    }

    /// What a process that was killed left behind.
    static func removeLeftovers(in folder: URL) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.contains(suffix) {
            unlink(folder.appendingPathComponent(name).path)
        }
    }
}

/// Reads a file by offset, so that any thread may.
private final class OpenCopy: Sendable {
    private let handle: FileHandle

    init(_ handle: FileHandle) {
        self.handle = handle
    }

    func read(_ offset: Int64, _ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { bytes, used in
            let found = pread(handle.fileDescriptor, bytes.baseAddress, count, off_t(offset))
            guard found >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
            used = found
        }
    }
}
