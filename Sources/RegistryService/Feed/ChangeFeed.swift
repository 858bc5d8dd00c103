import AsyncWaiting
import RegistryModel
import Synchronization

/// The newest revisions in memory, for those who follow the log, and who waits for the next.
///
/// Filled by the writer right after its table has taken a revision in; that costs it a reference and
/// waking two readers. Who is further behind than this reaches reads from the store.
public final class ChangeFeed: Sendable {
    private let ring: Mutex<FeedRing>
    private let waiters = Waiters<Void>()
    private let onlyEpoch = Mutex<Epoch?>(nil)

    /// - Parameter capacity: changes kept, at most; some 200 bytes each.
    public init(capacity: Int = 131_072) {
        ring = Mutex(FeedRing(capacity: capacity))
    }

    /// What has been published; nil until the table has been loaded.
    public var head: Position? { ring.withLock(\.head) }

    func begin(at position: Position) {
        ring.withLock { $0.begin(at: position) }
        waiters.wakeAll()
    }

    /// A revision that the table has. One that is here already is passed over.
    func publish(_ changes: RevisionChanges) {
        guard let gone = ring.withLock({ $0.add(changes) }) else { return }
        waiters.wakeAll()
        _ = consume gone
    }

    /// Waits until there is a revision after `revision`, or `isOver`.
    /// - Returns: false where `limit` came first. After `nudge()` there may be nothing new.
    public func waits(
        after revision: Revision, within limit: Duration, unless isOver: () -> Bool
    ) async -> Bool {
        await waiters.wait(for: (), within: limit) {
            isOver() || (head?.revision ?? .zero) > revision
        } == .woken
    }

    /// Lets everybody who waits look again.
    public func nudge() {
        waiters.wakeAll()
    }

    /// Whether somebody has found that the log has never had another.
    func isOnlyEpoch(_ epoch: Epoch) -> Bool { onlyEpoch.withLock { $0 == epoch } }

    func noteOnlyEpoch(_ epoch: Epoch) { onlyEpoch.withLock { $0 = epoch } }

    func slice(after revision: Revision, through last: Revision, limit: Int) -> [FeedRevision]? {
        ring.withLock { $0.slice(after: revision, through: last, limit: limit) }
    }
}
