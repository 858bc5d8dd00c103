import RegistryLedger
import RegistryModel

extension PostgresStore {
    public func migration(_ id: String) async throws(RegistryError) -> Read<Migration?> {
        try await reading(.quick) { connection in
            let revision = try Head.read(connection).revision
            var migration = try connection.query(
                "SELECT \(Migration.columns) FROM migration WHERE id = $1", [.text(id)]
            ).first.map { try Migration(row: $0, connection) }
            migration?.skipped = try SkippedName.first(Migration.skippedShown, of: id, connection)
            return Read(migration, at: revision)
        }
    }

    public func migrations(
        _ query: MigrationQuery
    ) async throws(RegistryError) -> Read<Page<Migration>> {
        try await reading(.quick) { connection in
            let revision = try Head.read(connection).revision
            var filter = Filter()
            var number = Int64.max
            if let after = query.after {
                let found = try connection.query(
                    "SELECT number FROM migration WHERE id = $1", [.text(after)]
                ).first?.number(0)
                guard let found else { throw RegistryError.invalidCursor }
                number = found
            }
            var order = "number DESC"
            if let state = query.state {
                // As one, for then the index of states is the only way.
                let place = filter.bind(.text(state.rawValue))
                filter.add("(state, number) >= (\(place), 0)")
                filter.add("(state, number) < (\(place), ?)", number)
                order = "state DESC, number DESC"
            } else {
                filter.add("number < ?", number)
            }
            let limit = filter.bind(.number(Int64(query.limit) + 1))
            let rows = try connection.query(
                """
                SELECT \(Migration.columns) FROM migration \(filter.clause)
                ORDER BY \(order) LIMIT \(limit)
                """, filter.parameters)
            let items = try (0..<min(rows.count, query.limit)).map {
                try Migration(row: rows[$0], connection)
            }
            return Read(Page(items: items, hasMore: rows.count > query.limit), at: revision)
        }
    }

    public func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        try await walking(
            MigrationDomainWalk(query), isPage: query.limit <= ReadLanes.pageSize
        ).page
    }

    public func wavesDue() async throws(RegistryError) -> [WaveName] {
        let now = clock.parameter
        return try await asking(.own) { connection in
            try connection.query(
                """
                SELECT g.id, w.number FROM wave w JOIN migration g ON g.number = w.migration
                WHERE w.state = 'frozen' AND w.deadline <= \(DatabaseClock.coalesce("$1"))
                ORDER BY w.deadline
                """, [now]
            ).map { WaveName(migration: $0.text(0), number: $0.integer(1)) }
        }
    }
}
