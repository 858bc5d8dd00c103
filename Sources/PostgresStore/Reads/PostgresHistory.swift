import RegistryLedger
import RegistryModel

extension PostgresStore {
    public func history(
        _ query: HistoryQuery
    ) async throws(RegistryError) -> Read<Page<HistoryItem>> {
        try await walking(
            HistoryDatabaseWalk(walk: HistoryWalk(query)),
            isPage: query.limit <= ReadLanes.pageSize
        ).walk.page
    }
}

/// The walk of a page along PostgreSQL's log.
private struct HistoryDatabaseWalk: ReadWalk {
    var walk: HistoryWalk<PostgresHistory>

    var isDone: Bool { walk.isDone }

    mutating func advance(
        _ connection: PostgresConnection, _ budget: inout StepBudget
    ) throws {
        try walk.advance(PostgresHistory(connection: connection), &budget)
    }
}

struct PostgresHistory: HistoryRows {
    let connection: PostgresConnection

    func headRevision() throws -> Revision { try Head.read(connection).revision }

    func firstRevision(since time: Timestamp) throws -> Int64? {
        try connection.query(
            "SELECT revision FROM revision_log WHERE at >= $1 ORDER BY at, revision LIMIT 1",
            [.number(time.milliseconds)]
        ).first?.number(0)
    }

    func lastRevision(before time: Timestamp) throws -> Int64? {
        try connection.query(
            """
            SELECT revision FROM revision_log WHERE at < $1
            ORDER BY at DESC, revision DESC LIMIT 1
            """, [.number(time.milliseconds)]
        ).first?.number(0)
    }

    func next(
        _ list: RevisionList, from place: Int64, through end: Int64, _ order: HistoryQuery.Order
    ) throws -> Int64? {
        var filter = Filter()
        let revisions = list.revisions(
            min(place, end)...max(place, end), order, limit: 1, &filter)
        return try connection.query(revisions, filter.parameters).first?.number(0)
    }

    func changeCount(of revision: Int64) throws -> Int {
        try connection.query(
            "SELECT change_count FROM revision_log WHERE revision = $1", [.number(revision)]
        ).first?.integer(0) ?? 0
    }

    func place(of row: Int, in scope: HistoryScope) throws -> HistoryQuery.Place? {
        var filter = Filter()
        let looked = scope.looked(row, &filter)
        let skipped = filter.bind(.number(Int64(row - 1)))
        return try connection.query(
            """
            SELECT c.revision, c.position FROM \(looked) AS c
            ORDER BY \(scope.order.places) OFFSET \(skipped) LIMIT 1
            """, filter.parameters
        ).first.map { HistoryQuery.Place(revision: $0.revision(0), position: $0.integer(1)) }
    }

    func items(
        _ scope: HistoryScope, _ query: HistoryQuery, among rows: Int?, limit: Int
    ) throws -> [HistoryItem] {
        var filter = Filter()
        let looked = scope.looked(rows ?? limit, &filter)
        if rows != nil {
            filter.add("c.action = ?", query.action?.rawValue)
            filter.add("r.actor_token = ?", query.actor)
            filter.add("r.migration = ?", query.migration)
            filter.add("(c.before_location = ? OR c.after_location = ?)", query.location?.text)
        }
        let clause = filter.clause
        let place = filter.bind(.number(Int64(limit)))
        return try connection.query(
            """
            SELECT \(HistoryItem.columns) FROM \(looked) AS c
            JOIN revision_log r ON r.revision = c.revision \(clause)
            ORDER BY \(scope.order.places) LIMIT \(place)
            """, filter.parameters
        ).map(HistoryItem.init(row:))
    }
}

extension HistoryScope {
    /// The first of the scope's changes, as a table: the inner limit ends the walk, whatever the server
    /// makes of the statement around it. Along a list, each revision's changes are a loop of their own,
    /// and come in its order.
    ///
    /// - Parameter filter: gets the values, and no condition.
    fileprivate func looked(_ rows: Int, _ filter: inout Filter) -> String {
        let sign = order == .ascending ? ">" : "<"
        let behind = position.map { position in
            "AND l.position \(sign) \(filter.bind(.number(Int64(position))))"
        }
        let limit = "LIMIT \(filter.bind(.number(Int64(rows))))"
        if case .list(let list) = path {
            let revisions = list.revisions(revisions, order, limit: rows, &filter)
            return """
                (SELECT l.* FROM (\(revisions)) AS f CROSS JOIN LATERAL (
                    SELECT * FROM change_log l WHERE l.revision = f.revision
                    ORDER BY l.position \(order.direction) \(limit)) AS l \(limit))
                """
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
}

extension RevisionList {
    /// Its revisions in a range, as a statement. Value and revision are compared as one, for then the
    /// list's own index is the only way: with the value alone, the server may rather go through all
    /// revisions, in the hope of meeting the value soon.
    fileprivate func revisions(
        _ range: ClosedRange<Int64>, _ order: HistoryQuery.Order, limit: Int,
        _ filter: inout Filter
    ) -> String {
        let (table, column) =
            switch source {
            case .actor: ("revision_log", "actor_token")
            case .migration: ("revision_log", "migration")
            case .facet: ("revision_facet", "facet")
            }
        let text = filter.bind(.text(value))
        let (first, last) = (
            filter.bind(.number(range.lowerBound)), filter.bind(.number(range.upperBound))
        )
        return """
            SELECT revision FROM \(table) WHERE \(column) IS NOT NULL
                AND (\(column), revision) >= (\(text), \(first))
                AND (\(column), revision) <= (\(text), \(last))
            ORDER BY \(column) \(order.direction), revision \(order.direction)
            LIMIT \(filter.bind(.number(Int64(limit))))
            """
    }
}

extension HistoryQuery.Order {
    fileprivate var direction: String { self == .ascending ? "ASC" : "DESC" }
    fileprivate var places: String { "c.revision \(direction), c.position \(direction)" }
}
