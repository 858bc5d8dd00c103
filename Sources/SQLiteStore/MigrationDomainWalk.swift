import GRDB
import RegistryLedger
import RegistryModel

/// A page of a migration's names, by wave and name, in steps: a status that few of them have is looked for
/// stretch by stretch.
struct MigrationDomainWalk: ReadWalk {
    let query: MigrationDomainQuery
    private var items: [MigrationDomain] = []
    private(set) var isDone = false
    /// The last position that was looked at.
    private var last: Int64
    private var revision: Revision?

    init(_ query: MigrationDomainQuery) {
        self.query = query
        last = query.after ?? 0
    }

    var page: Read<Page<MigrationDomain>> {
        Read(
            Page(items: Array(items.prefix(query.limit)), hasMore: items.count > query.limit),
            at: revision ?? .zero)
    }

    /// One row more than asked for tells whether there is a next page.
    private var missing: Int { query.limit + 1 - items.count }
    private var isFiltered: Bool { query.wave != nil || query.status != nil }

    mutating func advance(_ db: Database, _ budget: inout StepBudget) throws {
        if revision == nil { revision = try Head.read(db).revision }
        let number = try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT number FROM migration WHERE id = ?"),
            arguments: [query.migration])
        guard let number else { return isDone = true }
        repeat {
            // Unfiltered, each row is one of the page.
            let rows = isFiltered ? max(1, budget.rows) : missing
            let end = try isFiltered ? position(db, of: rows, number) : nil
            let found = try self.rows(db, number, through: end)
            budget.take(rows)
            isDone = found.count >= missing || end == nil
            items += found
            last = end ?? last
        } while !isDone && !budget.isSpent
    }

    /// The position of a row, counted from the last one looked at; nil where there are fewer.
    private func position(_ db: Database, of row: Int, _ number: Int64) throws -> Int64? {
        try Int64.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT position FROM migration_domain WHERE migration = ? AND position > ?
                    ORDER BY position LIMIT 1 OFFSET ?
                    """), arguments: [number, last, row - 1])
    }

    private func rows(
        _ db: Database, _ number: Int64, through end: Int64?
    ) throws -> [MigrationDomain] {
        var filter = Filter()
        filter.add("m.migration = ?", number)
        filter.add("m.position > ?", last)
        filter.add("m.position <= ?", end)
        filter.add("m.wave = ?", query.wave)
        switch query.status {
        case nil: break
        case .skipped: filter.add("m.code IS NOT NULL")
        case .moved: filter.add("(m.stayed OR w.state = 'moved')")
        case let status?: filter.add("NOT m.stayed AND w.state = ?", status.rawValue)
        }
        filter.bind(missing)
        return try Row.fetchAll(
            try db.cachedStatement(
                sql: """
                    SELECT m.position, m.fqdn, m.wave, m.code, CASE WHEN m.code IS NOT NULL
                        THEN 'skipped' WHEN m.stayed THEN 'moved' ELSE w.state END AS status
                    FROM migration_domain m
                    LEFT JOIN wave w ON w.migration = m.migration AND w.number = m.wave
                    \(filter.clause) ORDER BY m.position LIMIT ?
                    """), arguments: filter.arguments
        ).map(MigrationDomain.init(row:))
    }
}

extension MigrationDomain {
    fileprivate init(row: Row) {
        let code: String? = row["code"]
        self.init(
            position: row["position"], fqdn: FQDN(canonical: row["fqdn"]), wave: row["wave"],
            status: Status(rawValue: row["status"]) ?? .skipped,
            code: code.flatMap(SkippedName.Code.init(rawValue:)))
    }
}
