import DurableFiles
import Foundation
import Synchronization

/// An exclusive lock on the data folder, held for as long as the process has the store open.
///
/// `flock` on a file of its own: the kernel lets go when the process dies, however it dies, and
/// SQLite's own locks on the database file stay untouched.
final class DataFolderLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Throws: `StoreOpeningError.inUse` at once where another process has the folder; `.folder` where the store's
    ///   file is a link. SQLite would have what it leads to, and the log beside that: another folder's, with a lock of
    ///   its own.
    init(folder: URL) throws {
        let place = folder.appendingPathComponent(SQLiteStore.fileName).path
        var found = stat()
        guard lstat(place, &found) != 0 || found.st_mode & S_IFMT != S_IFLNK else {
            throw StoreOpeningError.folder(
                "\(place) is a link, and SQLite keeps the log beside what it leads to. Name the folder that the file is in as the data folder, or make \(folder.path) a link to that"
            )
        }
        let path = folder.appendingPathComponent("lock").path
        let file = try Self.open(path, StoreFiles.model(in: folder))
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else {
                let reason = String(cString: strerror(errno))
                close(file)
                throw StoreOpeningError.folder("\(path) can't be locked: \(reason)")
            }
            let holder = (try? String(contentsOfFile: path, encoding: .utf8))?
                .trimmingCharacters(in: .whitespacesAndNewlines)
            close(file)
            throw StoreOpeningError.inUse(
                folder: folder.path, holder: holder.flatMap { $0.isEmpty ? nil : $0 } ?? "unknown")
        }
        // Best effort: the lock is what counts, the text only helps whoever meets it.
        let text = "pid \(getpid())\n"
        _ = ftruncate(file, 0)
        _ = pwrite(file, text, text.utf8.count, 0)
        descriptor = Mutex(file)
    }

    /// - Parameter model: whose owner a new one gets.
    private static func open(_ path: String, _ model: String) throws -> Int32 {
        // A link there would have us empty what it leads to.
        let flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC
        let made = Foundation.open(path, flags | O_CREAT | O_EXCL, 0o600)
        guard made < 0 else {
            FileOwner.give(made, of: model)
            return made
        }
        guard errno == EEXIST else { throw StoreFiles.refused(FileFailure(path, "opened")) }
        let file = Foundation.open(path, flags)
        guard file >= 0 else { throw StoreFiles.refused(FileFailure(path, "opened")) }
        return file
    }

    func release() {
        descriptor.withLock { file in
            if let open = file { close(open) }
            file = nil
        }
    }

    deinit { release() }
}
