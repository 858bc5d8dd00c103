import Foundation

/// Folders and names that are on the disk when a call returns.
package enum DurableFolder {
    /// For its owner alone. Does nothing where it's there.
    package static func make(_ path: String) throws(FileFailure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileFailure(path, "created") }
        try sync(URL(fileURLWithPath: path).deletingLastPathComponent().path)
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
