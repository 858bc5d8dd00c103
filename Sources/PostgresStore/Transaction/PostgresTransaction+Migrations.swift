import RegistryLedger
import RegistryModel

// What a migration is, and where its waves stand. `PostgresTransaction+Plan` makes plans, and
// `PostgresTransaction+Waves` moves a wave's rows.

extension PostgresTransaction {
    func migration(_ id: String) throws -> Migration? {
        try direct("SELECT \(Migration.columns) FROM migration WHERE id = $1", [.text(id)]).first
            .map { try Migration(row: $0, connection) }
    }

    func setState(_ state: MigrationState, ofMigration id: String) throws {
        try direct(
            "UPDATE migration SET state = $1 WHERE id = $2", [.text(state.rawValue), .text(id)])
    }

    func put(_ wave: Wave, of migration: String) throws {
        try direct(
            """
            UPDATE wave SET state = $1, deadline = $2, revision = $3
            WHERE migration = (SELECT number FROM migration WHERE id = $4) AND number = $5
            """,
            [
                .text(wave.state.rawValue), .number(wave.deadline?.milliseconds),
                .number(wave.revision?.number), .text(migration), .number(Int64(wave.number)),
            ])
    }

    func isReferencedByMigration(_ location: LocationName) throws -> Bool {
        try direct(
            """
            SELECT EXISTS (SELECT FROM migration WHERE state IN ('planned', 'running')
                AND (from_location = $1 OR to_location = $1))
            """, [.text(location.text)]
        ).first?.flag(0) ?? false
    }

    func domainCount(at location: LocationName) throws -> Int {
        try send()
        return try PlanStage(connection).count(
            counts, at: location, through: pending.head.revision)
    }

    func skippedNames(of migration: String, limit: Int) throws -> [SkippedName] {
        try send()
        return try SkippedName.first(limit, of: migration, connection)
    }
}
