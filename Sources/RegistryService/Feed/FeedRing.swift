import RegistryModel

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
