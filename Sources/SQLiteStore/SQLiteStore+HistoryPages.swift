import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    public func history(
        _ query: HistoryQuery
    ) async throws(RegistryError) -> Read<Page<HistoryItem>> {
        try await walking(
            HistoryDatabaseWalk(walk: HistoryWalk(query)),
            isPage: query.limit <= ReadLanes.pageSize
        ).walk.page
    }
}

/// The walk of a page along SQLite's log.
private struct HistoryDatabaseWalk: ReadWalk {
    var walk: HistoryWalk<SQLiteHistory>

    var isDone: Bool { walk.isDone }

    mutating func advance(_ db: Database, _ budget: inout StepBudget) throws {
        try walk.advance(SQLiteHistory(db: db), &budget)
    }
}

struct SQLiteHistory: HistoryRows {
    let db: Database

    func headRevision() throws -> Revision { try Head.read(db).revision }

    func firstRevision(since time: Timestamp) throws -> Int64? {
        try Int64.fetchOne(
            try db.cachedStatement(
                sql: "SELECT revision FROM revision_log WHERE at >= ? ORDER BY at, revision LIMIT 1"
            ), arguments: [time.milliseconds])
    }

    func lastRevision(before time: Timestamp) throws -> Int64? {
        try Int64.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT revision FROM revision_log WHERE at < ?
                    ORDER BY at DESC, revision DESC LIMIT 1
                    """), arguments: [time.milliseconds])
    }

    func next(
        _ list: RevisionList, from place: Int64, through end: Int64, _ order: HistoryQuery.Order
    ) throws -> Int64? {
        let (low, high) = order == .ascending ? (place, end) : (end, place)
        return try Int64.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT revision FROM \(list.source.condition) = ? AND revision BETWEEN ? AND ?
                    ORDER BY revision \(order.direction) LIMIT 1
                    """), arguments: [list.value, low, high])
    }

    func changeCount(of revision: Int64) throws -> Int {
        try Int.fetchOne(
            try db.cachedStatement(
                sql: "SELECT change_count FROM revision_log WHERE revision = ?"),
            arguments: [revision]) ?? 0
    }

    func place(of row: Int, in scope: HistoryScope) throws -> HistoryQuery.Place? {
        var filter = Filter()
        let way = scope.way(&filter)
        filter.bind(row - 1)
        return try Row.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT c.revision, c.position FROM \(way.tables) \(filter.clause)
                    ORDER BY \(way.order) LIMIT 1 OFFSET ?
                    """), arguments: filter.arguments
        ).map { HistoryQuery.Place(revision: Revision($0[0]), position: $0[1]) }
    }

    func items(
        _ scope: HistoryScope, _ query: HistoryQuery, among rows: Int?, limit: Int
    ) throws -> [HistoryItem] {
        var filter = Filter()
        let way = scope.way(&filter)
        guard let rows else {
            filter.bind(limit)
            return try items(
                """
                SELECT \(HistoryItem.columns) FROM \(way.tables) \(filter.clause)
                ORDER BY \(way.order) LIMIT ?
                """, filter)
        }
        // The inner limit ends the walk; its order is the outer one's.
        let inner = filter.clause
        filter.bind(rows)
        var outer = Filter()
        outer.add("action = ?", query.action?.rawValue)
        outer.add("actor_token = ?", query.actor)
        outer.add("migration = ?", query.migration)
        if let location = query.location {
            outer.add("(before_location = ?1s OR after_location = ?1s)", twice: location.text)
        }
        filter.bind(outer)
        filter.bind(limit)
        return try items(
            """
            SELECT * FROM (SELECT \(HistoryItem.columns) FROM \(way.tables) \(inner)
                ORDER BY \(way.order) LIMIT ?) \(outer.clause) LIMIT ?
            """, filter)
    }

    private func items(_ sql: String, _ filter: Filter) throws -> [HistoryItem] {
        let rows = try Row.fetchCursor(
            try db.cachedStatement(sql: sql), arguments: filter.arguments)
        var found: [HistoryItem] = []
        while let row = try rows.next() { found.append(try HistoryItem(row: row)) }
        return found
    }
}

extension HistoryScope {
    /// Adds what bounds the scope.
    /// - Returns: its tables, headers `r` and changes `c`, and their order. CROSS JOIN keeps the order of
    ///   the loops, so that the rows come out sorted and stop at their limit. By the outer table's own
    ///   column: by an inner one's, SQLite sorts the whole log.
    fileprivate func way(_ filter: inout Filter) -> (tables: String, order: String) {
        let (tables, revision) = tables
        switch path {
        case .domain(let fqdn): filter.add("c.fqdn = ?", fqdn.text)
        case .list(let list): filter.add("\(list.source.column) = ?", list.value)
        case .everything: break
        }
        // One bound at each end: of two, SQLite takes either to its index.
        filter.add("\(revision) >= ?", revisions.lowerBound)
        filter.add("\(revision) <= ?", revisions.upperBound)
        filter.add(order == .ascending ? "c.position > ?" : "c.position < ?", position)
        return (tables, "\(revision) \(order.direction), c.position \(order.direction)")
    }

    private var tables: (tables: String, revision: String) {
        let changes = "CROSS JOIN change_log c ON c.revision = r.revision"
        return switch path {
        case .domain:
            ("change_log c CROSS JOIN revision_log r ON r.revision = c.revision", "c.revision")
        case .everything: ("revision_log r \(changes)", "r.revision")
        case .list(let list):
            switch list.source {
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
}

extension RevisionList.Source {
    /// The condition's own text; the value is bound.
    fileprivate var condition: String {
        switch self {
        case .actor: "revision_log WHERE actor_token"
        case .migration: "revision_log WHERE migration"
        case .facet: "revision_facet WHERE facet"
        }
    }

    fileprivate var column: String {
        switch self {
        case .actor: "r.actor_token"
        case .migration: "r.migration"
        case .facet: "f.facet"
        }
    }
}

extension HistoryQuery.Order {
    fileprivate var direction: String { self == .ascending ? "ASC" : "DESC" }
}
