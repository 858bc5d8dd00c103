import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    public func history(
        _ query: HistoryQuery
    ) async throws(RegistryError) -> Read<Page<HistoryItem>> {
        var filter = Filter()
        filter.add("c.fqdn = ?", query.fqdn?.text)
        filter.add("c.action = ?", query.action?.rawValue)
        filter.add("r.actor_token = ?", query.actor)
        filter.add("r.migration = ?", query.migration)
        if let location = query.location {
            filter.add("(c.before_location = ?1s OR c.after_location = ?1s)", twice: location.text)
        }
        // Time never goes back along the log, so a bound in time is a bound in revisions.
        filter.add(
            """
            r.revision >= coalesce((SELECT revision FROM revision_log WHERE at >= ?
                ORDER BY at, revision LIMIT 1), 9223372036854775807)
            """,
            query.since?.milliseconds)
        filter.add(
            """
            r.revision <= coalesce((SELECT revision FROM revision_log WHERE at < ?
                ORDER BY at DESC, revision DESC LIMIT 1), 0)
            """,
            query.until?.milliseconds)
        if let after = query.after {
            let sign = query.order == .ascending ? ">" : "<"
            filter.add(
                "(c.revision, c.position) \(sign) (\(after.revision.number), \(after.position))")
            // Said of r as well, so that a late page doesn't walk over all the pages before it.
            filter.add("r.revision \(sign)= \(after.revision.number)")
        }
        // CROSS JOIN keeps the order of the loops: along one domain's changes through their index,
        // otherwise along the revisions, so that the page comes out sorted and stops at its limit.
        let tables =
            query.fqdn == nil
            ? "revision_log r CROSS JOIN change_log c ON c.revision = r.revision"
            : "change_log c CROSS JOIN revision_log r ON r.revision = c.revision"
        // By the outer table's own column: by the inner one's, SQLite sorts the whole log a page.
        let revision = query.fqdn == nil ? "r.revision" : "c.revision"
        let direction = query.order == .ascending ? "ASC" : "DESC"
        return try await page(
            """
            SELECT \(HistoryItem.columns) FROM \(tables) \(filter.clause)
            ORDER BY \(revision) \(direction), c.position \(direction)
            """, filter, limit: query.limit, HistoryItem.init(row:))
    }

    public func snapshot(
        _ receive: @escaping @Sendable (SnapshotPart) -> Void
    ) async throws(RegistryError) -> Head {
        try await reading { db in
            let head = try Head.read(db)
            receive(
                .locations(
                    try Row.fetchAll(db, sql: "SELECT * FROM location").map(Location.init(row:))))
            receive(
                .tokens(try Row.fetchAll(db, sql: TokenRecord.select).map(TokenRecord.init(row:))))
            receive(.openMigrations(try Migration.openCount(db)))
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT fqdn, location, mode, tenant, revision, registered_at, changed_at
                    FROM domain ORDER BY fqdn
                    """)
            var part: [Domain] = []
            while let row = try rows.next() {
                part.append(Domain(row: row))
                if part.count == 4096 {
                    receive(.domains(part))
                    part.removeAll(keepingCapacity: true)
                }
            }
            receive(.domains(part))
            return head
        }
    }

    public func changes(
        after revision: Revision, limit: Int
    ) async throws(RegistryError) -> [RevisionChanges] {
        try await reading { db in
            let head = try Head.read(db).revision
            guard revision <= head else {
                throw RegistryError.unknownRevision(revision, head: head)
            }
            var result: [RevisionChanges] = []
            var count = 0
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(HistoryItem.columns) FROM revision_log r
                    CROSS JOIN change_log c ON c.revision = r.revision
                    WHERE r.revision > ? ORDER BY r.revision, c.position
                    """, arguments: [revision.number])
            while let row = try rows.next() {
                let item = try HistoryItem(row: row)
                if result.last?.revision != item.header.revision {
                    guard count < limit else { break }
                    result.append(RevisionChanges(revision: item.header.revision))
                }
                count += 1
                try result[result.count - 1].add(item, tokens: SQLiteTransaction(db: db).token)
            }
            return result
        }
    }
}

extension RevisionChanges {
    /// - Parameter tokens: finds a token as it is now; its digest isn't in the log.
    mutating func add(_ item: HistoryItem, tokens: (String) throws -> TokenRecord?) rethrows {
        switch item.change.subject {
        case .domain(let fqdn, _, let after, let registeredAt):
            guard let after else { return domains.append(.gone(fqdn)) }
            domains.append(
                .set(
                    Domain(
                        fqdn: fqdn, placement: after, revision: item.header.revision,
                        registeredAt: registeredAt, changedAt: item.header.at)))
        case .location(let name, _, let after):
            guard let after else { return locations.append(.gone(name)) }
            locations.append(
                .set(Location(name: name, settings: after, revision: item.header.revision)))
        case .token(let id, _, _):
            if let token = try tokens(id) { self.tokens.append(token) }
        case .migration(_, let before, let after):
            openMigrations += (after?.state.isOpen ?? false) ? 1 : 0
            openMigrations -= (before?.state.isOpen ?? false) ? 1 : 0
        }
    }
}
