import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    public func tableChanges(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> Page<TableChange> {
        let walk = try await walking(
            TableChangesWalk(after: place, through: last, limit: limit), isPage: false)
        return walk.page
    }
}

/// Part of the log as copies of the table read it. What is past doesn't change, so that the steps needn't
/// be one transaction.
struct TableChangesWalk: ReadWalk {
    private var place: HistoryQuery.Place
    private let last: Revision
    private let limit: Int
    private var changes: [TableChange] = []
    private(set) var isDone = false

    init(after place: HistoryQuery.Place, through last: Revision, limit: Int) {
        (self.place, self.last, self.limit) = (place, last, limit)
    }

    /// One row more than asked for tells whether there is a next page.
    private var missing: Int { limit == .max ? .max : limit + 1 - changes.count }

    var page: Page<TableChange> {
        Page(items: Array(changes.prefix(limit)), hasMore: changes.count > limit)
    }

    mutating func advance(_ db: Database, _ budget: inout StepBudget) throws {
        let statement = try RawStatement(
            try db.cachedStatement(
                sql: """
                    SELECT c.revision, c.position, c.fqdn, c.after_location, c.after_mode,
                        c.after_tenant, c.registered_at, r.at, c.action, c.subject, c.after_detail
                    FROM change_log c CROSS JOIN revision_log r ON r.revision = c.revision
                    WHERE (c.revision, c.position) > (?, ?) AND c.revision <= ?
                    ORDER BY c.revision, c.position LIMIT ?
                    """), in: db)
        let rows = min(missing, budget.rows)
        var found: [TableChange] = []
        found.reserveCapacity(min(rows, 4096))
        try statement.forEach { [place, last] binder in
            binder.number(place.revision.number)
            binder.number(place.position)
            binder.number(last.number)
            binder.number(rows)
        } _: { row in
            found.append(try TableChange(row))
        }
        budget.take(rows)
        changes += found
        place = found.last?.place ?? place
        isDone = found.count < rows || missing <= 0
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
