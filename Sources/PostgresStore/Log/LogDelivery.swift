import RegistryModel
import StoreCore
import Synchronization

/// Tells this node's memory of every revision, each once and in order, whichever node wrote it: the
/// writer brings what this node has committed, the follower what others have.
///
/// Both are threads that may wait: while one delivers, the other does.
final class LogDelivery: Sendable {
    /// Where memory is.
    struct Place: Sendable {
        var epoch: Epoch
        var revision: Revision
        /// Of that revision; nil where it isn't known.
        var digest: [UInt8]?
    }

    private let place: Mutex<Place?> = Mutex(nil)
    private let observer: @Sendable (RevisionChanges) -> Void

    init(_ observer: @escaping @Sendable (RevisionChanges) -> Void) {
        self.observer = observer
    }

    var current: Place? { place.withLock { $0 } }

    /// Memory has been read anew, as of `position`.
    func begin(at position: Position) {
        place.withLock { place in
            place = Place(epoch: position.epoch, revision: position.revision, digest: nil)
        }
    }

    /// Brings revisions that follow one another.
    ///
    /// - Parameters:
    ///   - digest: of the last of them.
    ///   - missing: reads the revisions after the place and before the revision, which nobody has
    ///     brought yet.
    func bring(
        _ changes: [RevisionChanges], digest: [UInt8]?,
        missing: (_ after: Place, _ before: Revision) throws -> [RevisionChanges]
    ) rethrows {
        guard let first = changes.first?.revision else { return }
        try place.withLock { place in
            guard let now = place else { return }
            if now.revision.next < first {
                for change in try missing(now, first) { tell(change, &place) }
            }
            for change in changes { tell(change, &place) }
            if place?.revision == changes.last?.revision { place?.digest = digest }
        }
    }

    private func tell(_ changes: RevisionChanges, _ place: inout Place?) {
        guard let now = place?.revision, changes.revision == now.next else { return }
        observer(changes)
        place?.revision = changes.revision
        place?.digest = nil
    }
}
