import RegistryLedger
import RegistryModel

extension Migration {
    package static let columns = """
        number, id, name, from_location, to_location, "freeze", state, digest, selected, eligible,
        created_at, created_by_token, created_by_name, created_by_role, reason, ticket,
        whole_tenants
        """

    /// With its waves, without skipped names.
    package static func read(_ session: some SQLSession, id: String) throws -> Migration? {
        try all(session, "WHERE id = $1", [.text(id)]).first
    }

    /// - Parameter rest: what follows the name of the table.
    package static func all(
        _ session: some SQLSession, _ rest: String, _ values: [SQLValue]
    ) throws -> [Migration] {
        let found = try session.rows("SELECT \(columns) FROM migration \(rest)", values) { row in
            (number: try row.number(0), migration: try Migration(row: row))
        }
        return try found.map { number, migration in
            var migration = migration
            migration.waves = try session.rows(
                """
                SELECT w.number, w.state, w.size, w.deadline, w.revision,
                    a.token, a.name, a.role, a.at, a.revision, w.announcement
                FROM wave w
                LEFT JOIN wave_approval a ON a.migration = w.migration AND a.wave = w.number
                WHERE w.migration = $1 ORDER BY w.number
                """, [.number(number)], Wave.init(row:))
            return migration
        }
    }

    /// Without its waves.
    private init(row: SQLRow) throws {
        self.init(
            id: try row.text(1), name: try row.text(2), from: try row.location(3),
            to: try row.location(4), freeze: try row.word(5), state: try row.word(6),
            digest: try row.bytes(7),
            counts: PlanCounts(selected: try row.integer(8), eligible: try row.integer(9)),
            waves: [], createdAt: try row.time(10),
            createdBy: Actor(
                token: try row.text(11), name: try row.text(12), role: try row.word(13)),
            note: Note(reason: try row.textIfPresent(14), ticket: try row.textIfPresent(15)),
            wholeTenants: try row.flag(16))
    }

    package static func openCount(_ session: some SQLSession) throws -> Int {
        try session.count(
            "SELECT count(*) FROM migration WHERE state IN ('planned', 'running')")
    }

    package static func frozenWaves(_ session: some SQLSession) throws -> [FrozenWave] {
        try session.rows(
            """
            SELECT g.id, w.number, g.from_location, w.size
            FROM \(WaveName.frozen(session.dialect)) WHERE w.state = 'frozen'
            """
        ) { row in
            FrozenWave(
                name: try WaveName(row: row),
                location: try row.location(2), size: try row.integer(3))
        }
    }
}

extension Wave {
    fileprivate init(row: SQLRow) throws {
        self.init(
            number: try row.integer(0), state: try row.word(1), size: try row.integer(2),
            deadline: try row.timeIfPresent(3),
            revision: try row.numberIfPresent(4).map { Revision($0) },
            announcement: try row.numberIfPresent(10).map { Revision($0) },
            approval: try WaveApproval(row: row))
    }
}

extension WaveApproval {
    /// Nil where there is none.
    fileprivate init?(row: SQLRow) throws {
        guard let token = try row.textIfPresent(5) else { return nil }
        self.init(
            by: Actor(token: token, name: try row.text(6), role: try row.word(7)),
            at: try row.time(8), revision: try row.revision(9))
    }
}

extension DomainFreeze {
    /// - Parameter names: a condition on `m.fqdn`.
    package static func select(_ names: String) -> String {
        """
        SELECT m.fqdn, g.id, w.number, g."freeze", coalesce(m.own_mode, m.mode)
        FROM migration_domain m
        JOIN wave w ON w.migration = m.migration AND w.number = m.wave
        JOIN migration g ON g.number = m.migration
        WHERE m.fqdn \(names) AND m.wave IS NOT NULL AND w.state = 'frozen'
        """
    }

    package init(row: SQLRow) throws {
        self.init(
            wave: try WaveName(row: row, from: 1),
            mode: try row.word(3), ownMode: try row.word(4))
    }
}

extension SkippedName {
    /// The first ones of a migration, in the order of its selection.
    package static func first(
        _ limit: Int, of migration: String, _ session: some SQLSession
    ) throws -> [SkippedName] {
        // The skipped ones come last: from the end of the waves on, no row is passed over. The migration's number is one
        // value: joined with its table, PostgreSQL would sort all that there are.
        let number = "(SELECT number FROM migration WHERE id = $1)"
        return try session.rows(
            """
            SELECT fqdn, code FROM migration_domain
            WHERE migration = \(number) AND code IS NOT NULL
                AND position >= coalesce((SELECT max(first_position + size) FROM wave
                    WHERE migration = \(number)), 1)
            ORDER BY position LIMIT $2
            """, [.text(migration), .number(limit)], Self.init(row:)
        ).compactMap(\.self)
    }

    /// Nil for a code that isn't known here: a newer version's.
    package init?(row: SQLRow) throws {
        guard let code = Code(rawValue: try row.text(1)) else { return nil }
        self.init(fqdn: try row.name(0), code: code)
    }
}

extension MigrationDomain {
    package init(row: SQLRow) throws {
        self.init(
            position: try row.number(0), fqdn: try row.name(1),
            wave: try row.numberIfPresent(2).map(Int.init), status: try row.word(4),
            code: try row.textIfPresent(3).flatMap(SkippedName.Code.init(rawValue:)))
    }
}
