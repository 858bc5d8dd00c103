import DurableFiles
import Foundation
import RegistryModel
import SQLiteStore

/// A copy of a store on its way into a file, which gets its name when the copy is whole and sound, and not before. Only its
/// owner can read it.
final class BackupFile {
    /// What is wrong with a copy.
    struct Unsound: Error, CustomStringConvertible {
        let description: String
    }

    private let file: DurableFile
    /// Where it is until it's kept.
    private let incoming: URL

    init(_ path: String) throws(FileFailure) {
        file = try DurableFile(path, .fixed(0o600))
        incoming = URL(fileURLWithPath: file.temporaryPath ?? path)
    }

    var byteCount: Int64 { file.count }

    func write(_ bytes: some Sequence<UInt8>) throws(FileFailure) { try file.write(bytes) }

    /// Blocks until the disk has all that was written.
    func sync() throws(FileFailure) { try file.sync() }

    /// - Parameter begins: is told how many bytes there are to check.
    /// - Throws: `Unsound`, `FileFailure`, or what SQLite says.
    func check(
        pace: VerificationPace = .full, begins: (Int64) -> Void = { _ in },
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        try file.sync()
        begins(file.count)
        let found = try await SQLiteStore.verifyBackup(incoming, pace: pace, progress: progress)
        guard found.isGood else {
            throw Unsound(description: "the copy isn't sound: \(found.what)")
        }
        return found
    }

    func keep() throws(FileFailure) { try file.keep() }

    /// Does nothing after `keep`.
    func discard() {
        file.discard()
        for suffix in ["-journal", "-wal", "-shm"] { unlink(incoming.path + suffix) }
    }
}
