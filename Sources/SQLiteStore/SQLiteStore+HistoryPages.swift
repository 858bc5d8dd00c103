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
/// The ways to the rows, each along an index that comes out in the order of the page: one domain's
/// changes; all revisions, where nothing but bounds is asked for; the revisions of one filter; and of
/// several filters only the revisions that all of them have in common.
struct HistorySearch: Sendable {
    let query: HistoryQuery
    var bounds: HistoryBounds
    var items: [HistoryItem] = []
    private(set) var isDone = false
    private let facets: [RevisionList]

    /// Steps from list to list in one transaction: a few milliseconds.
    private static let stepsAtOnce = 500

    init(_ query: HistoryQuery, _ bounds: HistoryBounds) {
        self.query = query
        self.bounds = bounds
        facets = query.fqdn == nil ? RevisionList.all(of: query) : []
    }

    /// One row more than asked for tells whether there is a next page.
    private var missing: Int { query.limit + 1 - items.count }

    mutating func advance(_ db: Database) throws {
        guard !bounds.isEmpty else { return isDone = true }
        guard facets.count > 1 else {
            items += try rows(db, along: facets.first, from: bounds.first, through: bounds.last)
            return isDone = true
        }
        var steps = Self.stepsAtOnce
        while let revision = try nextCandidate(db, &steps) {
            items += try rows(db, along: nil, from: revision, through: revision)
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
    ///
    /// - Returns: nil where a list is at its end, or no step is left; what lies behind isn't looked at
    ///   again.
    private mutating func nextCandidate(_ db: Database, _ steps: inout Int) throws -> Int64? {
        let isAscending = query.order == .ascending
        var place = isAscending ? bounds.first : bounds.last
        var agreeing = 0
        while agreeing < facets.count {
            guard steps > 0 else { return nil }
            let next = try facets[steps % facets.count].next(
                db, from: place, through: isAscending ? bounds.last : bounds.first,
                ascending: isAscending)
            guard let next else {
                isDone = true
                return nil
            }
            agreeing = next == place ? agreeing + 1 : 1
            place = next
            steps -= 1
            if isAscending { bounds.first = place } else { bounds.last = place }
        }
        return place
    }

    /// - Parameter list: whose revisions; nil: all.
    private func rows(
        _ db: Database, along list: RevisionList?, from first: Int64, through last: Int64
    ) throws -> [HistoryItem] {
        // CROSS JOIN keeps the order of the loops, so that the page comes out sorted and stops at
        // its limit. By the outer table's own column: by an inner one's, SQLite sorts the whole log.
        let (tables, revision) =
            if query.fqdn != nil {
                ("change_log c CROSS JOIN revision_log r ON r.revision = c.revision", "c.revision")
            } else {
                list?.source.joined
                    ?? (
                        "revision_log r CROSS JOIN change_log c ON c.revision = r.revision",
                        "r.revision"
                    )
            }
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
        if let list, list.source == .facet { filter.add("f.facet = ?", list.value) }
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
    enum Source: Sendable {
        case actor, migration, facet

        /// The condition's own text; the value is bound.
        fileprivate var condition: String {
            switch self {
            case .actor: "revision_log WHERE actor_token"
            case .migration: "revision_log WHERE migration"
            case .facet: "revision_facet WHERE facet"
            }
        }

        /// The list with headers `r` and changes `c`, and what it's ordered by.
        fileprivate var joined: (tables: String, revision: String) {
            let changes = "CROSS JOIN change_log c ON c.revision = r.revision"
            return switch self {
            case .actor:
                ("revision_log r INDEXED BY revision_log_by_actor \(changes)", "r.revision")
            case .migration:
                ("revision_log r INDEXED BY revision_log_by_migration \(changes)", "r.revision")
            case .facet:
                (
                    "revision_facet f CROSS JOIN revision_log r ON r.revision = f.revision \(changes)",
                    "f.revision"
                )
            }
        }
    }

    let source: Source
    let value: String

    static func all(of query: HistoryQuery) -> [RevisionList] {
        [
            query.actor.map { RevisionList(source: .actor, value: $0) },
            query.migration.map { RevisionList(source: .migration, value: $0) },
            query.action.map { RevisionList(source: .facet, value: "action:\($0.rawValue)") },
            query.location.map { RevisionList(source: .facet, value: "location:\($0.text)") },
        ].compactMap(\.self)
    }

    /// The first revision of the list from `place` on, towards `end`, both included.
    func next(
        _ db: Database, from place: Int64, through end: Int64, ascending: Bool
    ) throws -> Int64? {
        let (low, high) = ascending ? (place, end) : (end, place)
        return try Int64.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT revision FROM \(source.condition) = ? AND revision BETWEEN ? AND ?
                    ORDER BY revision \(ascending ? "ASC" : "DESC") LIMIT 1
                    """), arguments: [value, low, high])
    }
}
