import Crypto
import DurableFiles

/// A durable file that knows the SHA-256 of what was written into it.
final class DigestedFile {
    private let file: DurableFile
    private var buffer: [UInt8] = []
    private var hash = SHA256()

    private static let bufferSize = 1 << 16

    init(_ path: String, _ permissions: DurableFile.Permissions) throws(FileFailure) {
        file = try DurableFile(path, permissions)
        buffer.reserveCapacity(Self.bufferSize)
    }

    /// SHA-256 of everything that was flushed.
    var digest: [UInt8] { Array(hash.finalize()) }

    func write(_ octets: some Sequence<UInt8>) throws(FileFailure) {
        buffer.append(contentsOf: octets)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Brings what was written into the hash too, so that `digest` has it.
    func flush() throws(FileFailure) {
        hash.update(data: buffer)
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    func sync() throws(FileFailure) {
        try flush()
        try file.sync()
    }

    func keep() throws(FileFailure) {
        try flush()
        try file.keep()
    }
}
