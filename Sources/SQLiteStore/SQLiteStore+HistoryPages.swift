import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    /// Reads in one transaction after the other where filters have to look at very many revisions:
    /// what is past doesn't change, and a long reader would hold up checkpoints.
    public func history(
        _ query: HistoryQuery
    ) async throws(RegistryError) -> Read<Page<HistoryItem>> {
        var search = try await reading { db in
            var search = HistorySearch(query, try HistoryBounds(query, db))
            try search.advance(db)
            return search
        }
        while !search.isDone {
            search = try await reading { [search] db in
                var search = search
                try search.advance(db)
                return search
            }
        }
        let head = search.bounds.head
        let hasMore = search.items.count > query.limit
        if hasMore { search.items.removeLast(search.items.count - query.limit) }
        return Read(Page(items: search.items, hasMore: hasMore), at: head)
    }
}

/// The revisions that a query can find anything in. Time never goes back along the log, so a bound
/// in time is a bound in revisions.
struct HistoryBounds: Sendable {
    let head: Revision
    /// Empty: `last` is before `first`.
    var first: Int64
    var last: Int64

    init(_ query: HistoryQuery, _ db: Database) throws {
        head = try Head.read(db).revision
        first = max(1, (query.afterRevision?.number ?? 0).advanced(by: 1))
        last = min(head.number, query.through?.number ?? .max)
        if let since = query.since {
            let found = try Int64.fetchOne(
                try db.cachedStatement(
                    sql:
                        "SELECT revision FROM revision_log WHERE at >= ? ORDER BY at, revision LIMIT 1"
                ),
                arguments: [since.milliseconds])
            first = max(first, found ?? .max)
        }
        if let until = query.until {
            let found = try Int64.fetchOne(
                try db.cachedStatement(
                    sql: """
                        SELECT revision FROM revision_log WHERE at < ?
                        ORDER BY at DESC, revision DESC LIMIT 1
                        """), arguments: [until.milliseconds])
            last = min(last, found ?? 0)
        }
        if let place = query.after?.revision.number {
            if query.order == .ascending {
                first = max(first, place)
            } else {
                last = min(last, place)
            }
        }
    }

    var isEmpty: Bool { last < first }
}

/// One page on its way: what was found, and where to go on.
///
/// Three ways to the rows, each along an index that comes out in the order of the page. One
/// domain's changes; all revisions, where nothing but bounds is asked for; and, for filters that
/// hold for whole revisions, only the revisions that all of these filters have in common.
struct HistorySearch: Sendable {
    let query: HistoryQuery
    var bounds: HistoryBounds
    var items: [HistoryItem] = []
    private(set) var isDone = false
    private let facets: [RevisionList]

    /// Candidates looked at in one transaction: some 50 ms.
    private static let candidatesAtOnce = 5_000

    init(_ query: HistoryQuery, _ bounds: HistoryBounds) {
        self.query = query
        self.bounds = bounds
        facets = query.fqdn == nil ? RevisionList.all(of: query) : []
    }

    /// One row more than asked for tells whether there is a next page.
    private var missing: Int { query.limit + 1 - items.count }

    mutating func advance(_ db: Database) throws {
        guard !bounds.isEmpty else { return isDone = true }
        guard !facets.isEmpty else {
            items += try rows(db, from: bounds.first, through: bounds.last)
            return isDone = true
        }
        for _ in 0..<Self.candidatesAtOnce {
            guard let revision = try nextCandidate(db) else { return isDone = true }
            items += try rows(db, from: revision, through: revision)
            if query.order == .ascending {
                bounds.first = revision + 1
            } else {
                bounds.last = revision - 1
            }
            guard missing > 0, !bounds.isEmpty else { return isDone = true }
        }
    }

    /// The next revision that is in every list: each list in turn says where it goes on from where
    /// the others are, so that the shortest one decides the number of steps.
    private mutating func nextCandidate(_ db: Database) throws -> Int64? {
        let isAscending = query.order == .ascending
        var place = isAscending ? bounds.first : bounds.last
        var agreeing = 0
        var turn = 0
        while agreeing < facets.count {
            let next = try facets[turn % facets.count].next(
                db, from: place, through: isAscending ? bounds.last : bounds.first,
                ascending: isAscending)
            guard let next else { return nil }
            agreeing = next == place ? agreeing + 1 : 1
            place = next
            turn += 1
        }
        return place
    }

    private func rows(
        _ db: Database, from first: Int64, through last: Int64
    ) throws -> [HistoryItem] {
        let isOfDomain = query.fqdn != nil
        // By the outer table's own column: by the inner one's, SQLite sorts the whole log a page.
        let revision = isOfDomain ? "c.revision" : "r.revision"
        var filter = Filter()
        filter.add("\(revision) >= ?", first)
        filter.add("\(revision) <= ?", last)
        if let after = query.after {
            let sign = query.order == .ascending ? ">" : "<"
            filter.add("(c.revision, c.position) \(sign) (?, ?)", after)
        }
        filter.add("c.fqdn = ?", query.fqdn?.text)
        filter.add("c.action = ?", query.action?.rawValue)
        filter.add("r.actor_token = ?", query.actor)
        filter.add("r.migration = ?", query.migration)
        if let location = query.location {
            filter.add("(c.before_location = ?1s OR c.after_location = ?1s)", twice: location.text)
        }
        // CROSS JOIN keeps the order of the loops, so that the page comes out sorted and stops at
        // its limit.
        let tables =
            isOfDomain
            ? "change_log c CROSS JOIN revision_log r ON r.revision = c.revision"
            : "revision_log r CROSS JOIN change_log c ON c.revision = r.revision"
        let direction = query.order == .ascending ? "ASC" : "DESC"
        filter.bind(missing)
        let rows = try Row.fetchCursor(
            try db.cachedStatement(
                sql: """
                    SELECT \(HistoryItem.columns) FROM \(tables) \(filter.clause)
                    ORDER BY \(revision) \(direction), c.position \(direction) LIMIT ?
                    """), arguments: filter.arguments)
        var found: [HistoryItem] = []
        while let row = try rows.next() { found.append(try HistoryItem(row: row)) }
        return found
    }
}

/// Revisions with something in common, in order: those of a token, of a migration, with an action,
/// with a location. Each is an index.
struct RevisionList: Sendable {
    /// The condition's own text; the value is bound.
    let source: StaticString
    let value: String

    static func all(of query: HistoryQuery) -> [RevisionList] {
        var lists: [RevisionList] = []
        if let actor = query.actor {
            lists.append(RevisionList(source: "revision_log WHERE actor_token", value: actor))
        }
        if let migration = query.migration {
            lists.append(RevisionList(source: "revision_log WHERE migration", value: migration))
        }
        if let action = query.action {
            lists.append(
                RevisionList(
                    source: "revision_facet WHERE facet", value: "action:\(action.rawValue)"))
        }
        if let location = query.location {
            lists.append(
                RevisionList(
                    source: "revision_facet WHERE facet", value: "location:\(location.text)"))
        }
        return lists
    }

    /// The first revision of the list from `place` on, towards `end`, both included.
    func next(
        _ db: Database, from place: Int64, through end: Int64, ascending: Bool
    ) throws -> Int64? {
        let (low, high) = ascending ? (place, end) : (end, place)
        return try Int64.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT revision FROM \(source) = ? AND revision BETWEEN ? AND ?
                    ORDER BY revision \(ascending ? "ASC" : "DESC") LIMIT 1
                    """), arguments: [value, low, high])
    }
}
