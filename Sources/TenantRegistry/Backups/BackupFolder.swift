import DurableFiles
import Foundation
import RegistryModel

/// The folder that scheduled backups are kept in, the newest ones: `registry-000042-20261130T184200Z.sqlite`. What is called
/// otherwise is somebody else's, and left alone.
///
/// Which one is the newest is said by the number, for a clock may have been wrong: the time is for people, and tells a start
/// when the next backup is due.
struct BackupFolder: Sendable {
    struct Entry: Sendable, Hashable {
        var number: Int
        /// When the copy's revision was written down as taken.
        var takenAt: Timestamp
        var name: String
    }

    let url: URL
    /// Held for as long as the process lives: two services would take each other's backups for their own, and remove them.
    private let lock: Int32

    private static let prefix = "registry-"
    private static let suffix = ".sqlite"
    /// Beside the entries, until it's whole and has a number.
    private static let incoming = "registry.sqlite.incoming"

    /// - Throws: `CommandFailure.usage` where the folder isn't there, can't be written, is another service's, or the store's own.
    init(_ path: String, dataFolder: URL) throws {
        url = URL(fileURLWithPath: path, isDirectory: true)
        // A volume that isn't mounted must not become a folder on another one.
        lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else {
            throw CommandFailure.usage("--backup-to: \(FileFailure(path, "opened"))")
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw CommandFailure.usage("--backup-to: \(FileFailure(path, "written"))")
        }
        let (here, data) = (Self.resolved(url), Self.resolved(dataFolder))
        guard here != data, !here.hasPrefix(data + "/") else {
            throw CommandFailure.usage(
                "--backup-to: \(path) is in the data folder; a backup there is lost with the store")
        }
        // A file system without locks can't say who else is there.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            throw CommandFailure.usage("--backup-to: another service keeps its backups in \(path)")
        }
    }

    private static func resolved(_ url: URL) -> String {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard realpath(url.path, &text) != nil else { return url.standardizedFileURL.path }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// By number.
    func entries() throws(FileFailure) -> [Entry] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) else {
            throw FileFailure(url.path, "read", EIO)
        }
        return names.compactMap(Self.entry).sorted { $0.number < $1.number }
    }

    /// - Returns: nil for what isn't one of ours.
    static func entry(_ name: String) -> Entry? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let parts = name.dropFirst(prefix.count).dropLast(suffix.count).split(
            separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[0]), number > 0,
            let takenAt = time(parts[1])
        else { return nil }
        let entry = Entry(number: number, takenAt: takenAt, name: name)
        return entry.name == Self.name(number, takenAt) ? entry : nil
    }

    static func name(_ number: Int, _ takenAt: Timestamp) -> String {
        let digits = "\(number)"
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        let time = takenAt.description.prefix(19).filter { $0 != "-" && $0 != ":" }
        return "\(prefix)\(padded)-\(time)Z\(suffix)"
    }

    /// `20261130T184200Z`
    private static func time(_ text: Substring) -> Timestamp? {
        guard text.utf8.count == 16 else { return nil }
        let digits = Array(text)
        let date = "\(String(digits[0..<4]))-\(String(digits[4..<6]))-\(String(digits[6..<8]))"
        let time = "\(String(digits[8..<11])):\(String(digits[11..<13])):\(String(digits[13...]))"
        return Timestamp(rfc3339: date + time)
    }

    /// Where the next one is written.
    func makeFile() throws(FileFailure) -> BackupFile {
        try BackupFile(url.appendingPathComponent(Self.incoming).path)
    }

    /// Gives what `makeFile` made, and was kept, its place as the newest one.
    func add(at now: Timestamp) throws(FileFailure) -> Entry {
        let number = (try entries().last?.number ?? 0) + 1
        let entry = Entry(number: number, takenAt: now, name: Self.name(number, now))
        try DurableFolder.rename(
            url.appendingPathComponent(Self.incoming).path,
            url.appendingPathComponent(entry.name).path)
        try DurableFolder.sync(url.path)
        return entry
    }

    /// Removes the oldest ones, but for so many.
    func prune(keeping count: Int) throws(FileFailure) {
        for entry in try entries().dropLast(count) {
            let path = url.appendingPathComponent(entry.name).path
            guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure(path, "removed") }
        }
        try DurableFolder.sync(url.path)
    }
}
