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
