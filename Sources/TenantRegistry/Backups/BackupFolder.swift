import DurableFiles
import Foundation
import RegistryModel

/// The folder that scheduled backups are kept in, the newest ones: `registry-000042-20261130T184200Z.sqlite`. What is called
/// otherwise is somebody else's, and left alone.
///
/// Which one is the newest is said by the number, for a clock may have been wrong: the time is for people, and tells a start
/// when the next backup is due.
final class BackupFolder: Sendable {
    /// Why there are no backups in it.
    enum Unusable: Error, CustomStringConvertible {
        case file(FileFailure)
        case isInData(String)
        case isTaken(String)

        var description: String {
            switch self {
            case .file(let failure): failure.description
            case .isInData(let path):
                "\(path) is in the data folder; a backup there is lost with the store"
            case .isTaken(let path): "another service keeps its backups in \(path)"
            }
        }
    }

    struct Entry: Sendable, Hashable {
        var number: Int
        /// When the copy's revision was written down as taken.
        var takenAt: Timestamp
        var name: String
    }

    let url: URL
    /// The folder, held: two services would take each other's backups for their own, and remove them.
    private let lock: Int32
    /// Of its file system.
    let device: UInt64
    private let node: UInt64

    private static let prefix = "registry-"
    private static let suffix = ".sqlite"
    /// Of a number: nobody makes so many backups, and there's always a next one.
    private static let maximumDigits = 12
    /// Beside the entries, until it's whole and has a number.
    private static let incoming = "registry.sqlite.incoming"

    /// A folder that isn't there isn't made: a volume that isn't mounted must not become a folder on another one.
    init(_ path: String, dataFolder: URL) throws(Unusable) {
        url = URL(fileURLWithPath: path, isDirectory: true)
        lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw .file(FileFailure(path, "opened")) }
        var status = stat()
        guard fstat(lock, &status) == 0, access(path, W_OK | X_OK) == 0 else {
            let failure = FileFailure(path, "written")
            close(lock)
            throw .file(failure)
        }
        (device, node) = (UInt64(status.st_dev), UInt64(status.st_ino))
        let (here, data) = (Self.resolved(url), Self.resolved(dataFolder))
        guard here != data, !here.hasPrefix(data + "/") else {
            close(lock)
            throw .isInData(path)
        }
        // A file system without locks can't say who else is there.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            close(lock)
            throw .isTaken(path)
        }
    }

    deinit { close(lock) }

    /// Whether its path still leads to the folder that is held.
    var isThere: Bool {
        var status = stat()
        return stat(url.path, &status) == 0 && UInt64(status.st_dev) == device
            && UInt64(status.st_ino) == node
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
        return names.compactMap(Self.entry).filter { isFile($0.name) }
            .sorted { $0.number < $1.number }
    }

    private func isFile(_ name: String) -> Bool {
        var status = stat()
        return lstat(url.appendingPathComponent(name).path, &status) == 0
            && status.st_mode & S_IFMT == S_IFREG
    }

    /// - Returns: nil for what isn't one of ours.
    static func entry(_ name: String) -> Entry? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let parts = name.dropFirst(prefix.count).dropLast(suffix.count).split(
            separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= maximumDigits, let number = Int(parts[0]),
            number > 0, let takenAt = time(parts[1])
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

    /// Removes the oldest ones, but for so many. One that stays holds none of the others up.
    ///
    /// - Throws: why the first of those that stay does.
    func prune(keeping count: Int) throws(FileFailure) {
        var failure: FileFailure?
        for entry in try entries().dropLast(count) {
            let path = url.appendingPathComponent(entry.name).path
            guard unlink(path) != 0, errno != ENOENT else { continue }
            failure = failure ?? FileFailure(path, "removed")
        }
        try DurableFolder.sync(url.path)
        if let failure { throw failure }
    }
}
