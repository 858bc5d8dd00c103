import Foundation

/// A file under a random name in the folder of the one that it shall replace.
///
/// It is locked while its writer lives: a file of the same kind that nobody has locked was left by a
/// process that was killed.
final class PartialFile {
    let descriptor: Int32
    let path: String
    private let folder: Int32
    private let name: String
    private let target: String

    private static let suffix = ".part"
    private static let attempts = 16

    /// - Parameter path: as the caller named it, for complaints.
    init(
        folder: String, name: String, _ permissions: DurableFile.Permissions, for path: String
    ) throws(FileFailure) {
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw FileFailure(path, "written") }
        self.folder = directory
        target = name
        let prefix = Self.prefix(of: name)
        Self.removeLeftovers(in: folder, directory, prefix)
        do {
            let made = try Self.make(prefix, in: directory, permissions, like: name, for: path)
            (self.name, descriptor) = (made.name, made.descriptor)
        } catch {
            close(directory)
            throw error
        }
        self.path = folder.hasSuffix("/") ? folder + self.name : folder + "/" + self.name
    }

    /// A name has at most 255 bytes, and the random part needs some of them.
    private static func prefix(of name: String) -> String {
        var text = name
        while text.utf8.count > 200 { text.unicodeScalars.removeLast() }
        return ".\(text)-"
    }

    private static func make(
        _ prefix: String, in folder: Int32, _ permissions: DurableFile.Permissions,
        like name: String, for path: String
    ) throws(FileFailure) -> (name: String, descriptor: Int32) {
        var old = stat()
        var keeps = false
        var model: String?
        let mode: mode_t
        switch permissions {
        case .fixed(let fixed): mode = fixed
        case .owned(let fixed, let like): (mode, model) = (fixed, like)
        case .kept(let otherwise):
            keeps =
                fstatat(folder, name, &old, AT_SYMLINK_NOFOLLOW) == 0
                && old.st_mode & S_IFMT == S_IFREG
            mode = keeps ? 0o600 : otherwise
        }
        for _ in 0..<attempts {
            let random = String(UInt64.random(in: .min ... .max), radix: 16)
            let beside =
                prefix + String(repeating: "0", count: 16 - random.count) + random + suffix
            let file = openat(
                folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
            guard file >= 0 else {
                guard errno == EEXIST else { throw FileFailure(path, "written") }
                continue
            }
            // Where the file system has no locks, a leftover is only not removed.
            let isLocked = flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
            var new = stat()
            guard isLocked, fstat(file, &new) == 0, new.st_nlink > 0 else {
                // Somebody took it for a leftover before it was locked.
                close(file)
                continue
            }
            guard !keeps || take(old, file) else {
                let failure = FileFailure(path, "written")
                unlinkat(folder, beside, 0)
                close(file)
                throw failure
            }
            if let model { FileOwner.give(file, of: model) }
            return (beside, file)
        }
        throw FileFailure(path, "written", EEXIST)
    }

    /// The owner first: it takes bits off the mode. Only root may give files away; a group of one's own
    /// anybody may.
    private static func take(_ old: stat, _ file: Int32) -> Bool {
        if fchown(file, old.st_uid, old.st_gid) != 0 { _ = fchown(file, uid_t.max, old.st_gid) }
        return fchmod(file, old.st_mode & 0o777) == 0
    }

    private static func removeLeftovers(in folder: String, _ directory: Int32, _ prefix: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where isLeftover(name, prefix) {
            let file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard file >= 0 else { continue }
            var found = stat()
            if fstat(file, &found) == 0, found.st_mode & S_IFMT == S_IFREG,
                flock(file, LOCK_EX | LOCK_NB) == 0
            {
                unlinkat(directory, name, 0)
            }
            close(file)
        }
    }

    private static func isLeftover(_ name: String, _ prefix: String) -> Bool {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return false }
        let random = name.dropFirst(prefix.count).dropLast(suffix.count)
        return random.utf8.count == 16 && random.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    func publish(as path: String) throws(FileFailure) {
        guard renameat(folder, name, folder, target) == 0 else {
            throw FileFailure(path, "replaced")
        }
        // Some file systems have nothing to sync in a folder, and say so.
        guard fsync(folder) == 0 || [EINVAL, ENOTSUP].contains(errno) else {
            throw FileFailure("the folder of \(path)", "synced")
        }
    }

    func remove() { unlinkat(folder, name, 0) }

    func closeFolder() { close(folder) }
}
