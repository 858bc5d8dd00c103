import DurableFiles
import Foundation
import RegistryModel
import Synchronization

/// The file that a store's mark is in.
///
/// It's written durably when a store is opened and when it's closed. In between each advance overwrites its one
/// line in place, without a sync: whatever ends the process, the line that was written last is there; a loss of
/// power leaves an earlier one, which is as true.
package final class StoreMarkFile: Sendable {
    package let path: String
    private let owner: String?
    private let state: Mutex<State>

    private struct State {
        /// -1: closed.
        var descriptor: Int32
        var mark: StoreMark
    }

    /// Writes the mark durably, for its owner alone, in the place of whatever mark was there.
    ///
    /// - Parameter owner: a file or folder whose owner the mark gets, where this process may give it away: somebody
    ///   with more rights must not lock out whoever opens the store next.
    package init(
        _ mark: StoreMark, at path: String, owner: String? = nil
    ) throws(FileFailure) {
        self.path = path
        self.owner = owner
        try Self.write(mark, to: path, owner)
        let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path, "opened") }
        state = Mutex(State(descriptor: descriptor, mark: mark))
    }

    deinit { release() }

    /// Notes a head that is durable: some microseconds, for the next line lies in the page cache.
    ///
    /// One that fails leaves the mark behind the head, where it does no harm.
    package func advance(to mark: StoreMark) throws(FileFailure) {
        let failure = state.withLock { state -> FileFailure? in
            state.mark = mark
            guard state.descriptor >= 0 else { return FileFailure(path, "written", EBADF) }
            let line = mark.line
            let count = pwrite(state.descriptor, line, line.count, 0)
            guard count == line.count else {
                return FileFailure(path, "written", count < 0 ? errno : ENOSPC)
            }
            return nil
        }
        if let failure { throw failure }
    }

    /// Writes durably what was noted last, and lets the file go.
    package func close() throws(FileFailure) {
        guard let mark = release() else { return }
        try Self.write(mark, to: path, owner)
    }

    /// - Returns: nil where it was closed already.
    @discardableResult
    private func release() -> StoreMark? {
        state.withLock { state in
            guard state.descriptor >= 0 else { return nil }
            Foundation.close(state.descriptor)
            state.descriptor = -1
            return state.mark
        }
    }

    private static func write(
        _ mark: StoreMark, to path: String, _ owner: String?
    ) throws(FileFailure) {
        var found = stat()
        // A link's target isn't a mark's place, and a pipe would be waited for.
        if lstat(path, &found) == 0, ![S_IFREG, S_IFDIR].contains(found.st_mode & S_IFMT) {
            try remove(path)
        }
        do throws(FileFailure) {
            try DurableFile.write(mark.line, to: path, .owned(0o600, like: owner))
        } catch  where [ENOSPC, EDQUOT].contains(error.code) {
            guard try hasRoom(for: mark, in: path) else { throw error }
        }
    }

    /// On a full disk there's room for a line where there is one: over it. Without that a store that only can't be
    /// written couldn't be read either.
    ///
    /// - Returns: false where no mark of this epoch is there in the end.
    private static func hasRoom(
        for mark: StoreMark, in path: String
    ) throws(FileFailure) -> Bool {
        guard case .mark(let old) = try read(path) else { return false }
        let file = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw FileFailure(path, "opened") }
        defer { Foundation.close(file) }
        let line = mark.line
        if pwrite(file, line, line.count, 0) == line.count, fsync(file) == 0 { return true }
        // One that stays behind the head is as true.
        return old.epoch == mark.epoch && old.revision <= mark.revision
    }
}

extension StoreMarkFile {
    /// What is in the place of a mark.
    package enum Contents: Equatable, Sendable {
        case none
        case mark(StoreMark)
        /// Not a mark: it's never guessed what it was.
        case damaged
    }

    /// The mark of a store that is a file.
    package static func path(beside store: String) -> String { store + "-mark" }

    package static func read(_ path: String) throws(FileFailure) -> Contents {
        // Not through a link, and without waiting for a pipe's other end.
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            switch errno {
            case ENOENT: return .none
            case ELOOP: return .damaged
            default: throw FileFailure(path, "opened")
            }
        }
        defer { Foundation.close(file) }
        var found = stat()
        guard fstat(file, &found) == 0 else { throw FileFailure(path, "read") }
        guard found.st_mode & S_IFMT == S_IFREG else { return .damaged }
        // One byte more than a mark has: what is longer is none.
        var line = [UInt8](repeating: 0, count: StoreMark.lineLength + 1)
        let count = pread(file, &line, line.count, 0)
        guard count >= 0 else { throw FileFailure(path, "read") }
        return StoreMark(line: Array(line.prefix(count))).map(Contents.mark) ?? .damaged
    }

    /// Takes a mark away for good. Does nothing where none is.
    package static func remove(_ path: String) throws(FileFailure) {
        guard unlink(path) == 0 else {
            guard errno == ENOENT else { throw FileFailure(path, "removed") }
            return
        }
        try DurableFolder.sync(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }
}
