import RegistryLedger
import RegistryModel

extension SQLStore {
    package func migration(_ id: String) async throws(RegistryError) -> Read<Migration?> {
        let approval = approval
        return try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            var migration = try Migration.read(session, id: id)
            migration?.mark(by: approval)
            migration?.skipped = try SkippedName.first(Migration.skippedShown, of: id, session)
            return Read(migration, at: revision)
        }
    }

    package func migrations(
        _ query: MigrationQuery
    ) async throws(RegistryError) -> Read<Page<Migration>> {
        let approval = approval
        return try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            var filter = SQLFilter()
            var number = Int64.max
            if let after = query.after {
                let found = try session.first(
                    "SELECT number FROM migration WHERE id = $1", [.text(after)]
                ) { try $0.number(0) }
                guard let found else { throw RegistryError.invalidCursor }
                number = found
            }
            var order = "number DESC"
            if let state = query.state {
                filter.add(Session.dialect.stateBefore, state.rawValue, number)
                order = "state DESC, number DESC"
            } else {
                filter.add("number < ?", number)
            }
            let limit = filter.bind(.number(query.limit + 1))
            var items = try Migration.all(
                session, "\(filter.clause) ORDER BY \(order) LIMIT \(limit)", filter.values)
            for index in items.indices { items[index].mark(by: approval) }
            return Read(Page(first: query.limit, takenFrom: &items), at: revision)
        }
    }

    package func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        try await walking(
            MigrationDomainWalk(query), isPage: query.limit <= ReadLanes.pageSize
        ).page()
    }

    package func wavesDue() async throws(RegistryError) -> [WaveName] {
        let now = timeValue
        return try await asking(.own) { session in
            try session.rows(
                """
                SELECT g.id, w.number FROM wave w JOIN migration g ON g.number = w.migration
                WHERE w.state = 'frozen' AND w.deadline <= \(Session.dialect.time("$1"))
                ORDER BY w.deadline
                """, [now]
            ) { WaveName(migration: try $0.text(0), number: try $0.integer(1)) }
        }
    }
}

extension SQLDialect {
    /// Migrations in one state, before a number: `?1` and `?2`.
    ///
    /// To PostgreSQL both are one, for then the index of states is the only way. SQLite takes a table's own number for
    /// no part of such a pair.
    fileprivate var stateBefore: String {
        switch self {
        case .sqlite: "state = ?1 AND number < ?2"
        case .postgres: "(state, number) >= (?1, 0) AND (state, number) < (?1, ?2)"
        }
    }
}

/// A page of a migration's names, by wave and name, in steps: a status that few of them have is looked for
/// stretch by stretch.
package struct MigrationDomainWalk<Session: SQLSession>: ReadWalk {
    package typealias Source = Session

    package let query: MigrationDomainQuery
    private var items: [MigrationDomain] = []
    package private(set) var isDone = false
    /// The last position that was looked at.
    private var last: Int64
    private var revision: Revision?

    package init(_ query: MigrationDomainQuery) {
        self.query = query
        last = query.after ?? 0
    }

    package consuming func page() -> Read<Page<MigrationDomain>> {
        Read(Page(first: query.limit, takenFrom: &items), at: revision ?? .zero)
    }

    /// One row more than asked for tells whether there is a next page.
    private var missing: Int { query.limit + 1 - items.count }
    private var isFiltered: Bool { query.wave != nil || query.status != nil }

    package mutating func advance(_ session: Session, _ budget: inout StepBudget) throws {
        if revision == nil { revision = try Head.read(session).revision }
        let number = try session.first(
            "SELECT number FROM migration WHERE id = $1", [.text(query.migration)]
        ) { try $0.number(0) }
        guard let number else { return isDone = true }
        repeat {
            // Unfiltered, each row is one of the page.
            let rows = isFiltered ? max(1, budget.rows) : missing
            let end = try isFiltered ? position(session, of: rows, number) : nil
            let found = try self.rows(session, number, through: end)
            budget.take(rows)
            isDone = found.count >= missing || end == nil
            items += found
            last = end ?? last
        } while !isDone && !budget.isSpent
    }

    /// The position of a row, counted from the last one looked at; nil where there are fewer.
    private func position(
        _ session: Session, of row: Int, _ number: Int64
    ) throws -> Int64? {
        try session.first(
            """
            SELECT position FROM migration_domain WHERE migration = $1 AND position > $2
            ORDER BY position LIMIT 1 OFFSET $3
            """, [.number(number), .number(last), .number(row - 1)]
        ) { try $0.number(0) }
    }

    private func rows(
        _ session: Session, _ number: Int64, through end: Int64?
    ) throws -> [MigrationDomain] {
        var filter = SQLFilter()
        filter.add("m.migration = ?", number)
        filter.add("m.position > ?", last)
        filter.add("m.position <= ?", end)
        filter.add("m.wave = ?", query.wave.map(Int64.init))
        switch query.status {
        case nil: break
        case .skipped: filter.add("m.code IS NOT NULL")
        case .moved: filter.add("(m.stayed OR w.state = 'moved')")
        case let status?: filter.add("NOT m.stayed AND w.state = ?", status.rawValue)
        }
        let limit = filter.bind(.number(missing))
        return try session.rows(
            """
            SELECT m.position, m.fqdn, m.wave, m.code, CASE WHEN m.code IS NOT NULL THEN 'skipped'
                WHEN m.stayed THEN 'moved' ELSE w.state END AS status
            FROM migration_domain m
            LEFT JOIN wave w ON w.migration = m.migration AND w.number = m.wave
            \(filter.clause) ORDER BY m.position LIMIT \(limit)
            """, filter.values, MigrationDomain.init(row:))
    }
}
