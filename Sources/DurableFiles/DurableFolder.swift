import Foundation

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
