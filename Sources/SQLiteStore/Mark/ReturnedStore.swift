import DurableFiles
import Foundation
import GRDB
import Logging
import RegistryLedger
import RegistryModel
import StoreCore

/// A stopped store that isn't the one that its folder's mark tells of: it was put back by other means than
/// `StoreRestore`, and its epoch would have its next revisions taken for those that somebody has seen.
package struct ReturnedStore: Equatable, Sendable, CustomStringConvertible {
    enum Reason: Equatable {
        /// The file says that there is a mark, and there is none: it came from another folder.
        case withoutMark
        case damagedMark
        /// There was a store here.
        case gone
        case mismatch(StoreMarkMismatch)
    }

    let folder: String
    /// Where the file's log ends.
    let head: Position?
    let mark: Position?
    let reason: Reason

    /// Looks at a folder that this process has locked, and changes nothing that its store holds (`StoppedFile`).
    ///
    /// A file that doesn't say that it has a mark is new, of an older release, or one that got its epoch anew
    /// (`StoreRestore`, `EpochRenewal`) by somebody who was stopped before he came to the mark: so a mark of another
    /// epoch isn't its own. One of its own epoch is, whatever the file says.
    ///
    /// - Returns: nil where nothing speaks against opening it.
    /// - Throws: `StoreOpeningError`, `DatabaseError`.
    static func find(in folder: URL) throws -> ReturnedStore? {
        let file = folder.appendingPathComponent(SQLiteStore.fileName)
        let found = try StoreFiles.attempt { () throws(FileFailure) in
            try StoreMarkFile.read(StoreMarkFile.path(beside: file.path))
        }
        let mark: StoreMark? = if case .mark(let mark) = found { mark } else { nil }
        let store = try StoppedFile(file, mark: mark)
        guard let reason = reason(found, store) else { return nil }
        return ReturnedStore(
            folder: folder.path,
            head: store.head.map { Position(epoch: $0.epoch, revision: $0.revision) },
            mark: mark?.position, reason: reason)
    }

    private static func reason(_ found: StoreMarkFile.Contents, _ store: StoppedFile) -> Reason? {
        switch found {
        case .none: return store.isMarked ? .withoutMark : nil
        case .damaged: return store.isMarked ? .damagedMark : nil
        case .mark(let mark):
            guard let head = store.head else { return mark.revision > .zero ? .gone : nil }
            switch mark.mismatch(with: head, logged: store.logged) {
            case nil: return nil
            case .otherEpoch where !store.isMarked: return nil
            case .some(let mismatch): return .mismatch(mismatch)
            }
        }
    }

    /// What was found, and what to do.
    package var description: String { "\(finding). \(advice)" }

    /// What was found.
    var finding: String {
        let file = "\(SQLiteStore.fileName) is at \(head.map { "\($0)" } ?? "nothing")"
        let name = StoreMarkFile.path(beside: SQLiteStore.fileName)
        let start = "the store in \(folder) isn't the one that was here"
        return switch reason {
        case .withoutMark:
            "\(start): \(file), and \(name), which it had beside it, is missing"
        case .damagedMark:
            "the store in \(folder) may not be the one that was here: \(file), and what \(name) says can't be read"
        case .gone:
            "there is no store in \(folder), but \(name) says that there was one at \(position)"
        case .mismatch(let mismatch):
            "\(start): \(mismatch.reason). \(file), and \(name) says \(position)"
        }
    }

    private var position: String { mark.map { "\($0)" } ?? "nothing" }

    private var advice: String {
        guard reason != .gone else {
            return
                "Put its file back, mount what it's on, or restore a backup. An empty one begins there only after \(StoreMarkFile.path(beside: SQLiteStore.fileName)) was removed: --accept-rewind doesn't"
        }
        return
            "If it is meant to be there, back from a replica or as a copy, give it a new epoch, so that nobody takes its next revisions for those that somebody has seen: tenant-registry epoch renew --data-dir \(folder), or start it once with serve --accept-rewind"
    }
}

/// Looks at the start whether agents have revisions of the store's epoch that its log hasn't.
enum AgentsCheck {
    /// - Parameter accepts: whether an operator has said that it's to go on under a new epoch.
    /// - Throws: `StoreOpeningError.rewound`.
    static func run(_ db: Database, accepts: Bool, _ logger: Logger) throws {
        guard let sign = try Rewind.Evidence.ofAgents(db) else { return }
        let head = try Head.read(db)
        let position = Position(epoch: head.epoch, revision: head.revision)
        guard let rewind = Rewind(position, [sign]) else { return }
        guard accepts else { throw StoreOpeningError.rewound(rewind.description) }
        // Whatever stops the start from here on, the mark of the epoch before isn't the store's any more.
        let epoch = try EpochRenewal.beginEpoch(db).epoch
        logger.warning(
            "the store was put back; it goes on under a new epoch",
            metadata: ["seen": "\(rewind)", "epoch": "\(epoch)"])
    }
}
