import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    public func migration(_ id: String) async throws(RegistryError) -> Read<Migration?> {
        try await reading { db in
            let revision = try Head.read(db).revision
            var migration = try SQLiteTransaction(db: db).migration(id)
            migration?.skipped = try SkippedName.first(Migration.skippedShown, of: id, db)
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
            "SELECT * FROM migration \(filter.clause) ORDER BY number DESC", filter,
            limit: query.limit
        ) { row, db in
            try Migration(row: row, waves: Migration.waves(db, of: row["number"]))
        }
    }

    public func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        var filter = Filter()
        filter.add("g.id = ?", query.migration)
        filter.add("m.wave = ?", query.wave)
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
            FROM migration g CROSS JOIN migration_domain m ON m.migration = g.number
            LEFT JOIN wave w ON w.migration = m.migration AND w.number = m.wave
            \(filter.clause) ORDER BY m.position
            """, filter, limit: query.limit, MigrationDomain.init(row:))
    }

    public func wavesDue() async throws(RegistryError) -> [WaveName] {
        let now = writer.time
        return try await reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT g.id, w.number FROM wave w JOIN migration g ON g.number = w.migration
                    WHERE w.state = 'frozen' AND w.deadline <= ? ORDER BY w.deadline
                    """, arguments: [now.milliseconds]
            ).map { WaveName(migration: $0["id"], number: $0["number"]) }
        }
    }
}

extension MigrationDomain {
    init(row: Row) {
        let code: String? = row["code"]
        self.init(
            position: row["position"], fqdn: FQDN(canonical: row["fqdn"]), wave: row["wave"],
            status: Status(rawValue: row["status"]) ?? .skipped,
            code: code.flatMap(SkippedName.Code.init(rawValue:)))
    }
}
