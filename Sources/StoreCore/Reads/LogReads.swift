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
        let changes = scope.changes(row, &filter, Session.dialect)
        let skipped = filter.bind(.number(row - 1))
        return try session.first(
            """
            SELECT looked.revision, looked.position FROM \(changes) AS looked
            \(Session.dialect.again(scope.order.places)) LIMIT 1 OFFSET \(skipped)
            """, filter.values
        ) { HistoryQuery.Place(revision: try $0.revision(0), position: try $0.integer(1)) }
    }

    /// The scope's rows that all of the query's filters take, at most `limit`.
    ///
    /// - Parameter rows: how many of the scope are looked at; nil: all, for each is taken.
    func items(
        _ scope: HistoryScope, _ query: HistoryQuery, among rows: Int?, limit: Int
    ) throws -> [HistoryItem] {
        var filter = SQLFilter()
        let changes = scope.changes(rows ?? limit, &filter, Session.dialect)
        filter.add("r.revision = looked.revision")
        if rows != nil {
            filter.add("looked.action = ?", query.action?.rawValue)
            filter.add("r.actor_token = ?", query.actor)
            filter.add("r.migration = ?", query.migration)
            filter.add(
                "(looked.before_location = ? OR looked.after_location = ?)", query.location?.text)
        }
        let clause = filter.clause
        let place = filter.bind(.number(limit))
        return try session.rows(
            """
            SELECT \(HistoryItem.columns("looked", "r"))
            FROM \(changes) AS looked CROSS JOIN revision_log r \(clause)
            \(Session.dialect.again(scope.order.places)) LIMIT \(place)
            """, filter.values, HistoryItem.init(row:))
    }
}

extension HistoryScope {
    /// The first of the scope's changes, as a table: the inner limit ends the walk, whatever the engine makes of the
    /// statement around it.
    ///
    /// - Parameter filter: gets the values, and no condition.
    fileprivate func changes(
        _ rows: Int, _ filter: inout SQLFilter, _ dialect: SQLDialect
    ) -> String {
        let sign = order == .ascending ? ">" : "<"
        let behind = position.map { position in
            "AND l.position \(sign) \(filter.bind(.number(position)))"
        }
        let limit = "LIMIT \(filter.bind(.number(rows)))"
        if case .list(let list) = path {
            return changes(of: list, limit, rows, &filter, dialect)
        }
        var name = ""
        if case .domain(let fqdn) = path {
            name = "l.fqdn = \(filter.bind(.text(fqdn.text))) AND "
        }
        let (first, last) = (
            filter.bind(.number(revisions.lowerBound)), filter.bind(.number(revisions.upperBound))
        )
        return """
            (SELECT l.* FROM change_log l
             WHERE \(name)l.revision >= \(first) AND l.revision <= \(last) \(behind ?? "")
             ORDER BY l.revision \(order.direction), l.position \(order.direction) \(limit))
            """
    }

    /// Along a list, each revision's changes are a loop of their own, and come in its order.
    ///
    /// SQLite keeps the order of the loops, and sees that the rows come sorted. PostgreSQL would sort a whole wave's
    /// changes before it gives the first one: there a limit inside each loop ends it. SQLite has no LATERAL.
    private func changes(
        of list: RevisionList, _ limit: String, _ rows: Int, _ filter: inout SQLFilter,
        _ dialect: SQLDialect
    ) -> String {
        switch dialect {
        case .sqlite:
            let (table, column) = list.index
            let text = filter.bind(.text(list.value))
            let (first, last) = (
                filter.bind(.number(revisions.lowerBound)),
                filter.bind(.number(revisions.upperBound))
            )
            return """
                (SELECT l.* FROM \(table) f\(list.hint(dialect)) CROSS JOIN change_log l
                 WHERE f.\(column) = \(text) AND f.revision >= \(first) AND f.revision <= \(last)
                    AND l.revision = f.revision
                 ORDER BY f.revision \(order.direction), l.position \(order.direction) \(limit))
                """
        case .postgres:
            let found = list.revisions(revisions, order, limit: rows, &filter)
            return """
                (SELECT l.* FROM (\(found)) AS f CROSS JOIN LATERAL (
                    SELECT * FROM change_log l WHERE l.revision = f.revision
                    ORDER BY l.position \(order.direction) \(limit)) AS l \(limit))
                """
        }
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
    fileprivate var places: String { "looked.revision \(direction), looked.position \(direction)" }
}
