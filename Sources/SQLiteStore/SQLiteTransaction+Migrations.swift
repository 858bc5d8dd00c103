import Foundation
import GRDB
import RegistryLedger
import RegistryModel

// What a migration is, and where its waves stand. `SQLiteTransaction+Plan` makes plans, and
// `SQLiteTransaction+Waves` moves a wave's rows.

extension SQLiteTransaction {
    func migration(_ id: String) throws -> Migration? {
        try row("SELECT * FROM migration WHERE id = ?", [id]).map { row in
            try Migration(row: row, waves: Migration.waves(db, of: row["number"]))
        }
    }

    func setState(_ state: MigrationState, ofMigration id: String) throws {
        try run("UPDATE migration SET state = ? WHERE id = ?", [state.rawValue, id])
    }

    func put(_ wave: Wave, of migration: String) throws {
        try run(
            """
            UPDATE wave SET state = ?, deadline = ?, revision = ?
            WHERE migration = (SELECT number FROM migration WHERE id = ?) AND number = ?
            """,
            [
                wave.state.rawValue, wave.deadline?.milliseconds, wave.revision?.number, migration,
                wave.number,
            ])
    }

    func freeze(of fqdn: FQDN) throws -> DomainFreeze? {
        try statements[.freeze].first {
            $0.text(fqdn.text)
        } _: { row in
            DomainFreeze(
                wave: WaveName(migration: row.text(0), number: Int(row.number(1))),
                mode: Mode(rawValue: row.text(2)) ?? .reject,
                ownMode: Mode(rawValue: row.text(3)) ?? .reject)
        }
    }

    func setOwnMode(_ mode: Mode, of fqdn: FQDN, in wave: WaveName) throws {
        try run(
            """
            UPDATE migration_domain SET own_mode = ?
            WHERE fqdn = ? AND wave = ? AND migration = (SELECT number FROM migration WHERE id = ?)
            """, [mode.rawValue, fqdn.text, wave.number, wave.migration])
        guard db.changesCount == 1 else { throw RegistryError.inconsistent }
    }

    func isReferencedByMigration(_ location: LocationName) throws -> Bool {
        try exists(
            """
            SELECT 1 FROM migration WHERE state IN ('planned', 'running')
                AND (from_location = ?1 OR to_location = ?1) LIMIT 1
            """, [location.text])
    }

    func skippedNames(of migration: String, limit: Int) throws -> [SkippedName] {
        try SkippedName.first(limit, of: migration, db)
    }
}

extension SkippedName {
    static func first(_ limit: Int, of migration: String, _ db: Database) throws -> [SkippedName] {
        // The skipped ones come last: from the end of the waves on, no row is passed over.
        try all(
            Row.fetchAll(
                try db.cachedStatement(
                    sql: """
                        SELECT m.fqdn, m.code FROM migration g
                        JOIN migration_domain m ON m.migration = g.number
                            AND m.position >= coalesce((SELECT max(first_position + size) FROM wave
                                WHERE migration = g.number), 1)
                        WHERE g.id = ? ORDER BY m.position LIMIT ?
                        """), arguments: [migration, limit]))
    }

    static func all(_ rows: [Row]) -> [SkippedName] {
        rows.compactMap { row in
            Code(rawValue: row["code"]).map {
                SkippedName(fqdn: FQDN(canonical: row["fqdn"]), code: $0)
            }
        }
    }
}

extension Migration {
    static func openCount(_ db: Database) throws -> Int {
        try Int.fetchOne(
            db, sql: "SELECT count(*) FROM migration WHERE state IN ('planned', 'running')") ?? 0
    }

    static func frozenWaves(_ db: Database) throws -> [FrozenWave] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT g.id, w.number, g.from_location, w.size
                FROM wave w JOIN migration g ON g.number = w.migration WHERE w.state = 'frozen'
                """
        ).map { row in
            FrozenWave(
                name: WaveName(migration: row[0], number: row[1]),
                location: LocationName(canonical: row[2]), size: row[3])
        }
    }

    static func waves(_ db: Database, of number: Int64) throws -> [Wave] {
        try Row.fetchAll(
            try db.cachedStatement(
                sql: "SELECT * FROM wave WHERE migration = ? ORDER BY number"),
            arguments: [number]
        ).map(Wave.init(row:))
    }

    init(row: Row, waves: [Wave]) throws {
        let digest: Data = row["digest"]
        self.init(
            id: row["id"], name: row["name"],
            from: LocationName(canonical: row["from_location"]),
            to: LocationName(canonical: row["to_location"]),
            freeze: FreezeMode(rawValue: row["freeze"]) ?? .none,
            state: MigrationState(rawValue: row["state"]) ?? .running, digest: Array(digest),
            counts: PlanCounts(selected: row["selected"], eligible: row["eligible"]), waves: waves,
            createdAt: Timestamp(milliseconds: row["created_at"]),
            createdBy: Actor(
                token: row["created_by_token"], name: row["created_by_name"],
                role: Role(rawValue: row["created_by_role"]) ?? .reader),
            note: Note(reason: row["reason"], ticket: row["ticket"]))
    }
}

extension Wave {
    init(row: Row) {
        let deadline: Int64? = row["deadline"]
        let revision: Int64? = row["revision"]
        self.init(
            number: row["number"], state: WaveState(rawValue: row["state"]) ?? .cancelled,
            size: row["size"], deadline: deadline.map(Timestamp.init),
            revision: revision.map { Revision($0) })
    }
}
