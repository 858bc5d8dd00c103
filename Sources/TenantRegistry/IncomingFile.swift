import Foundation
import NIOCore

/// A file that is written beside its place, and gets its name when it's whole.
final class IncomingFile {
    let url: URL
    private let target: URL
    private var handle: FileHandle?
    private(set) var count: Int64 = 0

    init(for target: URL) {
        self.target = target
        url = target.deletingLastPathComponent().appendingPathComponent(
            ".\(target.lastPathComponent).\(UUID().uuidString).part")
    }

    /// Readable by its owner alone.
    func open() throws {
        let descriptor = Foundation.open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("\(target.path) can't be written") }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    func write(_ piece: ByteBuffer) throws {
        do {
            try handle?.write(contentsOf: piece.readableBytesView)
        } catch {
            throw CommandFailure.failed("\(target.path) can't be written: \(error)")
        }
        count += Int64(piece.readableBytes)
    }

    func sync() throws {
        guard let handle, fsync(handle.fileDescriptor) == 0 else {
            throw failure("\(target.path) can't be synced")
        }
        try handle.close()
        self.handle = nil
    }

    /// On the disk, name and all, when this returns.
    func publish() throws {
        guard rename(url.path, target.path) == 0 else {
            throw failure("\(target.path) can't take its name")
        }
        let folder = Foundation.open(
            target.deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("the folder of \(target.path) can't be synced") }
        defer { close(folder) }
        guard fsync(folder) == 0 else {
            throw failure("the folder of \(target.path) can't be synced")
        }
    }

    /// Where it didn't come to that.
    func remove() {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(url.path + suffix) }
    }

    private func failure(_ what: String) -> CommandFailure {
        .failed("\(what): \(String(cString: strerror(errno)))")
    }
}
