import RegistryLedger
import RegistryModel
import StoreCore

// Plans that are kept. `PlanStage` makes them.

extension PostgresTransaction {
    func stage(_ selection: Selection, from: LocationName) throws -> PlanCounts {
        try send()
        try PlanStage.makeTables(connection)
        return try PlanStage(connection).stage(selection, from: from)
    }

    func addStagedPlan(of waves: [Wave], to hash: inout NetstringHash) throws {
        try PlanStage(connection).addPlan(of: waves, to: &hash)
    }

    func stagedSkippedNames(limit: Int) throws -> [SkippedName] {
        try PlanStage(connection).skippedNames(limit: limit)
    }

    func keepPlan(_ migration: Migration) throws {
        let number = try migration.insert(session())
        let waves = migration.waves
        let firsts = PlanStage.firstTurns(of: waves)
        try connection.run(
            """
            INSERT INTO wave (migration, number, state, first_position, size)
            SELECT $1, * FROM unnest($2, $3, $4, $5)
            """,
            [
                .number(number), .numbers(waves.map { Int64($0.number) }),
                .texts(waves.map(\.state.rawValue)), .numbers(firsts.map { $0 }),
                .numbers(waves.map { Int64($0.size) }),
            ])
        let planned = Int64(waves.reduce(0) { $0 + $1.size })
        try connection.run(
            """
            INSERT INTO migration_domain (migration, position, fqdn, wave, mode, registered_at)
            SELECT $1, row_number() OVER (ORDER BY wave, fqdn), fqdn, wave, mode, registered_at
            FROM (\(PlanStage.inWaves("$2", "$3"))) AS planned ORDER BY wave, fqdn
            """, [.number(number), .numbers(firsts.map { $0 }), .number(planned)])
        try connection.run(
            """
            INSERT INTO migration_domain (migration, position, fqdn, code)
            SELECT $1, row_number() OVER (ORDER BY position) + $2, fqdn, code
            FROM plan_row WHERE code IS NOT NULL
            """, [.number(number), .number(planned)])
    }

    /// Rows in one answer: what lies in memory at once.
    static let rowsAtOnce: Int64 = 10_000
}
