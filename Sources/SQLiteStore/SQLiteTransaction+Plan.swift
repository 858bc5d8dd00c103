import Crypto
import Foundation
import GRDB
import RegistryLedger
import RegistryModel

// Plans, set-based. The selection is staged in temporary tables of the writer's connection, which
// hold nothing between two plans; the plan itself is read from them in a few statements.

extension SQLiteTransaction {
    func stage(_ selection: Selection, from: LocationName) throws -> PlanCounts {
        try db.execute(
            sql: """
                CREATE TEMP TABLE IF NOT EXISTS plan_name (
                    position INTEGER PRIMARY KEY, fqdn TEXT NOT NULL, is_again INTEGER NOT NULL);
                CREATE TEMP TABLE IF NOT EXISTS plan_row (
                    position INTEGER PRIMARY KEY, fqdn TEXT NOT NULL, mode TEXT,
                    registered_at INTEGER, code TEXT, turn INTEGER);
                DELETE FROM temp.plan_name;
                DELETE FROM temp.plan_row;
                """)
        switch selection {
        case .names(let names): try stage(names)
        case .filter(let filter, let sample): try stage(filter, sample)
        }
        try sortOut(from: from)
        let row = try row("SELECT count(*) AS selected, count(turn) AS eligible FROM plan_row", [])
        return PlanCounts(selected: row?["selected"] ?? 0, eligible: row?["eligible"] ?? 0)
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
        var conditions = Filter()
        conditions.add("tenant = ?", filter.tenant)
        conditions.add("registered_at < ?", filter.registeredBefore?.milliseconds)
        conditions.add(prefix: filter.prefix)
        conditions.add(suffix: filter.suffix)
        conditions.add("\(SampleFunction.name)(fqdn) < ?", sample?.threshold)
        try db.execute(
            sql: """
                INSERT INTO plan_name
                SELECT row_number() OVER (ORDER BY fqdn), fqdn, 0 FROM domain \(conditions.clause)
                """, arguments: conditions.arguments)
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
            UPDATE plan_row SET turn = o.turn
            FROM (SELECT position, row_number() OVER (ORDER BY position) AS turn
                  FROM plan_row WHERE code IS NULL) o
            WHERE plan_row.position = o.position
            """, [])
    }

    func keepPlan(_ migration: Migration) throws {
        try insert(migration)
        let number = db.lastInsertedRowID
        var first = 1
        for wave in migration.waves {
            try run(
                """
                INSERT INTO wave (migration, number, state, first_position, size)
                VALUES (?, ?, ?, ?, ?)
                """, [number, wave.number, wave.state.rawValue, first, wave.size])
            try run(
                """
                INSERT INTO migration_domain (migration, position, fqdn, wave, mode, registered_at)
                SELECT ?, row_number() OVER (ORDER BY fqdn) + ?, fqdn, ?, mode, registered_at
                FROM plan_row WHERE turn BETWEEN ? AND ? ORDER BY fqdn
                """, [number, first - 1, wave.number, first, first + wave.size - 1])
            first += wave.size
        }
        try run(
            """
            INSERT INTO migration_domain (migration, position, fqdn, code)
            SELECT ?, row_number() OVER (ORDER BY position) + ?, fqdn, code
            FROM plan_row WHERE code IS NOT NULL
            """, [number, first - 1])
        try db.execute(sql: "DELETE FROM temp.plan_name; DELETE FROM temp.plan_row;")
    }

    private func insert(_ migration: Migration) throws {
        try run(
            """
            INSERT INTO migration (id, name, from_location, to_location, freeze, state, digest,
                selected, eligible, created_at, created_by_token, created_by_name, created_by_role,
                reason, ticket)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                migration.id, migration.name, migration.from.text, migration.to.text,
                migration.freeze.rawValue, migration.state.rawValue, Data(migration.digest),
                migration.counts.selected, migration.counts.eligible,
                migration.createdAt.milliseconds, migration.createdBy.token,
                migration.createdBy.name, migration.createdBy.role.rawValue, migration.reason,
                migration.ticket,
            ])
    }

    func addPlan(of migration: String, to hash: inout NetstringHash) throws {
        let statement = try db.cachedStatement(
            sql: """
                SELECT wave, fqdn, mode FROM migration_domain
                WHERE migration = (SELECT number FROM migration WHERE id = ?)
                    AND wave IS NOT NULL ORDER BY position
                """)
        try RawStatement(statement, in: db).forEach {
            $0.text(migration)
        } _: { row in
            row.add(fields: 0..<3, to: &hash)
        }
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
