import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    public func tableChanges(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> Page<TableChange> {
        try await reading { db in
            let statement = try RawStatement(
                try db.cachedStatement(
                    sql: """
                        SELECT c.revision, c.position, c.fqdn, c.after_location, c.after_mode,
                            c.after_tenant, c.registered_at, r.at, c.action, c.subject, c.after_detail
                        FROM change_log c CROSS JOIN revision_log r ON r.revision = c.revision
                        WHERE (c.revision, c.position) > (?, ?) AND c.revision <= ?
                        ORDER BY c.revision, c.position LIMIT ?
                        """), in: db)
            var changes: [TableChange] = []
            changes.reserveCapacity(min(limit, 4096))
            try statement.forEach { binder in
                binder.number(place.revision.number)
                binder.number(place.position)
                binder.number(last.number)
                binder.number(limit + 1)
            } _: { row in
                changes.append(try TableChange(row))
            }
            let hasMore = changes.count > limit
            if hasMore { changes.removeLast() }
            return Page(items: changes, hasMore: hasMore)
        }
    }
}

extension TableChange {
    fileprivate init(_ row: RawRow) throws {
        let revision = Revision(row.number(0))
        self.init(
            try What(row, at: revision),
            at: HistoryQuery.Place(revision: revision, position: Int(row.number(1))))
    }
}

extension TableChange.What {
    fileprivate init(_ row: RawRow, at revision: Revision) throws {
        if !row.isNull(2) {
            let fqdn = FQDN(canonical: row.text(2))
            guard !row.isNull(3) else {
                self = .domain(.gone(fqdn))
                return
            }
            self = .domain(
                .set(
                    Domain(
                        fqdn: fqdn, placement: Placement(row, from: 3), revision: revision,
                        registeredAt: row.time(6), changedAt: row.time(7))))
        } else if row.text(8) == Action.locationChanged.rawValue {
            let name = LocationName(canonical: row.text(9))
            let settings: LocationSettings? = try ChangeRow.value(row.textIfPresent(10))
            self = .location(
                settings.map { .set(Location(name: name, settings: $0, revision: revision)) }
                    ?? .gone(name))
        } else {
            self = .other
        }
    }
}

extension Placement {
    /// Location, mode and tenant, side by side from a column on.
    init(_ row: RawRow, from column: Int32) {
        self.init(
            location: LocationName(canonical: row.text(column)),
            mode: Mode(rawValue: row.text(column + 1)) ?? .reject,
            tenant: row.textIfPresent(column + 2))
    }
}
