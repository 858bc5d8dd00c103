import RegistryLedger
import RegistryModel

// How the model's values are read from rows, by the places of the columns that `columns` names. The
// schema's CHECKs guarantee what is forced here.

extension Placement {
    /// Location, mode and tenant, side by side from a column on.
    init?(row: ResultRow, from column: Int32) {
        guard let location = row.textIfPresent(column) else { return nil }
        self.init(
            location: LocationName(canonical: location),
            mode: Mode(rawValue: row.text(column + 1)) ?? .reject,
            tenant: row.textIfPresent(column + 2))
    }
}

extension Domain {
    static let columns = "fqdn, location, mode, tenant, revision, registered_at, changed_at"

    init(row: ResultRow) {
        self.init(
            fqdn: FQDN(canonical: row.text(0)),
            placement: Placement(row: row, from: 1)
                ?? Placement(location: LocationName(canonical: "")),
            revision: row.revision(4), registeredAt: row.time(5), changedAt: row.time(6))
    }
}

extension ReleasedDomain {
    static let columns =
        "fqdn, location, mode, tenant, revision, registered_at, released_at, available_at"

    init(row: ResultRow) {
        self.init(
            fqdn: FQDN(canonical: row.text(0)),
            placement: Placement(row: row, from: 1)
                ?? Placement(location: LocationName(canonical: "")),
            revision: row.revision(4), registeredAt: row.time(5), releasedAt: row.time(6),
            availableAt: row.time(7))
    }
}

extension Location {
    static let columns = "name, upstream, accepts_signups, default_for_signups, revision"

    init(row: ResultRow) {
        self.init(
            name: LocationName(canonical: row.text(0)),
            settings: LocationSettings(
                upstream: UpstreamURL(canonical: row.text(1)), acceptsSignups: row.flag(2),
                isDefaultForSignups: row.flag(3)),
            revision: row.revision(4))
    }
}

extension TokenRecord {
    static let select = """
        SELECT t.id, t.name, t.role, t.secret_digest, t.created_at, t.expires_at, t.revoked_at,
            u.last_used_at
        FROM token t LEFT JOIN token_use u ON u.token = t.id
        """

    init(row: ResultRow) {
        self.init(
            id: row.text(0), name: row.text(1), role: Role(rawValue: row.text(2)) ?? .reader,
            secretDigest: row.octets(3), createdAt: row.time(4),
            expiresAt: row.timeIfPresent(5), revokedAt: row.timeIfPresent(6),
            lastUsedAt: row.timeIfPresent(7))
    }
}

extension Head {
    static let select = "SELECT epoch, revision, digest, at FROM head"

    init(row: ResultRow) {
        self.init(
            epoch: Epoch(row.text(0)), revision: row.revision(1), digest: row.octets(2),
            at: row.time(3))
    }

    static let missing = PostgresFailure.refused(state: "XX001", message: "the head is missing")

    static func read(_ connection: PostgresConnection) throws -> Head {
        guard let row = try connection.query(select).first else { throw missing }
        return Head(row: row)
    }
}

extension IdempotencyRecord {
    static let columns = "token, key, request_digest, revision, outcome, created_at"

    /// `nil`: an answer that isn't there.
    init?(row: ResultRow) throws {
        guard let outcome: Outcome = try ChangeRow.value(row.textIfPresent(4)) else { return nil }
        self.init(
            key: IdempotencyKey(token: row.text(0), key: row.text(1), requestDigest: row.octets(2)),
            revision: row.revision(3), outcome: outcome, createdAt: row.time(5))
    }

    static func read(
        _ key: IdempotencyKey, _ connection: PostgresConnection
    ) throws -> IdempotencyRecord? {
        try connection.query(
            "SELECT \(columns) FROM idempotency WHERE token = $1 AND key = $2",
            [.text(key.token), .text(key.key)]
        ).first.flatMap(Self.init(row:))
    }

    /// They take the place of older ones with the same token and key.
    static func insertion(of new: [IdempotencyRecord]) -> Statement {
        Statement(
            """
            INSERT INTO idempotency (token, key, request_digest, revision, outcome, created_at)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
            ON CONFLICT (token, key) DO UPDATE SET request_digest = excluded.request_digest,
                revision = excluded.revision, outcome = excluded.outcome,
                created_at = excluded.created_at
            """,
            [
                .texts(new.map(\.key.token)), .texts(new.map(\.key.key)),
                .octetLists(new.map(\.key.requestDigest)), .numbers(new.map(\.revision.number)),
                .texts(new.map { ChangeRow.text($0.outcome) }),
                .numbers(new.map(\.createdAt.milliseconds)),
            ])
    }
}

extension HistoryItem {
    static let columns = """
        c.revision, c.position, c.action, c.fqdn, c.before_location, c.before_mode, c.before_tenant,
        c.after_location, c.after_mode, c.after_tenant, c.registered_at, c.subject, c.before_detail,
        c.after_detail, r.epoch, r.at, r.actor_token, r.actor_name, r.actor_role, r.reason, r.ticket,
        r.request_id, r.migration, r.wave, r.override_reason
        """

    init(row: ResultRow) throws {
        let change = try ChangeRow(
            action: row.text(2), fqdn: row.textIfPresent(3), before: Placement(row: row, from: 4),
            after: Placement(row: row, from: 7), registeredAt: row.timeIfPresent(10),
            subject: row.textIfPresent(11), beforeDetail: row.textIfPresent(12),
            afterDetail: row.textIfPresent(13)
        ).change()
        let header = RevisionHeader(
            epoch: Epoch(row.text(14)), revision: row.revision(0), at: row.time(15),
            actor: Actor(
                token: row.text(16), name: row.text(17),
                role: Role(rawValue: row.text(18)) ?? .reader),
            note: Note(reason: row.textIfPresent(19), ticket: row.textIfPresent(20)),
            requestID: row.text(21), migration: row.textIfPresent(22),
            wave: row.numberIfPresent(23).map(Int.init), overrideReason: row.textIfPresent(24))
        self.init(header: header, position: row.integer(1), change: change)
    }
}

extension Migration {
    static let columns = """
        number, id, name, from_location, to_location, "freeze", state, digest, selected, eligible,
        created_at, created_by_token, created_by_name, created_by_role, reason, ticket
        """

    /// - Parameter connection: where its waves are read.
    init(row: ResultRow, _ connection: PostgresConnection) throws {
        let waves = try connection.query(
            "SELECT number, state, size, deadline, revision FROM wave WHERE migration = $1 ORDER BY number",
            [.number(row.number(0))]
        ).map(Wave.init(row:))
        self.init(
            id: row.text(1), name: row.text(2), from: LocationName(canonical: row.text(3)),
            to: LocationName(canonical: row.text(4)),
            freeze: FreezeMode(rawValue: row.text(5)) ?? .none,
            state: MigrationState(rawValue: row.text(6)) ?? .running, digest: row.octets(7),
            counts: PlanCounts(selected: row.integer(8), eligible: row.integer(9)), waves: waves,
            createdAt: row.time(10),
            createdBy: Actor(
                token: row.text(11), name: row.text(12),
                role: Role(rawValue: row.text(13)) ?? .reader),
            note: Note(reason: row.textIfPresent(14), ticket: row.textIfPresent(15)))
    }

    static func openCount(_ connection: PostgresConnection) throws -> Int {
        try connection.query(
            "SELECT count(*) FROM migration WHERE state IN ('planned', 'running')"
        ).first?.integer(0) ?? 0
    }

    static func frozenWaves(_ connection: PostgresConnection) throws -> [FrozenWave] {
        try connection.query(
            """
            SELECT g.id, w.number, g.from_location, w.size
            FROM wave w JOIN migration g ON g.number = w.migration WHERE w.state = 'frozen'
            """
        ).map { row in
            FrozenWave(
                name: WaveName(migration: row.text(0), number: row.integer(1)),
                location: LocationName(canonical: row.text(2)), size: row.integer(3))
        }
    }
}

extension DomainFreeze {
    /// After the domain's name: migration, wave, the freeze's mode, the domain's own.
    init(row: ResultRow) {
        self.init(
            wave: WaveName(migration: row.text(1), number: row.integer(2)),
            mode: Mode(rawValue: row.text(3)) ?? .reject,
            ownMode: Mode(rawValue: row.text(4)) ?? .reject)
    }
}

extension Wave {
    init(row: ResultRow) {
        self.init(
            number: row.integer(0), state: WaveState(rawValue: row.text(1)) ?? .cancelled,
            size: row.integer(2), deadline: row.timeIfPresent(3),
            revision: row.numberIfPresent(4).map { Revision($0) })
    }
}

extension SkippedName {
    static func first(
        _ limit: Int, of migration: String, _ connection: PostgresConnection
    ) throws -> [SkippedName] {
        // The skipped ones come last: from the end of the waves on, no row is passed over.
        try connection.query(
            """
            SELECT m.fqdn, m.code FROM migration g
            JOIN migration_domain m ON m.migration = g.number
                AND m.position >= coalesce((SELECT max(first_position + size) FROM wave
                    WHERE migration = g.number), 1)
            WHERE g.id = $1 AND m.code IS NOT NULL ORDER BY m.position LIMIT $2
            """, [.text(migration), .number(Int64(limit))]
        ).map(Self.init(row:)).compactMap(\.self)
    }

    /// Nil for a code that isn't known here.
    init?(row: ResultRow) {
        guard let code = Code(rawValue: row.text(1)) else { return nil }
        self.init(fqdn: FQDN(canonical: row.text(0)), code: code)
    }
}

extension MigrationDomain {
    init(row: ResultRow) {
        self.init(
            position: row.number(0), fqdn: FQDN(canonical: row.text(1)),
            wave: row.numberIfPresent(2).map(Int.init),
            status: Status(rawValue: row.text(4)) ?? .skipped,
            code: row.textIfPresent(3).flatMap(SkippedName.Code.init(rawValue:)))
    }
}
