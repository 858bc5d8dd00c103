import Crypto
import Foundation

/// Writes a file that is there whole or not at all: beside the old one, synced, and renamed over it.
final class WholeFile {
    let path: String
    private let beside: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private var hash = SHA256()

    private static let bufferSize = 1 << 16

    /// - Parameters:
    ///   - mode: of the file, as `chmod` has it.
    ///   - model: a file whose mode and, where this process may, owner and group it gets instead, if it's there.
    init(_ path: String, mode: mode_t, like model: String? = nil) throws(FileFailure) {
        self.path = path
        beside = path + ".new"
        descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileFailure(beside) }
        var found = stat()
        if let model, stat(model, &found) == 0 {
            // The owner first: it takes bits off the mode. Only root may give files away.
            _ = fchown(descriptor, found.st_uid, found.st_gid)
            guard fchmod(descriptor, found.st_mode & 0o777) == 0 else { throw FileFailure(beside) }
        }
        buffer.reserveCapacity(Self.bufferSize)
    }

    /// What isn't kept is gone.
    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(beside)
    }

    /// SHA-256 of everything written so far.
    var digest: [UInt8] { Array(hash.finalize()) }

    func write(_ octets: some Sequence<UInt8>) throws(FileFailure) {
        buffer.append(contentsOf: octets)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Everything on the disk, under the other name.
    func sync() throws(FileFailure) {
        try flush()
        guard fsync(descriptor) == 0 else { throw FileFailure(beside) }
    }

    /// Takes the place of the old file, for whoever looks from now on and after a crash.
    func keep() throws(FileFailure) {
        try sync()
        guard rename(beside, path) == 0 else { throw FileFailure(path) }
        close(descriptor)
        descriptor = -1
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let directory = open(folder, O_RDONLY | O_CLOEXEC)
        guard directory >= 0 else { throw FileFailure(folder) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw FileFailure(folder) }
    }

    /// Brings what was written into the hash too, so that `digest` has it.
    func flush() throws(FileFailure) {
        guard !buffer.isEmpty else { return }
        hash.update(data: buffer)
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 || errno == EINTR else { throw FileFailure(beside) }
            rest = rest.dropFirst(max(0, count))
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// What the system says of a file.
struct FileFailure: Error, CustomStringConvertible {
    let description: String

    /// The last call's.
    init(_ path: String) {
        description = "\(path): \(String(cString: strerror(errno)))"
    }
}
