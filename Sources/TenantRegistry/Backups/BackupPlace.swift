import Foundation
import Synchronization

/// Where a service's backups go. The folder may not be there yet, may go while the service runs, and come back: none of that keeps the
/// registry from starting, or from answering.
final class BackupPlace: Sendable {
    /// Another folder has come to the path.
    struct OnOtherDevice: Error, CustomStringConvertible {
        let path: String
        var description: String {
            "\(path) is on another file system than before: mount the volume, or start the service anew"
        }
    }

    private struct State {
        var folder: BackupFolder?
        /// Of the first one: an unmounted volume's mount point is another file system's.
        var device: UInt64?
    }

    let path: String
    private let dataFolder: URL
    private let state = Mutex(State())

    /// - Throws: `CommandFailure.usage` where the folder is another service's, or the store's own.
    init(_ path: String, dataFolder: URL) throws {
        (self.path, self.dataFolder) = (path, dataFolder)
        do {
            _ = try folder()
        } catch BackupFolder.Unusable.file {
            // It may be there when a backup is due.
        } catch let unusable as BackupFolder.Unusable {
            throw CommandFailure.usage("--backup-to: \(unusable)")
        }
    }

    /// The folder that the path leads to now, held.
    ///
    /// - Throws: `BackupFolder.Unusable`, `OnOtherDevice`.
    func folder() throws -> BackupFolder {
        try state.withLock { state in
            if let folder = state.folder, folder.isThere { return folder }
            // What was held isn't what is there: whoever is there now may be somebody else.
            state.folder = nil
            let folder = try BackupFolder(path, dataFolder: dataFolder)
            guard state.device == nil || state.device == folder.device else {
                throw OnOtherDevice(path: path)
            }
            (state.folder, state.device) = (folder, folder.device)
            return folder
        }
    }
}
