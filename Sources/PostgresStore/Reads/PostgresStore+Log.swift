import RegistryLedger
import RegistryModel

extension PostgresStore {
    /// Domains in one answer: what lies in memory at once.
    private static let domainsAtOnce: Int64 = 10_000

    public func snapshot(
        _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        try await reading(isRepeatable: false) { connection in
            let head = try Head.read(connection)
            receive(.locations(try connection.query(ReadAhead.locations).map(Location.init(row:))))
            receive(
                .tokens(try connection.query(TokenRecord.select).map(TokenRecord.init(row:))))
            receive(.openMigrations(try Migration.openCount(connection)))
            var after = ""
            while true {
                let rows = try connection.query(
                    "SELECT \(Domain.columns) FROM domain WHERE fqdn > $1 ORDER BY fqdn LIMIT $2",
                    [.text(after), .number(Self.domainsAtOnce)])
                let part = rows.map(Domain.init(row:))
                receive(.domains(part))
                guard let last = part.last, part.count == Int(Self.domainsAtOnce) else {
                    return head
                }
                after = last.fqdn.text
            }
        }
    }

    public func changes(
        after revision: Revision, limit: Int
    ) async throws(RegistryError) -> [RevisionChanges] {
        try await reading { connection in
            let head = try Head.read(connection)
            try head.check(revision)
            return try LogReader.changes(
                connection, after: revision, through: head.revision, limit: limit)
        }
    }

    public func history(
        _ query: HistoryQuery
    ) async throws(RegistryError) -> Read<Page<HistoryItem>> {
        try await reading { connection in
            let head = try Head.read(connection).revision
            var items = try HistorySearch(query, through: head).run(connection)
            let hasMore = items.count > query.limit
            if hasMore { items.removeLast(items.count - query.limit) }
            return Read(Page(items: items, hasMore: hasMore), at: head)
        }
    }
}

/// One page of history as one statement: the revisions of each filter are an index, and come out in
/// the order of the page.
private struct HistorySearch {
    let query: HistoryQuery
    let head: Revision

    init(_ query: HistoryQuery, through head: Revision) {
        self.query = query
        self.head = head
    }

    func run(_ connection: PostgresConnection) throws -> [HistoryItem] {
        var filter = Filter()
        filter.add("c.revision <= ?", min(head.number, query.through?.number ?? .max))
        filter.add("c.revision > ?", query.afterRevision?.number)
        try addTimes(to: &filter, connection)
        filter.add(after: query.after, query.order)
        if let place = query.after {
            let sign = query.order == .ascending ? ">=" : "<="
            filter.add("c.revision \(sign) ?", place.revision.number)
        }
        filter.add("c.fqdn = ?", query.fqdn?.text)
        filter.add("r.actor_token = ?", query.actor)
        filter.add("r.migration = ?", query.migration)
        filter.add("c.action = ?", query.action?.rawValue)
        filter.add("(c.before_location = ? OR c.after_location = ?)", query.location?.text)
        if query.fqdn == nil {
            addFacet("action", query.action?.rawValue, to: &filter)
            addFacet("location", query.location?.text, to: &filter)
        }
        let direction = query.order == .ascending ? "ASC" : "DESC"
        let limit = filter.bind(.number(PostgresStore.oneMore(than: query.limit)))
        return try connection.query(
            """
            SELECT \(HistoryItem.columns) FROM change_log c
            JOIN revision_log r ON r.revision = c.revision \(filter.clause)
            ORDER BY c.revision \(direction), c.position \(direction) LIMIT \(limit)
            """, filter.parameters
        ).map(HistoryItem.init(row:))
    }

    private func addFacet(_ kind: String, _ value: String?, to filter: inout Filter) {
        guard let value else { return }
        filter.add(
            "c.revision IN (SELECT f.revision FROM revision_facet f WHERE f.facet = ?)",
            "\(kind):\(value)")
    }

    /// Time never goes back along the log, so a bound in time is a bound in revisions.
    private func addTimes(to filter: inout Filter, _ connection: PostgresConnection) throws {
        if let since = query.since {
            let first = try connection.query(
                "SELECT revision FROM revision_log WHERE at >= $1 ORDER BY at, revision LIMIT 1",
                [.number(since.milliseconds)]
            ).first?.number(0)
            filter.add("c.revision >= ?", first ?? .max)
        }
        if let until = query.until {
            let last = try connection.query(
                """
                SELECT revision FROM revision_log WHERE at < $1
                ORDER BY at DESC, revision DESC LIMIT 1
                """, [.number(until.milliseconds)]
            ).first?.number(0)
            filter.add("c.revision <= ?", last ?? 0)
        }
    }
}
