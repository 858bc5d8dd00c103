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

/// The newest revisions, one after the other, bounded by what they hold.
struct FeedRing {
    /// Changes kept, at most; a revision without any counts as one.
    private let capacity: Int
    /// Nil for those that are gone.
    private var revisions: [FeedRevision?] = []
    /// Where in `revisions` the oldest one stands: those before it are cleared away later.
    private var start = 0
    private var weight = 0
    private(set) var head: Position?

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Parameter position: what the table holds.
    mutating func begin(at position: Position) {
        revisions = []
        (start, weight) = (0, 0)
        head = position
    }

    /// Where a revision in between is missing, what is here ends, and readers find the rest in the store.
    ///
    /// - Returns: what fell out of the ring, for the caller to let go of outside its lock: a large wave
    ///   takes a while. Nil for a revision that is here already.
    mutating func add(_ changes: RevisionChanges) -> [FeedRevision]? {
        guard let head, changes.revision > head.revision else { return nil }
        let position = Position(epoch: head.epoch, revision: changes.revision)
        if changes.revision == head.revision.next {
            self.head = position
        } else {
            let gone = revisions.compactMap(\.self)
            begin(at: position)
            return gone
        }
        let new = FeedRevision(changes)
        revisions.append(new)
        weight += Self.weight(new)
        var gone: [FeedRevision] = []
        while weight > capacity, let oldest = oldest {
            weight -= Self.weight(oldest)
            gone.append(oldest)
            revisions[start] = nil
            start += 1
        }
        // Seldom, so that adding one doesn't take longer the more there are.
        if start > revisions.count / 2 {
            revisions.removeFirst(start)
            start = 0
        }
        return gone
    }

    /// The revisions after one, up to `last`, until they hold `limit` changes.
    /// - Returns: nil where the ring doesn't reach back so far.
    func slice(after revision: Revision, through last: Revision, limit: Int) -> [FeedRevision]? {
        guard let oldest, revision.number >= oldest.revision.number - 1 else { return nil }
        var found: [FeedRevision] = []
        var count = 0
        let first = start + Int(revision.number + 1 - oldest.revision.number)
        for next in revisions[min(first, revisions.count)...] {
            guard let next, next.revision <= last, count < limit else { break }
            found.append(next)
            count += Self.weight(next)
        }
        return found
    }

    private var oldest: FeedRevision? { start < revisions.count ? revisions[start] : nil }

    private static func weight(_ revision: FeedRevision) -> Int { max(1, revision.count) }
}

/// One revision as the feed keeps it, with its bytes once somebody has asked for them.
///
/// However many readers there are, a small revision is encoded once. Of a large one only the pieces
/// that were read last are kept: readers that keep up with each other share them.
public final class FeedRevision: Sendable {
    public let changes: RevisionChanges
    private let pieces = Mutex(FeedChunks())

    /// Changes in one piece: some 90 KiB.
    public static let pieceSize = 512
    /// Pieces kept of each revision: some 700 KiB.
    private static let keptPieces = 8

    init(_ changes: RevisionChanges) {
        self.changes = changes
    }

    public var revision: Revision { changes.revision }

    /// Of domains and locations.
    public var count: Int { changes.domains.count + changes.locations.count }

    public var pieceCount: Int { (count + Self.pieceSize - 1) / Self.pieceSize }

    /// Which of all changes are in a piece; those of locations come after those of domains.
    public func range(ofPiece number: Int) -> Range<Int> {
        let start = number * Self.pieceSize
        return start..<min(start + Self.pieceSize, count)
    }

    /// Those of a piece that somebody has encoded, and that hasn't made room for others.
    public func bytes(ofPiece number: Int) -> [UInt8]? {
        pieces.withLock { $0.find(number) }
    }

    public func keep(_ bytes: [UInt8], ofPiece number: Int) {
        pieces.withLock { $0.keep(bytes, number, atMost: Self.keptPieces) }
    }
}

/// Bytes of the pieces that were read last.
private struct FeedChunks {
    /// The last used one last.
    private var kept: [(number: Int, bytes: [UInt8])] = []

    mutating func find(_ number: Int) -> [UInt8]? {
        guard let place = kept.firstIndex(where: { $0.number == number }) else { return nil }
        let piece = kept[place]
        if place != kept.count - 1 {
            kept.remove(at: place)
            kept.append(piece)
        }
        return piece.bytes
    }

    mutating func keep(_ bytes: [UInt8], _ number: Int, atMost limit: Int) {
        guard !kept.contains(where: { $0.number == number }) else { return }
        if kept.count == limit { kept.removeFirst() }
        kept.append((number, bytes))
    }
}
