import RegistryLedger
import RegistryModel

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
        let number = try insert(migration)
        let waves = migration.waves
        let firsts = PlanStage.firstTurns(of: waves)
        try direct(
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
        try direct(
            """
            INSERT INTO migration_domain (migration, position, fqdn, wave, mode, registered_at)
            SELECT $1, row_number() OVER (ORDER BY wave, fqdn), fqdn, wave, mode, registered_at
            FROM (\(PlanStage.inWaves("$2", "$3"))) AS planned ORDER BY wave, fqdn
            """, [.number(number), .numbers(firsts.map { $0 }), .number(planned)])
        try direct(
            """
            INSERT INTO migration_domain (migration, position, fqdn, code)
            SELECT $1, row_number() OVER (ORDER BY position) + $2, fqdn, code
            FROM plan_row WHERE code IS NOT NULL
            """, [.number(number), .number(planned)])
    }

    private func insert(_ migration: Migration) throws -> Int64 {
        let row = try direct(
            """
            INSERT INTO migration (id, name, from_location, to_location, "freeze", state, digest,
                selected, eligible, created_at, created_by_token, created_by_name, created_by_role,
                reason, ticket)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            RETURNING number
            """,
            [
                .text(migration.id), .text(migration.name), .text(migration.from.text),
                .text(migration.to.text), .text(migration.freeze.rawValue),
                .text(migration.state.rawValue), .octets(migration.digest),
                .number(Int64(migration.counts.selected)),
                .number(Int64(migration.counts.eligible)),
                .number(migration.createdAt.milliseconds), .text(migration.createdBy.token),
                .text(migration.createdBy.name), .text(migration.createdBy.role.rawValue),
                .text(migration.reason), .text(migration.ticket),
            ]
        ).first
        guard let row else { throw RegistryError.inconsistent }
        return row.number(0)
    }

    /// Rows in one answer: what lies in memory at once.
    static let rowsAtOnce: Int64 = 10_000
}

extension ResultRow {
    /// Columns as the fields of a digest: absent, number or text.
    func add(fields columns: Range<Int32>, to hash: inout NetstringHash) {
        for column in columns {
            guard let octets = raw(column) else {
                hash.absent()
                continue
            }
            if isText(column) {
                hash.octets(octets.assumingMemoryBound(to: UInt8.self))
            } else {
                hash.number(number(column))
            }
        }
    }
}
