import RegistryLedger
import RegistryModel

/// A plan in the making, set-based: the selection is staged in temporary tables of the session, which hold
/// nothing between two plans; the plan itself is read from them in a few statements. What is kept and what
/// is only asked for come out of the same statements.
///
/// A row has the position of its name in the selection. Nothing numbers those that are in: that would take as long as
/// looking them up, and only the positions with which waves begin are asked for (`bounds`).
package struct PlanStage<Session: SQLSession> {
    let session: Session

    /// Names in one statement, at most.
    private static var namesAtOnce: Int { 50_000 }
    /// From so many rows on PostgreSQL needs to know what is there: gathering that takes longer than
    /// looking through fewer.
    private static var manyRows: Int { 1_000 }

    package init(_ session: Session) {
        self.session = session
    }

    package func stage(_ plan: MigrationPlan) throws -> PlanCounts {
        try makeTables()
        try clear()
        var selected =
            switch plan.selection {
            case .names(let names): try stage(names)
            case .filter(let filter, let sample): try stage(filter, sample)
            }
        try gatherStatistics(of: "plan_name", selected)
        // Where nobody has a tenant, nobody pays for the question whose is whose.
        if plan.wholeTenants, try session.exists(Tenant.anyPlace) {
            selected = try sortOutTenants(plan, selected)
        } else {
            try sortOut(from: plan.from)
        }
        try gatherStatistics(of: "plan_row", selected)
        return PlanCounts(
            selected: selected,
            eligible: try session.count("SELECT count(*) FROM plan_row WHERE code IS NULL"))
    }

    private func makeTables() throws {
        let (number, text) = (session.dialect.number, session.dialect.text)
        for (table, columns) in [
            (
                "plan_name",
                """
                position \(number) PRIMARY KEY, fqdn \(text) NOT NULL,
                is_again boolean NOT NULL DEFAULT false
                """
            ),
            (
                "plan_row",
                """
                position \(number) PRIMARY KEY, fqdn \(text) NOT NULL, mode \(text),
                registered_at \(number), code \(text), unit \(number)
                """
            ),
            (
                "plan_found",
                """
                position \(number) PRIMARY KEY, fqdn \(text) NOT NULL, mode \(text),
                registered_at \(number), code \(text), tenant \(text)
                """
            ),
            (
                "plan_tenant",
                """
                tenant \(text) PRIMARY KEY, position \(number) NOT NULL, names \(number) NOT NULL
                """
            ),
        ] {
            try session.run(
                """
                CREATE TEMP TABLE IF NOT EXISTS \(table) (\(columns))
                \(session.dialect.untilCommit)
                """, [])
        }
    }

    /// Empties the tables. PostgreSQL does so at the end of each transaction.
    package func clear() throws {
        guard session.dialect == .sqlite else { return }
        for table in ["plan_name", "plan_row", "plan_found", "plan_tenant"] {
            try session.run("DELETE FROM \(table)", [])
        }
    }

    func gatherStatistics(of table: String, _ rows: Int) throws {
        guard session.dialect == .postgres, rows >= Self.manyRows else { return }
        try session.run("ANALYZE \(table)", [])
    }

    private func stage(_ names: [FQDN]) throws -> Int {
        for start in stride(from: 0, to: names.count, by: Self.namesAtOnce) {
            let part = names[start..<min(start + Self.namesAtOnce, names.count)]
            try session.run(
                """
                INSERT INTO plan_name (position, fqdn)
                SELECT $2 + asked.key, asked.value FROM \(session.dialect.texts("$1", as: "asked"))
                """, [.texts(part.map(\.text)), .number(start)])
        }
        try markDuplicates(among: names)
        return names.count
    }

    /// Nearly always there are none, so that finding them here costs less than to send a flag with each name.
    private func markDuplicates(among names: [FQDN]) throws {
        var seen = Set<FQDN>(minimumCapacity: names.count)
        let again = names.indices.filter { !seen.insert(names[$0]).inserted }
        guard !again.isEmpty else { return }
        let positions = session.dialect.numbers("$1", as: "again")
        try session.run(
            """
            UPDATE plan_name SET is_again = true WHERE position IN (
                SELECT again.value + \(session.dialect.firstKey) FROM \(positions))
            """, [.numbers(again.map(Int64.init))])
    }

    private func stage(_ filter: DomainFilter, _ sample: Sample?) throws -> Int {
        var conditions = SQLFilter()
        conditions.add(filter)
        conditions.add(prefix: filter.prefix)
        conditions.add("name_sample(fqdn) < ?", sample?.threshold)
        return try session.run(
            """
            INSERT INTO plan_name (position, fqdn)
            SELECT row_number() OVER (ORDER BY fqdn), fqdn FROM domain \(conditions.clause)
            """, conditions.values)
    }

    /// Why a name is left out; nothing for those that are in.
    private func sortOut(from: LocationName) throws {
        try session.run(
            """
            INSERT INTO plan_row (position, fqdn, mode, registered_at, code)
            SELECT n.position, n.fqdn, d.mode, d.registered_at, \(Self.code)
            FROM plan_name n LEFT JOIN domain d ON d.fqdn = n.fqdn
            """, [.text(from.text)])
    }

    /// Why the domain `d` under the name `n` can't move from `$1`.
    static var code: String {
        """
        CASE
            WHEN n.is_again THEN 'duplicate'
            WHEN d.fqdn IS NULL THEN 'unknown-domain'
            WHEN d.location <> $1 THEN 'not-at-source'
            WHEN \(isSpokenFor) THEN 'in-another-migration' END
        """
    }

    static var isSpokenFor: String {
        """
        EXISTS (
            SELECT 1 FROM migration_domain m
            JOIN wave w ON w.migration = m.migration AND w.number = m.wave
            WHERE m.fqdn = d.fqdn AND m.wave IS NOT NULL AND w.state IN ('planned', 'announced', 'frozen'))
        """
    }
}

// MARK: - What comes out of it

extension PlanStage {
    /// The rows of all waves, with the number of each one's wave.
    ///
    /// `$1` and `$2`: `bounds`.
    private var inWaves: String {
        """
        SELECT w.number AS wave, r.fqdn, r.mode, r.registered_at
        FROM (SELECT row_number() OVER (ORDER BY first.key) AS number, first.value AS first,
                lead(first.value, 1, $2) OVER (ORDER BY first.key) AS next
            FROM \(session.dialect.numbers("$1", as: "first"))) AS w
        CROSS JOIN plan_row r
        WHERE r.position >= w.first AND r.position < w.next AND r.code IS NULL
        """
    }

    /// The positions with which the waves begin, and one behind the last wave: a wave has the next ones that are in.
    private func bounds(_ waves: [Wave]) throws -> [SQLValue] {
        var firsts: [Int64] = []
        var next: Int64 = 0
        for wave in waves {
            firsts.append(next)
            next =
                try session.first(
                    """
                    SELECT position FROM plan_row WHERE position >= $1 AND code IS NULL
                    ORDER BY position LIMIT 1 OFFSET $2
                    """, [.number(next), .number(wave.size)]
                ) { try $0.number(0) } ?? .max
        }
        return [.numbers(firsts), .number(next)]
    }

    /// `PlanningTransaction.addStagedPlan`.
    package func add(_ waves: [Wave], to hash: inout NetstringHash) throws {
        try session.stream(
            "SELECT wave, fqdn, mode FROM (\(inWaves)) AS planned ORDER BY wave, fqdn",
            bounds(waves)
        ) { $0.add(fields: 0..<3, to: &hash) }
    }

    /// `PlanningTransaction.stagedSkippedNames`.
    package func skippedNames(limit: Int) throws -> [SkippedName] {
        try session.rows(
            "SELECT fqdn, code FROM plan_row WHERE code IS NOT NULL ORDER BY position LIMIT $1",
            [.number(limit)], SkippedName.init(row:)
        ).compactMap(\.self)
    }

    /// A page of the rows that `keep` would write, by the positions that they'd have.
    func page(_ query: MigrationDomainQuery, of waves: [Wave]) throws -> Page<MigrationDomain> {
        let planned = waves.reduce(0) { $0 + Int64($1.size) }
        let after = query.after ?? 0
        var items: [MigrationDomain] = []
        if query.status != .skipped, after < planned {
            items = try plannedRows(waves, wave: query.wave, after: after, limit: query.limit + 1)
        }
        let missing = query.limit + 1 - items.count
        if query.status != .planned, query.wave == nil, missing > 0 {
            items += try skippedRows(
                after: max(0, after - planned), limit: missing, behind: planned)
        }
        return Page(first: query.limit, takenFrom: &items)
    }

    private func plannedRows(
        _ waves: [Wave], wave: Int?, after: Int64, limit: Int
    ) throws -> [MigrationDomain] {
        let ofWave = wave == nil ? "" : "AND wave = $5"
        return try session.rows(
            """
            SELECT p.position, p.fqdn, p.wave, d.tenant
            FROM (SELECT position, fqdn, wave
                FROM (SELECT row_number() OVER (ORDER BY wave, fqdn) AS position, fqdn, wave
                    FROM (\(inWaves)) AS planned) AS numbered
                WHERE position > $3 \(ofWave) ORDER BY position LIMIT $4) AS p
            LEFT JOIN domain d ON d.fqdn = p.fqdn ORDER BY p.position
            """,
            bounds(waves) + [.number(after), .number(limit)]
                + (wave.map { [.number($0)] } ?? [])
        ) { row in
            MigrationDomain(
                position: try row.number(0), fqdn: try row.name(1), wave: try row.integer(2),
                status: .planned, code: nil, tenant: try row.textIfPresent(3))
        }
    }

    /// - Parameters:
    ///   - after: how many skipped names come before.
    ///   - planned: how many rows the waves have.
    private func skippedRows(
        after: Int64, limit: Int, behind planned: Int64
    ) throws -> [MigrationDomain] {
        try session.rows(
            """
            SELECT s.number, s.fqdn, s.code, d.tenant
            FROM (SELECT number, fqdn, code
                FROM (SELECT row_number() OVER (ORDER BY position) AS number, fqdn, code
                    FROM plan_row WHERE code IS NOT NULL) AS numbered
                WHERE number > $1 ORDER BY number LIMIT $2) AS s
            LEFT JOIN domain d ON d.fqdn = s.fqdn ORDER BY s.number
            """, [.number(after), .number(limit)]
        ) { row in
            MigrationDomain(
                position: try row.number(0) + planned, fqdn: try row.name(1), wave: nil,
                status: .skipped, code: SkippedName.Code(rawValue: try row.text(2)),
                tenant: try row.textIfPresent(3))
        }
    }

    /// `MigrationTransaction.keepPlan`.
    package func keep(_ migration: Migration) throws {
        let number = SQLValue.number(try migration.insert(session))
        var first: Int64 = 1
        try session.run(
            """
            INSERT INTO wave (migration, number, state, first_position, size)
            VALUES ($1, $2, $3, $4, $5)
            """,
            each: migration.waves.map { wave in
                defer { first += Int64(wave.size) }
                return [
                    number, .number(wave.number), .text(wave.state.rawValue), .number(first),
                    .number(wave.size),
                ]
            })
        try session.run(
            """
            INSERT INTO migration_domain (migration, position, fqdn, wave, mode, registered_at)
            SELECT $3, row_number() OVER (ORDER BY wave, fqdn), fqdn, wave, mode, registered_at
            FROM (\(inWaves)) AS planned ORDER BY wave, fqdn
            """, bounds(migration.waves) + [number])
        try session.run(
            """
            INSERT INTO migration_domain (migration, position, fqdn, code)
            SELECT $1, row_number() OVER (ORDER BY position) + $2, fqdn, code
            FROM plan_row WHERE code IS NOT NULL
            """, [number, .number(first - 1)])
        try clear()
    }
}

extension SQLTransaction {
    package func stage(_ plan: MigrationPlan) throws -> PlanCounts {
        try PlanStage(session()).stage(plan)
    }

    package func stagedTenantSizes() throws -> [Int]? { try PlanStage(session()).tenantSizes() }

    package func addStagedPlan(of waves: [Wave], to hash: inout NetstringHash) throws {
        try PlanStage(session()).add(waves, to: &hash)
    }

    package func stagedSkippedNames(limit: Int) throws -> [SkippedName] {
        try PlanStage(session()).skippedNames(limit: limit)
    }

    package func keepPlan(_ migration: Migration) throws {
        try PlanStage(session()).keep(migration)
    }
}
