import RegistryLedger
import RegistryModel

extension PostgresStore {
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

    mutating func advance(
        _ connection: PostgresConnection, _ budget: inout StepBudget
    ) throws {
        let rows = min(missing, budget.rows)
        let found = try connection.query(
            """
            SELECT c.revision, c.position, c.fqdn, c.after_location, c.after_mode,
                c.after_tenant, c.registered_at, r.at, c.action, c.subject, c.after_detail
            FROM change_log c JOIN revision_log r ON r.revision = c.revision
            WHERE (c.revision, c.position) > ($1, $2) AND c.revision <= $3
            ORDER BY c.revision, c.position LIMIT $4
            """,
            [
                .number(place.revision.number), .number(Int64(place.position)),
                .number(last.number), .number(Int64(rows)),
            ]
        ).map(TableChange.init(row:))
        budget.take(rows)
        changes += found
        place = found.last?.place ?? place
        isDone = found.count < rows || missing <= 0
    }
}

extension TableChange {
    fileprivate init(row: ResultRow) throws {
        let revision = row.revision(0)
        self.init(
            try What(row, at: revision),
            at: HistoryQuery.Place(revision: revision, position: row.integer(1)))
    }
}

extension TableChange.What {
    fileprivate init(_ row: ResultRow, at revision: Revision) throws {
        if let name = row.textIfPresent(2) {
            let fqdn = FQDN(canonical: name)
            self = .domain(
                Placement(row: row, from: 3).map { placement in
                    .set(
                        Domain(
                            fqdn: fqdn, placement: placement, revision: revision,
                            registeredAt: row.time(6), changedAt: row.time(7)))
                } ?? .gone(fqdn))
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
