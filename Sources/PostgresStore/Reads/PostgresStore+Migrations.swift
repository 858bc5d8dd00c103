import RegistryLedger
import RegistryModel

extension PostgresStore {
    public func migration(_ id: String) async throws(RegistryError) -> Read<Migration?> {
        try await reading { connection in
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
        var filter = Filter()
        filter.add("state = ?", query.state?.rawValue)
        filter.add("number < (SELECT number FROM migration WHERE id = ?)", query.after)
        return try await page(
            "SELECT \(Migration.columns) FROM migration \(filter.clause) ORDER BY number DESC",
            filter, limit: query.limit
        ) { row, connection in try Migration(row: row, connection) }
    }

    public func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        var filter = Filter()
        filter.add("m.migration = (SELECT number FROM migration WHERE id = ?)", query.migration)
        filter.add("m.wave = ?", query.wave.map(Int64.init))
        filter.add("m.position > ?", query.after)
        switch query.status {
        case nil: break
        case .skipped: filter.add("m.code IS NOT NULL")
        case .moved: filter.add("(m.stayed OR w.state = 'moved')")
        case let status?: filter.add("NOT m.stayed AND w.state = ?", status.rawValue)
        }
        return try await page(
            """
            SELECT m.position, m.fqdn, m.wave, m.code, CASE WHEN m.code IS NOT NULL THEN 'skipped'
                WHEN m.stayed THEN 'moved' ELSE w.state END AS status
            FROM migration_domain m
            LEFT JOIN wave w ON w.migration = m.migration AND w.number = m.wave
            \(filter.clause) ORDER BY m.position
            """, filter, limit: query.limit
        ) { row, _ in MigrationDomain(row: row) }
    }

    public func wavesDue() async throws(RegistryError) -> [WaveName] {
        let now = clock.parameter
        return try await asking { connection in
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
