import RegistryLedger
import RegistryModel

/// The log, as pages of history read it. Each of these is one statement along an index.
struct LogReads<Session: SQLSession> {
    let session: Session

    func headRevision() throws -> Revision { try Head.read(session).revision }

    /// The first revision that isn't before `time`.
    func firstRevision(since time: Timestamp) throws -> Int64? {
        try session.first(
            "SELECT revision FROM revision_log WHERE at >= $1 ORDER BY at, revision LIMIT 1",
            [.number(time.milliseconds)]
        ) { try $0.number(0) }
    }

    /// The last revision before `time`.
    func lastRevision(before time: Timestamp) throws -> Int64? {
        try session.first(
            "SELECT revision FROM revision_log WHERE at < $1 ORDER BY at DESC, revision DESC LIMIT 1",
            [.number(time.milliseconds)]
        ) { try $0.number(0) }
    }

    /// The first revision of the list from `place` on, towards `end`, both included.
    func next(
        _ list: RevisionList, from place: Int64, through end: Int64, _ order: HistoryQuery.Order
    ) throws -> Int64? {
        var filter = SQLFilter()
        let revisions = list.revisions(
            min(place, end)...max(place, end), order, limit: 1, &filter)
        return try session.first(revisions, filter.values) { try $0.number(0) }
    }

    /// How many changes a revision has.
    func changeCount(of revision: Int64) throws -> Int {
        try session.first(
            "SELECT change_count FROM revision_log WHERE revision = $1", [.number(revision)]
        ) { try $0.integer(0) } ?? 0
    }

    /// The place of a scope's row, counted from 1; nil where it has fewer.
    func place(of row: Int, in scope: HistoryScope) throws -> HistoryQuery.Place? {
        var filter = SQLFilter()
        let way = scope.way(row, &filter, Session.dialect)
        let clause = filter.clause
        let skipped = filter.bind(.number(row - 1))
        return try session.first(
            """
            SELECT l.revision, l.position FROM \(way.tables) \(clause)
            ORDER BY \(way.order) LIMIT 1 OFFSET \(skipped)
            """, filter.values
        ) { HistoryQuery.Place(revision: try $0.revision(0), position: try $0.integer(1)) }
    }

    /// The scope's rows that all of the query's filters take, at most `limit`.
    ///
    /// - Parameter rows: how many of the scope are looked at; nil: all, for each is taken.
    func items(
        _ scope: HistoryScope, _ query: HistoryQuery, among rows: Int?, limit: Int
    ) throws -> [HistoryItem] {
        var reader = HistoryReader()
        var filter = SQLFilter()
        let way = scope.way(rows ?? limit, &filter, Session.dialect, withHeaders: true)
        let clause = filter.clause
        let all = """
            SELECT \(HistoryItem.columns) FROM \(way.tables) \(clause)
            ORDER BY \(way.order) LIMIT \(filter.bind(.number(rows ?? limit)))
            """
        guard rows != nil else {
            return try session.rows(all, filter.values) { try reader.item($0) }
        }
        // The inner limit ends the walk; its order is the outer one's.
        filter = filter.withoutConditions
        filter.add("action = ?", query.action?.rawValue)
        filter.add("actor_token = ?", query.actor)
        filter.add("migration = ?", query.migration)
        filter.add("(before_location = ? OR after_location = ?)", query.location?.text)
        let wanted = filter.clause
        let place = filter.bind(.number(limit))
        return try session.rows(
            """
            SELECT * FROM (\(all)) AS looked \(wanted)
            \(Session.dialect.again(scope.order.places)) LIMIT \(place)
            """, filter.values
        ) { try reader.item($0) }
    }
}

extension HistoryScope {
    /// The tables that a scope's changes `l` come from, with their headers `r` where they're wanted, in an order along
    /// an index.
    ///
    /// SQLite keeps the order of the loops, and sees that the rows come sorted: revisions are the outer one where each of
    /// them is wanted, so that a wave's header is looked up once. To PostgreSQL the order is the changes' own.
    ///
    /// - Parameters:
    ///   - rows: of the scope that are wanted.
    ///   - filter: gets the bounds.
    fileprivate func way(
        _ rows: Int, _ filter: inout SQLFilter, _ dialect: SQLDialect, withHeaders: Bool = false
    ) -> (tables: String, order: String) {
        let headers = withHeaders ? " CROSS JOIN revision_log r" : ""
        var (tables, revision) = ("change_log l\(headers)", "l.revision")
        switch (path, dialect) {
        case (.domain(let fqdn), _):
            filter.add("l.fqdn = ?", fqdn.text)
        case (.everything, .sqlite) where withHeaders:
            (tables, revision) = ("revision_log r CROSS JOIN change_log l", "r.revision")
        case (.everything, _):
            break
        case (.list(let list), .sqlite):
            let (table, column) = list.index
            let isHeader = list.source != .facet
            let name = isHeader ? "r" : "f"
            tables =
                "\(table) \(name)\(list.hint(dialect))\(isHeader ? "" : headers) CROSS JOIN change_log l"
            revision = "\(name).revision"
            filter.add("\(name).\(column) = ?", list.value)
        case (.list(let list), .postgres):
            if withHeaders { filter.add("r.revision = l.revision") }
            return (changes(of: list, rows, &filter) + headers, places(revision))
        }
        if withHeaders, revision != "r.revision" { filter.add("r.revision = \(revision)") }
        if revision != "l.revision" { filter.add("l.revision = \(revision)") }
        filter.add("\(revision) >= ?", revisions.lowerBound)
        filter.add("\(revision) <= ?", revisions.upperBound)
        filter.add(
            order == .ascending ? "l.position > ?" : "l.position < ?", position.map(Int64.init))
        return (tables, places(revision))
    }

    private func places(_ revision: String) -> String {
        "\(revision) \(order.direction), l.position \(order.direction)"
    }

    /// PostgreSQL would sort a whole wave's changes before it gives the first one: a limit inside each revision's loop
    /// ends it. SQLite has no LATERAL.
    private func changes(
        of list: RevisionList, _ rows: Int, _ filter: inout SQLFilter
    ) -> String {
        let limit = "LIMIT \(filter.bind(.number(rows)))"
        let found = list.revisions(revisions, order, limit: rows, &filter)
        return """
            (SELECT l.* FROM (\(found)) AS f CROSS JOIN LATERAL (
                SELECT * FROM change_log l WHERE l.revision = f.revision
                ORDER BY l.position \(order.direction) \(limit)) AS l \(limit)) AS l
            """
    }
}

extension RevisionList {
    /// Where it stands in order.
    fileprivate var index: (table: String, column: String) {
        switch source {
        case .actor: ("revision_log", "actor_token")
        case .migration: ("revision_log", "migration")
        case .facet: ("revision_facet", "facet")
        }
    }

    fileprivate func hint(_ dialect: SQLDialect) -> String {
        switch source {
        case .actor: dialect.indexed(by: "revision_log_by_actor")
        case .migration: dialect.indexed(by: "revision_log_by_migration")
        case .facet: ""
        }
    }

    /// Its revisions in a range, as a statement. Value and revision are compared as one, for then the list's own index
    /// is PostgreSQL's only way: with the value alone, it may rather go through all revisions, in the hope of meeting
    /// the value soon.
    fileprivate func revisions(
        _ range: ClosedRange<Int64>, _ order: HistoryQuery.Order, limit: Int,
        _ filter: inout SQLFilter
    ) -> String {
        let (table, column) = index
        let text = filter.bind(.text(value))
        let (first, last) = (
            filter.bind(.number(range.lowerBound)), filter.bind(.number(range.upperBound))
        )
        return """
            SELECT revision FROM \(table) WHERE \(column) IS NOT NULL
                AND (\(column), revision) >= (\(text), \(first))
                AND (\(column), revision) <= (\(text), \(last))
            ORDER BY \(column) \(order.direction), revision \(order.direction)
            LIMIT \(filter.bind(.number(limit)))
            """
    }
}

extension HistoryQuery.Order {
    fileprivate var direction: String { self == .ascending ? "ASC" : "DESC" }
    fileprivate var places: String { "revision \(direction), position \(direction)" }
}
