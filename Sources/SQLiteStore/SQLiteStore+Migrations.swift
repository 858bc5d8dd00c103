import GRDB
import RegistryLedger
import RegistryModel

extension SQLiteStore {
    public func migration(_ id: String) async throws(RegistryError) -> Read<Migration?> {
        try await reading(.quick) { db in
            let revision = try Head.read(db).revision
            var migration = try SQLiteTransaction(db: db).migration(id)
            migration?.skipped = try SkippedName.first(Migration.skippedShown, of: id, db)
            return Read(migration, at: revision)
        }
    }

    public func migrations(
        _ query: MigrationQuery
    ) async throws(RegistryError) -> Read<Page<Migration>> {
        try await reading(.quick) { db in
            let revision = try Head.read(db).revision
            var filter = Filter()
            filter.add("state = ?", query.state?.rawValue)
            var number: Int64? = .max
            if let after = query.after {
                number = try Int64.fetchOne(
                    db, sql: "SELECT number FROM migration WHERE id = ?", arguments: [after])
            }
            guard let number else { throw RegistryError.invalidCursor }
            filter.add("number < ?", number)
            filter.bind(query.limit + 1)
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM migration \(filter.clause) ORDER BY number DESC LIMIT ?",
                arguments: filter.arguments)
            let items = try rows.prefix(query.limit).map {
                try Migration(row: $0, waves: Migration.waves(db, of: $0["number"]))
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
        let now = writer.time
        return try await reading(.own) { db in
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
