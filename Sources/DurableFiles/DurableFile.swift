import Crypto
import Foundation

/// The one way in which files are written here: whole, or not at all.
///
/// A regular file is written beside its place, under a random name that nobody could have prepared
/// (`O_EXCL`, `O_NOFOLLOW`), synced, renamed over what was there, and its folder synced: after `keep` the
/// new contents survive a loss of power, before it the old ones are untouched, and what isn't kept leaves
/// nothing behind. Of a symbolic link the target is replaced, and the link stays. What is no regular file,
/// a device, a pipe, `/dev/stdout`, is written into and never replaced: there's no old state to go back to.
///
/// A file that a killed process left beside is locked by nobody, and goes with the next write to the same
/// place.
package final class DurableFile {
    /// Who may read the file.
    package enum Permissions: Sendable {
        /// This mode, whatever was there: for secrets.
        case fixed(mode_t)
        /// This mode, whatever was there, and owner and group of another file, as far as this process may give them:
        /// where root writes what somebody else has to read.
        case owned(mode_t, like: String?)
        /// Mode, owner and group of the file that is there, as far as this process may give them; else this
        /// mode, less the umask.
        case kept(otherwise: mode_t)
    }

    /// As the caller named it.
    package let path: String
    private let destination: Destination
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private var hash: SHA256?
    /// Bytes written so far.
    package private(set) var count: Int64 = 0

    private static let bufferSize = 1 << 16

    private enum Destination {
        case beside(PartialFile)
        case into
    }

    /// - Parameter isDigested: whether `digest` is asked for.
    /// - Throws: where the place can't be written: a directory, a folder without room or permission.
    package init(
        _ path: String, _ permissions: Permissions, isDigested: Bool = false
    ) throws(FileFailure) {
        self.path = path
        hash = isDigested ? SHA256() : nil
        switch try FilePlace(path) {
        case .file(let folder, let name):
            let beside = try PartialFile(folder: folder, name: name, permissions, for: path)
            (destination, descriptor) = (.beside(beside), beside.descriptor)
        case .special(let special):
            // Not through a link that came meanwhile, and not a regular file, which it would spoil.
            descriptor = open(special, O_WRONLY | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)
            destination = .into
            guard descriptor >= 0 else { throw FileFailure(path, "written") }
            var found = stat()
            // `deinit` closes it: all that there is has its value by now.
            guard fstat(descriptor, &found) == 0, found.st_mode & S_IFMT != S_IFREG else {
                throw FileFailure(path, "written", EEXIST)
            }
        case .open(let number):
            descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
            destination = .into
            guard descriptor >= 0 else { throw FileFailure(path, "written") }
        }
        buffer.reserveCapacity(Self.bufferSize)
    }

    deinit { discard() }

    /// Where the bytes are until they're kept; nil where they go into what is there.
    package var temporaryPath: String? {
        guard case .beside(let beside) = destination else { return nil }
        return beside.path
    }

    /// SHA-256 of everything that was flushed; of nothing where the file isn't digested.
    package var digest: [UInt8] { hash.map { Array($0.finalize()) } ?? [] }

    package func write(_ bytes: some Sequence<UInt8>) throws(FileFailure) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Hands everything to the system.
    package func flush() throws(FileFailure) {
        guard !buffer.isEmpty else { return }
        guard Self.writeAll(buffer, to: descriptor) else { throw FileFailure(path, "written") }
        hash?.update(data: buffer)
        count += Int64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Everything is on the disk when this returns, under the name that nobody knows.
    package func sync() throws(FileFailure) {
        try flush()
        guard fsync(descriptor) == 0 || isUnsyncable else { throw FileFailure(path, "synced") }
    }

    /// Takes the place of the old file, for whoever looks from now on and after a crash.
    package func keep() throws(FileFailure) {
        try sync()
        if case .beside(let beside) = destination { try beside.publish(as: path) }
        end()
    }

    /// Leaves everything as it was. Does nothing after `keep`.
    package func discard() {
        guard descriptor >= 0 else { return }
        if case .beside(let beside) = destination { beside.remove() }
        end()
    }

    private func end() {
        close(descriptor)
        descriptor = -1
        if case .beside(let beside) = destination { beside.closeFolder() }
    }

    /// Pipes and terminals have no disk.
    private var isUnsyncable: Bool {
        guard case .into = destination else { return false }
        return [EINVAL, ENOTSUP, EROFS, ENOSYS].contains(errno)
    }

    /// - Returns: false, with `errno`, where not all of it could be written.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}

extension DurableFile {
    /// Writes a small file whole.
    package static func write(
        _ bytes: some Sequence<UInt8>, to path: String, _ permissions: Permissions
    ) throws(FileFailure) {
        let file = try DurableFile(path, permissions)
        try file.write(bytes)
        try file.keep()
    }
}

/// What the system says of a file.
package struct FileFailure: Error, CustomStringConvertible, Equatable {
    package let path: String
    /// `errno`.
    package let code: Int32
    private let what: String

    /// - Parameters:
    ///   - what: what can't be done: "written".
    ///   - code: the last call's, where it isn't given.
    package init(_ path: String, _ what: String, _ code: Int32 = errno) {
        self.path = path
        self.what = what
        self.code = code
    }

    package var description: String {
        "\(path) can't be \(what): \(String(cString: strerror(code)))"
    }
}
