import DurableFiles
import Foundation
import Synchronization

/// The folder in which one agent keeps what it needs to start without the registry, locked against a
/// second one: the kernel lets go when the process ends, however it ends.
package final class StateFolder: Sendable {
    let snapshot: URL
    private let descriptor: Mutex<Int32?>

    package struct UnusableFolder: Error, CustomStringConvertible {
        package let description: String
    }

    /// Makes the folder where it isn't there.
    package init(_ folder: URL) throws(UnusableFolder) {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw UnusableFolder(description: "\(folder.path) can't be made: \(error)")
        }
        let path = folder.appendingPathComponent("lock").path
        let file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw UnusableFolder(description: FileFailure(path, "opened").description)
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let reason = FileFailure(path, "locked").description
            close(file)
            throw UnusableFolder(
                description: isTaken ? "another agent has the folder \(folder.path)" : reason)
        }
        descriptor = Mutex(file)
        snapshot = folder.appendingPathComponent("snapshot")
    }

    deinit {
        descriptor.withLock { file in
            if let open = file { close(open) }
            file = nil
        }
    }
}
