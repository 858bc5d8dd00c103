import RegistryLedger
import RegistryModel
import StoreCore
import Synchronization

/// Tells this node's memory of every revision, each once and in order, whichever node wrote it: the
/// writer brings what this node has committed, the follower what others have.
///
/// Both are threads that may wait: while one delivers, the other does.
///
/// Who holds what, and in which order:
///
///     the head's row       a transaction of the writer, on any node; then `place`, to read it
///     `delivering`         whoever brings; then memory's own locks, and `place`, to move it on
///     `place`              nothing after it, and never for longer than a few words take to copy
///
/// Nobody who holds `delivering` calls the database: what is missing is read between two turns of it. Nobody waits
/// for `delivering` who holds the head's row: all nodes' writers would wait with it. So a database that hangs, or a
/// wave of a million on its way into memory, keeps nobody from the head.
final class LogDelivery: Sendable {
    /// Where memory is.
    struct Place: Sendable {
        var epoch: Epoch
        var revision: Revision
        /// Of that revision; nil where it isn't known.
        var digest: [UInt8]?
    }

    private let delivering = Mutex(())
    private let place: Mutex<Place?> = Mutex(nil)
    private let observer: @Sendable (RevisionChanges) -> Void

    init(_ observer: @escaping @Sendable (RevisionChanges) -> Void) {
        self.observer = observer
    }

    /// As far as memory surely is: it may be further by now.
    var current: Place? { place.withLock { $0 } }

    /// Memory has been read anew, as of `position`.
    func begin(at position: Position) {
        delivering.withLock { _ in
            move(to: Place(epoch: position.epoch, revision: position.revision, digest: nil))
        }
    }

    /// Brings revisions that follow one another.
    ///
    /// - Parameters:
    ///   - digest: of the last of them.
    ///   - missing: reads the revisions after the place and before the revision, which nobody has
    ///     brought yet. Others may bring while it does.
    func bring(
        _ changes: [RevisionChanges], digest: [UInt8]?,
        missing: (_ after: Place, _ before: Revision) throws -> [RevisionChanges]
    ) rethrows {
        guard let first = changes.first?.revision else { return }
        // Behind whoever delivers now: perhaps it's just that which is missing.
        let gap = delivering.withLock { _ -> Place? in
            if let now = current, now.revision.next < first { return now }
            tell(changes, digest: digest)
            return nil
        }
        guard let gap else { return }
        let found = try missing(gap, first)
        delivering.withLock { _ in
            tell(found, digest: nil)
            tell(changes, digest: digest)
        }
    }

    /// Only what is next: others may have brought the rest.
    private func tell(_ changes: [RevisionChanges], digest: [UInt8]?) {
        for change in changes {
            guard var now = current, change.revision == now.revision.next else { continue }
            observer(change)
            now.revision = change.revision
            now.digest = change.revision == changes.last?.revision ? digest : nil
            move(to: now)
        }
    }

    private func move(to new: Place) {
        place.withLock { $0 = new }
    }
}

/// The database's log isn't the one that this node's memory was brought from: commits were lost, or it
/// was restored. Memory can't go on.
struct LogBroken: Error {
    let what: String
}

extension LogDelivery.Place {
    /// nil where its digest isn't known.
    var head: Head? {
        digest.map {
            Head(epoch: epoch, revision: revision, digest: $0, at: Timestamp(milliseconds: 0))
        }
    }

    /// Whether a head that was read after this can be of the same log.
    /// - Throws: `LogBroken`.
    func check(_ head: Head) throws {
        guard head.epoch == epoch else {
            throw LogBroken(what: "it has another epoch: the database was restored")
        }
        guard head.revision >= revision else {
            throw LogBroken(
                what:
                    "it ends at revision \(head.revision), and revision \(revision) was there before: commits were lost"
            )
        }
        if head.revision == revision, let digest, digest != head.digest { throw replaced }
    }

    /// Whether the log at the other end of a connection, which may be another server's than before,
    /// has this revision as it was.
    /// - Throws: `LogBroken`, or a `PostgresFailure`.
    func compare(_ connection: PostgresConnection) throws {
        guard let digest, revision > .zero else { return }
        let row = try connection.query(
            "SELECT digest FROM revision_log WHERE revision = $1", [.number(revision.number)]
        ).first
        if let row, try row.bytes(0) != digest { throw replaced }
    }

    private var replaced: LogBroken {
        LogBroken(what: "revision \(revision) is another one than before: commits were lost")
    }
}
