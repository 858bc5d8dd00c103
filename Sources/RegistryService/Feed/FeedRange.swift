import RegistryModel

/// Whole revisions of the feed: those after `from` up to `to`.
public struct FeedRange: Sendable {
    public enum Source: Sendable {
        /// From memory, one after the other.
        case ring([FeedRevision])
        /// From the store: the first changes. Where `hasMore`, the last one's revision goes on.
        case log([TableChange], hasMore: Bool)
    }

    public var epoch: Epoch
    public var from: Revision
    public var to: Revision
    /// The feed's as this was read.
    public var head: Revision
    public var source: Source

    public var isEmpty: Bool { from == to }
}

extension RegistryService {
    /// The feed after a position: revisions that hold about `limit` changes, or one that holds more.
    ///
    /// - Parameter last: no revision after this one.
    /// - Throws: `resync` where there is no way from the position to the head.
    public func feed(
        after position: Position, through last: Revision? = nil, limit: Int
    ) async throws(RegistryError) -> FeedRange {
        let from = position.revision
        let head = try feedHead(after: position)
        var range = FeedRange(
            epoch: head.epoch, from: from, to: from, head: head.revision, source: .ring([]))
        let last = min(last ?? head.revision, head.revision)
        guard from < last else { return range }
        if let slice = state.feed.slice(after: from, through: last, limit: limit) {
            range.to = slice.last?.revision ?? from
            range.source = .ring(slice)
            return range
        }
        // Positions are numbered from 0: this is behind the last change of `from`.
        let page = try await store.tableChanges(
            after: .init(revision: from, position: .max), through: last, limit: limit)
        range.to = page.hasMore ? page.items.last?.place.revision ?? from : last
        range.source = .log(page.items, hasMore: page.hasMore)
        return range
    }

    /// Whether the feed after a position is read from memory alone.
    /// - Throws: `resync` where there is no way from the position to the head.
    public func hasInMemory(feedAfter position: Position) throws(RegistryError) -> Bool {
        let head = try feedHead(after: position)
        guard position.revision < head.revision else { return true }
        return state.feed.slice(
            after: position.revision, through: position.revision.next, limit: 1) != nil
    }

    /// The rest of the revision at which a stretch from the store was cut.
    public func feed(
        restOf range: FeedRange, after place: HistoryQuery.Place, limit: Int
    ) async throws(RegistryError) -> Page<TableChange> {
        try await store.tableChanges(after: place, through: range.to, limit: limit)
    }

    /// Looks whether a revision without an epoch can mean one thing only: a log that was restored has
    /// revisions that other logs have too, with other changes.
    ///
    /// - Throws: `resync` where the log has had more than one epoch.
    public func checkHasOneEpoch() async throws(RegistryError) {
        let epoch = try position().epoch
        guard !state.feed.isOnlyEpoch(epoch) else { return }
        let first = try await store.history(HistoryQuery(order: .ascending, limit: 1)).value.items
            .first
        guard first.map({ $0.header.epoch == epoch }) ?? true else {
            throw .resync(
                "this log has had more than one epoch, it's \(epoch) now: say which one the revision is of"
            )
        }
        state.feed.noteOnlyEpoch(epoch)
    }

    /// Waits for a position that another node has told its reader: this node may be some milliseconds
    /// behind it.
    ///
    /// - Throws: `revisionNotReached` after `limit`. A position that isn't in the log isn't waited for.
    public func feedReaches(
        _ position: Position, within limit: Duration
    ) async throws(RegistryError) {
        guard let here = state.feed.head, here.epoch == position.epoch,
            here.revision < position.revision, let shared = store as? any SharedStore
        else { return }
        let log = try await shared.head()
        guard log.epoch == position.epoch, position.revision <= log.revision else { return }
        let deadline = ContinuousClock.now + limit
        while let now = state.feed.head?.revision, now < position.revision {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero, !Task.isCancelled else {
                throw .revisionNotReached(position.revision, now: now)
            }
            _ = await state.feed.waits(after: now, within: left) { false }
        }
    }

    /// Where the feed ends.
    /// - Throws: `notReady`; `resync` where no reader can be at the position.
    public func feedHead(after position: Position) throws(RegistryError) -> Position {
        guard let head = state.feed.head else { throw .notReady }
        guard position.epoch == head.epoch else {
            throw .resync("the epoch is \(head.epoch) now: the store is another one")
        }
        guard position.revision <= head.revision else {
            throw .resync(
                "revision \(position.revision) isn't there; the last one is \(head.revision)")
        }
        return head
    }
}
