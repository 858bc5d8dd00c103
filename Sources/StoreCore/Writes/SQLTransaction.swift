import RegistryLedger
import RegistryModel

/// An engine's write transaction. What ordinary commands write is the engine's: SQLite writes each row at once,
/// PostgreSQL gathers a group's rows and sends them together. Everything else is one statement for both, here.
package protocol SQLTransaction: LedgerTransaction {
    associatedtype Session: SQLSession

    /// The session, once everything that was decided before has been sent.
    func session() throws -> Session

    /// What memory has counted, of a revision that isn't later than the head's.
    var counts: DomainCounts? { get }
}

// MARK: - Locations

extension SQLTransaction {
    package func locationCount() throws -> Int {
        try session().count("SELECT count(*) FROM location")
    }

    package func isReferenced(_ location: LocationName, at now: Timestamp) throws -> Bool {
        let session = try session()
        let rests = try session.exists(
            "SELECT 1 FROM released_domain WHERE location = $1 AND available_at > $2 LIMIT 1",
            [.text(location.text), .number(now.milliseconds)])
        guard !rests else { return true }
        let isHeld = try session.exists(
            "SELECT 1 FROM held_domain WHERE location = $1 LIMIT 1", [.text(location.text)])
        guard !isHeld else { return true }
        let known = try counts.flatMap { $0() }?.known(
            at: location, through: head().revision, session)
        if let known { return known > 0 }
        return try session.exists(
            "SELECT 1 FROM domain WHERE location = $1 LIMIT 1", [.text(location.text)])
    }

    package func domainCount(at location: LocationName) throws -> Int {
        try location.domainCount(by: counts, through: head().revision, session())
    }
}

extension LocationName {
    /// How many domains are there, in a transaction.
    ///
    /// - Parameters:
    ///   - counts: what memory has counted.
    ///   - head: the transaction's.
    package func domainCount(
        by counts: DomainCounts?, through head: Revision, _ session: some SQLSession
    ) throws -> Int {
        if let count = try counts.flatMap({ $0() })?.known(at: self, through: head, session) {
            return count
        }
        return try session.count("SELECT count(*) FROM domain WHERE location = $1", [.text(text)])
    }
}

extension Read<[LocationName: Int]> {
    /// What memory counted, and what the log has written since: that takes as long as those lines are many, and not as
    /// the table is. Nil where memory isn't of this log.
    fileprivate func known(
        at location: LocationName, through head: Revision, _ session: some SQLSession
    ) throws -> Int? {
        guard revision <= head else { return nil }
        let difference = try session.count(
            """
            SELECT count(*) FILTER (WHERE after_location = $1)
                - count(*) FILTER (WHERE before_location = $1)
            FROM change_log WHERE revision > $2
            """, [.text(location.text), .number(revision.number)])
        return (value[location] ?? 0) + difference
    }
}

extension Location {
    /// Puts it in the place of one with its name.
    package func write(_ session: some SQLSession) throws {
        try session.run(
            """
            INSERT INTO location (\(Location.columns)) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (name) DO UPDATE SET upstream = excluded.upstream,
                accepts_signups = excluded.accepts_signups,
                default_for_signups = excluded.default_for_signups, revision = excluded.revision,
                dns = excluded.dns
            """,
            [
                .text(name.text), .text(settings.upstream.text), .flag(settings.acceptsSignups),
                .flag(settings.isDefaultForSignups), .number(revision.number),
                .text(settings.dns.map(ChangeRow.text)),
            ])
    }

    package static func delete(_ name: LocationName, _ session: some SQLSession) throws {
        try session.run("DELETE FROM location WHERE name = $1", [.text(name.text)])
    }
}

// MARK: - Holds

extension SQLTransaction {
    package func holdsDue(at now: Timestamp, limit: Int) throws -> [HeldDomain] {
        try HeldDomain.due(at: now, limit: limit, session())
    }
}

// MARK: - Tokens

extension SQLTransaction {
    package func token(_ id: String) throws -> TokenRecord? {
        try session().first(
            "\(TokenRecord.select) WHERE t.id = $1", [.text(id)], TokenRecord.init(row:))
    }

    package func insert(_ token: TokenRecord) throws {
        try session().run(
            """
            INSERT INTO token (id, name, role, secret_digest, created_at, expires_at, revoked_at)
            VALUES ($1, $2, $3, $4, $5, $6, NULL)
            """,
            [
                .text(token.id), .text(token.name), .text(token.role.rawValue),
                .bytes(token.secretDigest), .number(token.createdAt.milliseconds),
                .number(token.expiresAt?.milliseconds),
            ])
    }

    package func revokeToken(_ id: String, at now: Timestamp) throws {
        try session().run(
            "UPDATE token SET revoked_at = $1 WHERE id = $2",
            [.number(now.milliseconds), .text(id)])
    }

    package func hasActiveAdmin(
        besides id: String, at now: Timestamp, lasting: Bool
    ) throws -> Bool {
        try session().exists(
            """
            SELECT 1 FROM token WHERE role = 'admin' AND id <> $1 AND revoked_at IS NULL
                AND (expires_at IS NULL OR NOT $3 AND expires_at > $2) LIMIT 1
            """, [.text(id), .number(now.milliseconds), .flag(lasting)])
    }
}

// MARK: - Webhooks

extension SQLTransaction {
    package func webhook(_ name: WebhookName) throws -> WebhookRecord? {
        try WebhookRecord.read(name, session())
    }

    package func webhookCount() throws -> Int {
        try session().count("SELECT count(*) FROM webhook")
    }

    package func hasRevision(after revision: Revision, of actions: [Action]) throws -> Bool {
        try Revision.next(after: revision, of: actions, session()) != nil
    }

    package func put(_ record: WebhookRecord) throws {
        try record.write(session())
    }

    /// How far it had come goes with it.
    package func deleteWebhook(_ name: WebhookName) throws {
        try session().run("DELETE FROM webhook WHERE name = $1", [.text(name.text)])
    }
}

// MARK: - Migrations

extension SQLTransaction {
    package func migration(_ id: String) throws -> Migration? {
        try Migration.read(session(), id: id)
    }

    package func setState(_ state: MigrationState, ofMigration id: String) throws {
        try session().run(
            "UPDATE migration SET state = $1 WHERE id = $2", [.text(state.rawValue), .text(id)])
    }

    package func put(_ wave: Wave, of migration: String) throws {
        try session().run(
            """
            UPDATE wave SET state = $1, deadline = $2, revision = $3, announcement = $4
            WHERE migration = (SELECT number FROM migration WHERE id = $5) AND number = $6
            """,
            [
                .text(wave.state.rawValue), .number(wave.deadline?.milliseconds),
                .number(wave.revision?.number), .number(wave.announcement?.number),
                .text(migration), .number(wave.number),
            ])
    }

    package func insert(_ approval: WaveApproval, of wave: WaveName) throws {
        try session().run(
            """
            INSERT INTO wave_approval (migration, wave, token, name, role, at, revision)
            SELECT number, $2, $3, $4, $5, $6, $7 FROM migration WHERE id = $1
            """,
            [
                .text(wave.migration), .number(wave.number), .text(approval.actor.token),
                .text(approval.actor.name), .text(approval.actor.role.rawValue),
                .number(approval.at.milliseconds), .number(approval.revision.number),
            ])
    }

    package func isReferencedByMigration(_ location: LocationName) throws -> Bool {
        try session().exists(
            """
            SELECT 1 FROM migration WHERE state IN ('planned', 'running')
                AND (from_location = $1 OR to_location = $1) LIMIT 1
            """, [.text(location.text)])
    }

    package func skippedNames(of migration: String, limit: Int) throws -> [SkippedName] {
        try SkippedName.first(limit, of: migration, session())
    }

    package func apply(
        _ move: WaveMove, revision: Revision, at: Timestamp, from position: Int
    ) throws -> Int {
        try WaveRows(move, session()).apply(revision: revision, at: at, from: position)
    }

    package func conflicts(
        with move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        try WaveRows(move, session()).conflicts(appliedAt: revision, limit: limit)
    }

    package func strangers(
        to move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        try WaveRows(move, session()).strangers(appliedAt: revision, limit: limit)
    }

    package func dividing(
        _ move: WaveMove, limit: Int
    ) throws -> (rows: [WaveConflict], total: Int) {
        try WaveRows(move, session()).dividing(limit: limit)
    }

    package func hasSplit(_ move: WaveMove) throws -> Bool {
        try WaveRows(move, session()).hasSplit()
    }

    package func leaveRows(
        of move: WaveMove, appliedAt revision: Revision, limit: Int
    ) throws -> (names: [FQDN], total: Int) {
        try WaveRows(move, session()).leaveRows(appliedAt: revision, limit: limit)
    }

    package func readBack(
        _ revision: Revision, at: Timestamp, into digest: inout RevisionDigest
    ) throws -> [RevisionChanges.DomainChange] {
        try WaveRows.readBack(revision, at: at, into: &digest, session())
    }
}

extension WaveName {
    /// Gives one of its frozen domains another mode of its own.
    package func setOwnMode(
        _ mode: Mode, of fqdn: FQDN, _ session: some SQLSession
    ) throws {
        let changed = try session.run(
            """
            UPDATE migration_domain SET own_mode = $1
            WHERE fqdn = $2 AND wave = $3 AND migration = (SELECT number FROM migration WHERE id = $4)
            """,
            [.text(mode.rawValue), .text(fqdn.text), .number(number), .text(migration)])
        guard changed == 1 else { throw RegistryError.inconsistent }
    }
}

extension Migration {
    /// Writes it without its waves.
    /// - Returns: its number.
    package func insert(_ session: some SQLSession) throws -> Int64 {
        let number = try session.first(
            """
            INSERT INTO migration (id, name, from_location, to_location, "freeze", state, digest,
                selected, eligible, created_at, created_by_token, created_by_name, created_by_role,
                reason, ticket, whole_tenants)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            RETURNING number
            """,
            [
                .text(id), .text(name), .text(from.text), .text(to.text), .text(freeze.rawValue),
                .text(state.rawValue), .bytes(digest), .number(counts.selected),
                .number(counts.eligible), .number(createdAt.milliseconds), .text(createdBy.token),
                .text(createdBy.name), .text(createdBy.role.rawValue), .text(reason),
                .text(ticket), .flag(wholeTenants),
            ]
        ) { try $0.number(0) }
        guard let number else { throw RegistryError.inconsistent }
        return number
    }
}
