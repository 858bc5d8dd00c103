import DurableFiles
import Foundation
import Synchronization

/// The folder in which one agent keeps what it needs to start without the registry, locked against a
/// second one: the kernel lets go when the process ends, however it ends.
package final class StateFolder: Sendable {
    let snapshot: URL
    private let descriptor: Mutex<Int32?>

    package struct UnusableFolder: Error, CustomStringConvertible {
        package let description: String
    }

    /// Makes the folder where it isn't there.
    package init(_ folder: URL) throws(UnusableFolder) {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw UnusableFolder(description: "\(folder.path) can't be made: \(error)")
        }
        let path = folder.appendingPathComponent("lock").path
        let file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw UnusableFolder(description: FileFailure(path, "opened").description)
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let reason = FileFailure(path, "locked").description
            close(file)
            throw UnusableFolder(
                description: isTaken ? "another agent has the folder \(folder.path)" : reason)
        }
        descriptor = Mutex(file)
        snapshot = folder.appendingPathComponent("snapshot")
    }

    deinit {
        descriptor.withLock { file in
            if let open = file { close(open) }
            file = nil
        }
    }
}

/// Reads files in pieces, and not as mapped memory: what a process maps and reads counts as its own.
enum FileChunks {
    private static let size = 1 << 17

    /// - Parameters:
    ///   - length: bytes from the beginning; nil: all.
    ///   - body: its argument is good until it returns.
    /// - Throws: `FileFailure`, or what `body` throws.
    static func read(
        _ path: String, first length: Int? = nil, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let file = try opened(path)
        defer { close(file) }
        try read(file, path, first: length, body)
    }

    /// The same of a file that is open, from its beginning.
    static func read(
        _ file: Int32, _ path: String, first length: Int? = nil,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        defer { buffer.deallocate() }
        var offset = 0
        while offset < length ?? .max {
            let count = pread(
                file, buffer.baseAddress, min(buffer.count, (length ?? .max) - offset),
                off_t(offset))
            guard count >= 0 || errno == EINTR else { throw FileFailure(path, "read") }
            guard count != 0 else { return }
            guard count > 0 else { continue }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }
    }

    static func opened(_ path: String) throws(FileFailure) -> Int32 {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileFailure(path, "read") }
        return file
    }
}
