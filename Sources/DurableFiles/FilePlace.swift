import Foundation

/// What a path leads to, as far as writing goes.
enum FilePlace: Equatable {
    /// A regular file, or none yet.
    case file(folder: String, name: String)
    /// A device, a pipe: it's written into.
    case special(String)
    /// A descriptor that this process has open: `/dev/stdout`, `/dev/fd/3`.
    case open(Int32)

    /// As many as the kernel follows.
    private static let mostLinks = 40

    /// Follows links itself, because it's the last one's target that is replaced.
    ///
    /// - Throws: for a directory, and for what can't be looked at.
    init(_ path: String) throws(FileFailure) {
        guard !path.isEmpty else { throw FileFailure(path, "written", ENOENT) }
        var current = path
        for _ in 0..<Self.mostLinks {
            let (folder, name) = Self.split(current)
            guard !name.isEmpty else { throw FileFailure(path, "written", EISDIR) }
            var found = stat()
            guard lstat(current, &found) == 0 else {
                guard errno == ENOENT else { throw FileFailure(path, "written") }
                self = .file(folder: folder, name: name)
                return
            }
            switch found.st_mode & S_IFMT {
            case S_IFREG:
                self = .file(folder: folder, name: name)
                return
            case S_IFDIR: throw FileFailure(path, "written", EISDIR)
            case S_IFLNK:
                if let number = Self.ownDescriptor(folder, name) {
                    self = .open(number)
                    return
                }
                guard Self.isTrusted(found, in: folder) else {
                    throw FileFailure(path, "written", EACCES)
                }
                guard let target = Self.target(of: current) else {
                    throw FileFailure(path, "written")
                }
                current = target.hasPrefix("/") ? target : "\(folder)/\(target)"
            default:
                self = .special(current)
                return
            }
        }
        throw FileFailure(path, "written", ELOOP)
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    private static func target(of link: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The kernel's own rule for links (`protected_symlinks`), which counts only where the kernel follows
    /// them: in a folder like `/tmp`, a stranger's link leads where the stranger wants.
    private static func isTrusted(_ link: stat, in folder: String) -> Bool {
        var parent = stat()
        guard stat(folder, &parent) == 0 else { return false }
        let isShared = parent.st_mode & S_ISVTX != 0 && parent.st_mode & S_IWOTH != 0
        return !isShared || link.st_uid == geteuid() || link.st_uid == parent.st_uid
    }

    /// - Returns: nil where the name is no descriptor of this process.
    private static func ownDescriptor(_ folder: String, _ name: String) -> Int32? {
        guard let number = Int32(name), number >= 0, let real = realpath(folder, nil) else {
            return nil
        }
        defer { free(real) }
        let place = String(cString: real)
        let own = "/proc/\(getpid())/"
        return place.hasPrefix(own) && place.hasSuffix("/fd") ? number : nil
    }
}

/// Folders and names that are on the disk when a call returns.
package enum DurableFolder {
    /// For its owner alone, who is that of the folder it's in. Does nothing where it's there.
    package static func make(_ path: String) throws(FileFailure) {
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        if mkdir(path, 0o700) == 0 {
            let made = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard made >= 0 else { throw FileFailure(path, "opened") }
            FileOwner.give(made, of: parent)
            close(made)
        } else if errno != EEXIST {
            throw FileFailure(path, "created")
        }
        try sync(parent)
    }

    package static func rename(_ from: String, _ to: String) throws(FileFailure) {
        guard Foundation.rename(from, to) == 0 else { throw FileFailure(from, "moved") }
    }

    /// A file or a folder.
    package static func sync(_ path: String) throws(FileFailure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path, "opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileFailure(path, "synced") }
    }
}

/// Gives away what root makes: to whom it shall belong, it would be closed otherwise.
package enum FileOwner {
    /// Does nothing for anybody but root, who alone may give files away.
    ///
    /// - Parameters:
    ///   - file: one that this process has just made.
    ///   - model: the path of the file or folder whose owner and group it gets.
    package static func give(_ file: Int32, of model: String) {
        var found = stat()
        guard geteuid() == 0, stat(model, &found) == 0 else { return }
        _ = fchown(file, found.st_uid, found.st_gid)
    }
}
