import RegistryLedger
import RegistryModel

// Plans, set-based. The selection is staged in temporary tables of the writer's session, which are
// empty between two plans; the plan itself is read from them in a few statements.

extension PostgresTransaction {
    /// Names in one statement, at most.
    private static let namesAtOnce = 50_000

    func stage(_ selection: Selection, from: LocationName) throws -> PlanCounts {
        try send()
        try connection.script(
            """
            CREATE TEMP TABLE IF NOT EXISTS plan_name (
                position bigint PRIMARY KEY, fqdn text COLLATE "C" NOT NULL, is_again boolean NOT NULL)
                ON COMMIT DELETE ROWS;
            CREATE TEMP TABLE IF NOT EXISTS plan_row (
                position bigint PRIMARY KEY, fqdn text COLLATE "C" NOT NULL, mode text COLLATE "C",
                registered_at bigint, code text COLLATE "C", turn bigint) ON COMMIT DELETE ROWS;
            TRUNCATE plan_name, plan_row;
            """)
        switch selection {
        case .names(let names): try stage(names)
        case .filter(let filter, let sample): try stage(filter, sample)
        }
        try connection.script("ANALYZE plan_name;")
        try sortOut(from: from)
        try connection.script("ANALYZE plan_row;")
        let row = try direct("SELECT count(*), count(turn) FROM plan_row", []).first
        return PlanCounts(selected: row?.integer(0) ?? 0, eligible: row?.integer(1) ?? 0)
    }

    private func stage(_ names: [FQDN]) throws {
        var seen = Set<FQDN>(minimumCapacity: names.count)
        for start in stride(from: 0, to: names.count, by: Self.namesAtOnce) {
            let part = names[start..<min(start + Self.namesAtOnce, names.count)]
            try direct(
                "INSERT INTO plan_name SELECT * FROM unnest($1, $2, $3)",
                [
                    .numbers(part.indices.map { Int64($0) }), .names(Array(part)),
                    .flags(part.map { !seen.insert($0).inserted }),
                ])
        }
    }

    private func stage(_ filter: DomainFilter, _ sample: Sample?) throws {
        var conditions = Filter()
        conditions.add("tenant = ?", filter.tenant)
        conditions.add("registered_at < ?", filter.registeredBefore?.milliseconds)
        conditions.add(prefix: filter.prefix)
        conditions.add(suffix: filter.suffix)
        conditions.add("name_sample(fqdn) < ?", sample?.threshold)
        try direct(
            """
            INSERT INTO plan_name
            SELECT row_number() OVER (ORDER BY fqdn), fqdn, false FROM domain \(conditions.clause)
            """, conditions.parameters)
    }

    /// Why a name is left out, or its turn among those that are in.
    private func sortOut(from: LocationName) throws {
        try direct(
            """
            INSERT INTO plan_row (position, fqdn, mode, registered_at, code, turn)
            SELECT position, fqdn, mode, registered_at, code,
                CASE WHEN code IS NULL
                    THEN row_number() OVER (PARTITION BY code IS NULL ORDER BY position) END
            FROM (
                SELECT n.position, n.fqdn, d.mode, d.registered_at, CASE
                    WHEN n.is_again THEN 'duplicate'
                    WHEN d.fqdn IS NULL THEN 'unknown-domain'
                    WHEN d.location <> $1 THEN 'not-at-source'
                    WHEN EXISTS (
                        SELECT FROM migration_domain m
                        JOIN wave w ON w.migration = m.migration AND w.number = m.wave
                        WHERE m.fqdn = n.fqdn AND m.wave IS NOT NULL
                            AND w.state IN ('planned', 'frozen')) THEN 'in-another-migration'
                    END AS code
                FROM plan_name n LEFT JOIN domain d ON d.fqdn = n.fqdn) AS sorted
            """, [.text(from.text)])
    }

    func keepPlan(_ migration: Migration) throws {
        let number = try insert(migration)
        var first: Int64 = 1
        for wave in migration.waves {
            let size = Int64(wave.size)
            try direct(
                """
                INSERT INTO wave (migration, number, state, first_position, size)
                VALUES ($1, $2, $3, $4, $5)
                """,
                [
                    .number(number), .number(Int64(wave.number)), .text(wave.state.rawValue),
                    .number(first), .number(size),
                ])
            try direct(
                """
                INSERT INTO migration_domain (migration, position, fqdn, wave, mode, registered_at)
                SELECT $1, row_number() OVER (ORDER BY fqdn) + $2, fqdn, $3, mode, registered_at
                FROM plan_row WHERE turn BETWEEN $4 AND $5 ORDER BY fqdn
                """,
                [
                    .number(number), .number(first - 1), .number(Int64(wave.number)),
                    .number(first), .number(first + size - 1),
                ])
            first += size
        }
        try direct(
            """
            INSERT INTO migration_domain (migration, position, fqdn, code)
            SELECT $1, row_number() OVER (ORDER BY position) + $2, fqdn, code
            FROM plan_row WHERE code IS NOT NULL
            """, [.number(number), .number(first - 1)])
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

    func addPlan(of migration: String, to hash: inout NetstringHash) throws {
        var last: Int64 = 0
        while true {
            let rows = try direct(
                """
                SELECT position, wave, fqdn, mode FROM migration_domain
                WHERE migration = (SELECT number FROM migration WHERE id = $1)
                    AND wave IS NOT NULL AND position > $2 ORDER BY position LIMIT $3
                """, [.text(migration), .number(last), .number(Self.rowsAtOnce)])
            for index in 0..<rows.count { rows[index].add(fields: 1..<4, to: &hash) }
            guard rows.count == Int(Self.rowsAtOnce) else { return }
            last = rows[rows.count - 1].number(0)
        }
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
