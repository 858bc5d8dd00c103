import RegistryModel

/// The revisions that a query can find anything in. Time never goes back along the log, so a bound
/// in time is a bound in revisions.
struct HistoryBounds: Sendable {
    let head: Revision
    /// Empty: `last` is before `first`.
    var first: Int64
    var last: Int64

    init(_ query: HistoryQuery, _ log: LogReads<some SQLSession>) throws {
        head = try log.headRevision()
        first = max(1, (query.afterRevision?.number ?? 0).addingOrMaximum(1))
        last = min(head.number, query.through?.number ?? .max)
        if let since = query.since {
            first = max(first, try log.firstRevision(since: since) ?? .max)
        }
        if let until = query.until {
            last = min(last, try log.lastRevision(before: until) ?? 0)
        }
        if let place = query.after?.revision.number {
            if query.order == .ascending {
                first = max(first, place)
            } else {
                last = min(last, place)
            }
        }
    }

    var range: ClosedRange<Int64>? { first <= last ? first...last : nil }
}

extension Int64 {
    fileprivate func addingOrMaximum(_ other: Int64) -> Int64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}

/// One page of history on its way: what was found, and where to go on.
///
/// The ways to the rows, each along an index that comes out in the order of the page: one domain's
/// changes; all revisions, where nothing but bounds is asked for; the revisions of one filter; and of
/// several filters only the revisions that all of them have in common. Where rows of the way may be
/// passed over, it's walked a stretch at a time. What is past doesn't change, so the steps needn't be
/// one transaction.
package struct HistoryWalk<Session: SQLSession>: ReadWalk {
    package typealias Source = Session

    package let query: HistoryQuery
    private var items: [HistoryItem] = []
    package private(set) var isDone = false
    private var bounds: HistoryBounds?
    /// The last place that was looked at; its revision is read to its end before the next one.
    private var after: HistoryQuery.Place?
    private let lists: [RevisionList]

    package init(_ query: HistoryQuery) {
        self.query = query
        after = query.after
        lists = query.fqdn == nil ? RevisionList.all(of: query) : []
    }

    /// The head at which it began.
    package var head: Revision { bounds?.head ?? .zero }

    package consuming func page() -> Read<Page<HistoryItem>> {
        Read(Page(first: query.limit, takenFrom: &items), at: head)
    }

    /// One row more than asked for tells whether there is a next page.
    private var missing: Int { query.limit == .max ? .max : query.limit + 1 - items.count }

    package mutating func advance(_ session: Session, _ budget: inout StepBudget) throws {
        let log = LogReads(session: session)
        if bounds == nil { bounds = try HistoryBounds(query, log) }
        repeat {
            guard let range = bounds?.range else { return isDone = true }
            if let place = after, range.contains(place.revision.number) {
                try readRevision(log, place.revision.number, after: place.position, &budget)
            } else if lists.count > 1 {
                guard let revision = try nextCommon(log, range, &budget) else { continue }
                try readRevision(log, revision, after: nil, &budget)
            } else if try read(log, path, range, after: nil, &budget) {
                isDone = true
            }
            if missing <= 0 { isDone = true }
        } while !isDone && !budget.isSpent
    }

    private var path: HistoryScope.Path {
        query.fqdn.map { .domain($0) } ?? lists.first.map { .list($0) } ?? .everything
    }

    /// Reads one revision's rows, and goes past it at its end.
    private mutating func readRevision(
        _ log: LogReads<Session>, _ revision: Int64, after position: Int?,
        _ budget: inout StepBudget
    ) throws {
        let path = query.fqdn.map { HistoryScope.Path.domain($0) } ?? .everything
        let isAtEnd: Bool
        if let count = try wholeCount(log, revision, after: position, budget) {
            let scope = HistoryScope(
                path: path, order: query.order, revisions: revision...revision)
            items += try log.items(scope, query, among: count, limit: missing)
            budget.take(count + Self.look)
            isAtEnd = true
        } else {
            isAtEnd = try read(log, path, revision...revision, after: position, &budget)
        }
        guard isAtEnd else { return }
        after = nil
        if query.order == .ascending {
            bounds?.first = revision + 1
        } else {
            bounds?.last = revision - 1
        }
    }

    /// - Returns: the revision's rows, where all of them are read at once; nil where it's one domain's,
    ///   whose rows have an index, or there are too many.
    private func wholeCount(
        _ log: LogReads<Session>, _ revision: Int64, after position: Int?, _ budget: StepBudget
    ) throws -> Int? {
        guard query.fqdn == nil, position == nil, !lists.isEmpty else { return nil }
        let count = try log.changeCount(of: revision)
        return count <= budget.rows ? count : nil
    }

    /// A look into an index costs what some rows in a row do.
    private static var look: Int { 8 }

    /// - Returns: whether that was the way's end.
    private mutating func read(
        _ log: LogReads<Session>, _ path: HistoryScope.Path, _ revisions: ClosedRange<Int64>,
        after position: Int?, _ budget: inout StepBudget
    ) throws -> Bool {
        let scope = HistoryScope(
            path: path, order: query.order, revisions: revisions, position: position)
        let found: [HistoryItem]
        var isAtEnd: Bool
        if passesOver(path) {
            let rows = max(1, budget.rows)
            let end = try log.place(of: rows, in: scope)
            found = try log.items(scope, query, among: rows, limit: missing)
            budget.take(rows)
            isAtEnd = end == nil
            after = end
        } else {
            let limit = min(missing, max(1, budget.rows))
            found = try log.items(scope, query, among: nil, limit: limit)
            budget.take(max(1, found.count))
            isAtEnd = found.count < limit
            after = found.last.map { .init(revision: $0.header.revision, position: $0.position) }
        }
        items += found
        return isAtEnd
    }

    /// Whether rows along the way may be no one's.
    private func passesOver(_ path: HistoryScope.Path) -> Bool {
        switch path {
        case .domain:
            query.actor != nil || query.action != nil || query.migration != nil
                || query.location != nil
        case .everything: !lists.isEmpty
        case .list(let list): list.source == .facet
        }
    }

    /// The next revision that is in every list: each list in turn says where it goes on from where
    /// the others are, so that the shortest one decides the number of steps.
    ///
    /// - Returns: nil where a list is at its end, or the budget is spent; what lies behind isn't looked at
    ///   again.
    private mutating func nextCommon(
        _ log: LogReads<Session>, _ range: ClosedRange<Int64>, _ budget: inout StepBudget
    ) throws -> Int64? {
        let isAscending = query.order == .ascending
        let end = isAscending ? range.upperBound : range.lowerBound
        var place = isAscending ? range.lowerBound : range.upperBound
        var agreeing = 0
        var turn = 0
        while agreeing < lists.count {
            guard turn == 0 || !budget.isSpent else { return nil }
            let next = try log.next(
                lists[turn % lists.count], from: place, through: end, query.order)
            budget.take(Self.look)
            turn += 1
            guard let next else {
                isDone = true
                return nil
            }
            agreeing = next == place ? agreeing + 1 : 1
            place = next
            if isAscending { bounds?.first = place } else { bounds?.last = place }
        }
        return place
    }
}

/// Revisions with something in common, in order: those of a token, of a migration, with an action, with a
/// location. Each is an index.
package struct RevisionList: Sendable, Hashable {
    package enum Source: Sendable {
        case actor, migration, facet
    }

    package let source: Source
    package let value: String

    package static func all(of query: HistoryQuery) -> [RevisionList] {
        [
            query.actor.map { RevisionList(source: .actor, value: $0) },
            query.migration.map { RevisionList(source: .migration, value: $0) },
            query.action.map { RevisionList(source: .facet, value: "action:\($0.rawValue)") },
            query.location.map { RevisionList(source: .facet, value: "location:\($0.text)") },
        ].compactMap(\.self)
    }
}

/// A stretch of the log along one index, in the order of a page.
package struct HistoryScope: Sendable {
    package enum Path: Sendable, Hashable {
        /// One domain's changes.
        case domain(FQDN)
        /// The changes of all revisions.
        case everything
        /// The changes of a list's revisions.
        case list(RevisionList)
    }

    package var path: Path
    package var order: HistoryQuery.Order
    /// Both included.
    package var revisions: ClosedRange<Int64>
    /// Of one revision: only what comes behind this position.
    package var position: Int?
}
