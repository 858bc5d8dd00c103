import RegistryLedger
import RegistryModel
import StoreCore

/// A plan in the making, set-based: the selection is staged in temporary tables of the session, which are
/// empty between two transactions; the plan itself is read from them in a few statements. What is kept and
/// what is only asked for come out of the same statements.
struct PlanStage {
    private let connection: PostgresConnection

    /// Names in one statement, at most.
    private static let namesAtOnce = 50_000
    /// From so many rows on the server needs to know what is there: gathering that takes longer than
    /// looking through fewer.
    private static let manyRows = 1_000

    init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    static func makeTables(_ connection: PostgresConnection) throws {
        try connection.script(
            """
            CREATE TEMP TABLE IF NOT EXISTS plan_name (
                position bigint PRIMARY KEY, fqdn text COLLATE "C" NOT NULL, is_again boolean NOT NULL)
                ON COMMIT DELETE ROWS;
            CREATE TEMP TABLE IF NOT EXISTS plan_row (
                position bigint PRIMARY KEY, fqdn text COLLATE "C" NOT NULL, mode text COLLATE "C",
                registered_at bigint, code text COLLATE "C", turn bigint) ON COMMIT DELETE ROWS;
            """)
    }

    func stage(_ selection: Selection, from: LocationName) throws -> PlanCounts {
        let selected: Int
        switch selection {
        case .names(let names): selected = try stage(names)
        case .filter(let filter, let sample): selected = try stage(filter, sample)
        }
        if selected >= Self.manyRows { try connection.script("ANALYZE plan_name;") }
        try sortOut(from: from)
        if selected >= Self.manyRows { try connection.script("ANALYZE plan_row;") }
        return PlanCounts(
            selected: try connection.count("SELECT count(*) FROM plan_row"),
            eligible: try connection.count("SELECT count(turn) FROM plan_row"))
    }

    private func stage(_ names: [FQDN]) throws -> Int {
        var seen = Set<FQDN>(minimumCapacity: names.count)
        for start in stride(from: 0, to: names.count, by: Self.namesAtOnce) {
            let part = names[start..<min(start + Self.namesAtOnce, names.count)]
            try connection.query(
                "INSERT INTO plan_name SELECT * FROM unnest($1, $2, $3)",
                [
                    .numbers(part.indices.map { Int64($0) }), .names(Array(part)),
                    .flags(part.map { !seen.insert($0).inserted }),
                ])
        }
        return names.count
    }

    private func stage(_ filter: DomainFilter, _ sample: Sample?) throws -> Int {
        var conditions = SQLFilter()
        conditions.add("tenant = ?", filter.tenant)
        conditions.add("registered_at < ?", filter.registeredBefore?.milliseconds)
        conditions.add(prefix: filter.prefix)
        conditions.add(suffix: filter.suffix)
        conditions.add("name_sample(fqdn) < ?", sample?.threshold)
        return try connection.query(
            """
            INSERT INTO plan_name
            SELECT row_number() OVER (ORDER BY fqdn), fqdn, false FROM domain \(conditions.clause)
            """, conditions.values
        ).changed
    }

    /// Why a name is left out, or its turn among those that are in.
    private func sortOut(from: LocationName) throws {
        try connection.query(
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
}

extension PlanStage {
    /// The turn of each wave's first row.
    static func firstTurns(of waves: [Wave]) -> [Int64] {
        var next: Int64 = 1
        return waves.map { wave in
            defer { next += Int64(wave.size) }
            return next
        }
    }

    /// Rows with the numbers of their waves, which begin with 1.
    ///
    /// - Parameters:
    ///   - firsts: where the first turns of the waves are.
    ///   - count: where the number of rows in all waves is.
    static func inWaves(_ firsts: String, _ count: String) -> String {
        """
        SELECT width_bucket(turn, \(firsts)::bigint[])::bigint AS wave, fqdn, mode, registered_at
        FROM plan_row WHERE turn <= \(count)
        """
    }

    func addPlan(of waves: [Wave], to hash: inout NetstringHash) throws {
        let planned = Int64(waves.reduce(0) { $0 + $1.size })
        try connection.query(
            """
            DECLARE planned NO SCROLL CURSOR FOR
            SELECT wave, fqdn, mode FROM (\(Self.inWaves("$1", "$2"))) AS rows ORDER BY wave, fqdn
            """, [.numbers(Self.firstTurns(of: waves).map { $0 }), .number(planned)])
        while true {
            let rows = try connection.query("FETCH \(PostgresTransaction.rowsAtOnce) FROM planned")
            for index in 0..<rows.count { rows[index].add(fields: 0..<3, to: &hash) }
            if rows.count < Int(PostgresTransaction.rowsAtOnce) { break }
        }
        try connection.query("CLOSE planned")
    }

    func skippedNames(limit: Int) throws -> [SkippedName] {
        try connection.rows(
            "SELECT fqdn, code FROM plan_row WHERE code IS NOT NULL ORDER BY position LIMIT $1",
            [.number(limit)], SkippedName.init(row:)
        ).compactMap(\.self)
    }
}
