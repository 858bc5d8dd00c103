import RegistryLedger
import RegistryModel

extension SQLStore {
    package func migration(_ id: String) async throws(RegistryError) -> Read<Migration?> {
        try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            var migration = try Migration.read(session, id: id)
            migration?.skipped = try SkippedName.first(Migration.skippedShown, of: id, session)
            return Read(migration, at: revision)
        }
    }

    package func migrations(
        _ query: MigrationQuery
    ) async throws(RegistryError) -> Read<Page<Migration>> {
        try await reading(.quick) { session in
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
            let hasMore = items.count > query.limit
            if hasMore { items.removeLast() }
            return Read(Page(items: items, hasMore: hasMore), at: revision)
        }
    }

    package func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        try await walking(
            MigrationDomainWalk(query), isPage: query.limit <= ReadLanes.pageSize
        ).page
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
