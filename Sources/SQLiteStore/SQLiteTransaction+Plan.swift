import Crypto
import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

// Plans, set-based. The selection is staged in temporary tables of the connection, which hold nothing
// between two plans; the plan itself is read from them in a few statements.

extension SQLiteTransaction {
    func stage(_ selection: Selection, from: LocationName) throws -> PlanCounts {
        try db.execute(
            sql: """
                CREATE TEMP TABLE IF NOT EXISTS plan_name (
                    position INTEGER PRIMARY KEY, fqdn TEXT NOT NULL, is_again INTEGER NOT NULL);
                CREATE TEMP TABLE IF NOT EXISTS plan_row (
                    position INTEGER PRIMARY KEY, fqdn TEXT NOT NULL, mode TEXT,
                    registered_at INTEGER, code TEXT);
                CREATE TEMP TABLE IF NOT EXISTS plan_turn (
                    turn INTEGER PRIMARY KEY, fqdn TEXT NOT NULL, mode TEXT NOT NULL,
                    registered_at INTEGER NOT NULL);
                """)
        try clearStage()
        switch selection {
        case .names(let names): try stage(names)
        case .filter(let filter, let sample): try stage(filter, sample)
        }
        try sortOut(from: from)
        return PlanCounts(
            selected: try db.count("SELECT count(*) FROM plan_row"),
            eligible: try db.count("SELECT count(*) FROM plan_turn"))
    }

    func clearStage() throws {
        try db.execute(
            sql: """
                DELETE FROM temp.plan_name; DELETE FROM temp.plan_row; DELETE FROM temp.plan_turn;
                """)
    }

    private func stage(_ names: [FQDN]) throws {
        let insert = try RawStatement(
            db.cachedStatement(sql: "INSERT INTO plan_name VALUES (?, ?, ?)"), in: db)
        var seen = Set<FQDN>(minimumCapacity: names.count)
        for (position, name) in names.enumerated() {
            let isAgain = !seen.insert(name).inserted
            try insert.run {
                $0.number(position)
                $0.text(name.text)
                $0.number(isAgain ? 1 : 0)
            }
        }
    }

    private func stage(_ filter: DomainFilter, _ sample: Sample?) throws {
        var conditions = SQLFilter()
        conditions.add("tenant = ?", filter.tenant)
        conditions.add("registered_at < ?", filter.registeredBefore?.milliseconds)
        conditions.add(prefix: filter.prefix)
        conditions.add(suffix: filter.suffix)
        conditions.add("\(SampleFunction.name)(fqdn) < ?", sample?.threshold)
        try db.run(
            """
            INSERT INTO plan_name
            SELECT row_number() OVER (ORDER BY fqdn), fqdn, 0 FROM domain \(conditions.clause)
            """, conditions.values)
    }

    /// Why a name is left out, or its turn among those that are in.
    private func sortOut(from: LocationName) throws {
        try run(
            """
            INSERT INTO plan_row (position, fqdn, mode, registered_at, code)
            SELECT n.position, n.fqdn, d.mode, d.registered_at, CASE
                WHEN n.is_again THEN 'duplicate'
                WHEN d.fqdn IS NULL THEN 'unknown-domain'
                WHEN d.location <> ? THEN 'not-at-source'
                WHEN EXISTS (
                    SELECT 1 FROM migration_domain m
                    JOIN wave w ON w.migration = m.migration AND w.number = m.wave
                    WHERE m.fqdn = n.fqdn AND m.wave IS NOT NULL
                        AND w.state IN ('planned', 'frozen')) THEN 'in-another-migration'
                END
            FROM plan_name n LEFT JOIN domain d ON d.fqdn = n.fqdn
            """, [from.text])
        try run(
            """
            INSERT INTO plan_turn (turn, fqdn, mode, registered_at)
            SELECT row_number() OVER (ORDER BY position), fqdn, mode, registered_at
            FROM plan_row WHERE code IS NULL ORDER BY position
            """, [])
    }

    func keepPlan(_ migration: Migration) throws {
        let number = try migration.insert(db)
        let first = try forEachWave(migration.waves) { wave, first, last in
            try run(
                """
                INSERT INTO wave (migration, number, state, first_position, size)
                VALUES (?, ?, ?, ?, ?)
                """, [number, wave.number, wave.state.rawValue, first, wave.size])
            try run(
                """
                INSERT INTO migration_domain (migration, position, fqdn, wave, mode, registered_at)
                SELECT ?, row_number() OVER (ORDER BY fqdn) + ?, fqdn, ?, mode, registered_at
                FROM plan_turn WHERE turn BETWEEN ? AND ? ORDER BY fqdn
                """, [number, first - 1, wave.number, first, last])
        }
        try run(
            """
            INSERT INTO migration_domain (migration, position, fqdn, code)
            SELECT ?, row_number() OVER (ORDER BY position) + ?, fqdn, code
            FROM plan_row WHERE code IS NOT NULL
            """, [number, first - 1])
        try clearStage()
    }

    /// - Parameter body: gets a wave, and its first and last turn.
    /// - Returns: the first turn after them.
    private func forEachWave(
        _ waves: [Wave], _ body: (Wave, _ first: Int, _ last: Int) throws -> Void
    ) throws -> Int {
        try waves.reduce(1) { first, wave in
            try body(wave, first, first + wave.size - 1)
            return first + wave.size
        }
    }

    func addStagedPlan(of waves: [Wave], to hash: inout NetstringHash) throws {
        let statement = try RawStatement(
            db.cachedStatement(
                sql: """
                    SELECT ?1, fqdn, mode FROM plan_turn WHERE turn BETWEEN ?2 AND ?3 ORDER BY fqdn
                    """), in: db)
        _ = try forEachWave(waves) { wave, first, last in
            try statement.forEach {
                $0.number(wave.number)
                $0.number(first)
                $0.number(last)
            } _: { row in
                row.add(fields: 0..<3, to: &hash)
            }
        }
    }

    func stagedSkippedNames(limit: Int) throws -> [SkippedName] {
        try db.rows(
            "SELECT fqdn, code FROM plan_row WHERE code IS NOT NULL ORDER BY position LIMIT $1",
            [.number(limit)], SkippedName.init(row:)
        ).compactMap(\.self)
    }
}

/// The first four octets of a name's SHA-256, as a big-endian number: which sample a name is in.
enum SampleFunction {
    static let name = "name_sample"

    static let function = DatabaseFunction(name, argumentCount: 1, pure: true) { values in
        guard let text = String.fromDatabaseValue(values[0]) else { return nil }
        return SHA256.hash(data: Data(text.utf8)).prefix(4).reduce(Int64(0)) { $0 << 8 | Int64($1) }
    }
}
