import Foundation
import GRDB
import RegistryLedger
import RegistryModel

/// The ledger's rows in SQLite. Only ever used on the writer connection, inside a transaction.
struct SQLiteTransaction: LedgerTransaction {
    let db: Database

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(try db.cachedStatement(sql: sql), arguments: arguments)
    }

    func exists(_ sql: String, _ arguments: StatementArguments) throws -> Bool {
        try row(sql, arguments) != nil
    }
}

// MARK: - The log

extension SQLiteTransaction {
    func head() throws -> Head {
        try Head.read(db)
    }

    func advanceHead(to head: Head) throws {
        try run(
            "UPDATE head SET revision = ?, digest = ?, at = ?",
            [head.revision.number, Data(head.digest), head.at.milliseconds])
    }

    func append(_ header: RevisionHeader, digest: [UInt8], changeCount: Int) throws {
        try run(
            """
            INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name, actor_role, reason,
                ticket, request_id, migration, wave, override_reason, change_count, digest)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                header.revision.number, header.epoch.text, header.at.milliseconds,
                header.actor.token,
                header.actor.name, header.actor.role.rawValue, header.note.reason,
                header.note.ticket,
                header.requestID, header.migration, header.wave, header.overrideReason,
                changeCount,
                Data(digest),
            ])
    }

    func append(_ changes: [Change], to revision: Revision, from position: Int) throws {
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO change_log (revision, position, action, fqdn, before_location, before_mode,
                    before_tenant, after_location, after_mode, after_tenant, registered_at, subject,
                    before_detail, after_detail)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for (position, change) in zip(position..., changes) {
            let row = ChangeRow(change)
            try insert.execute(arguments: [
                revision.number, position, row.action, row.fqdn, row.before?.location.text,
                row.before?.mode.rawValue, row.before?.tenant, row.after?.location.text,
                row.after?.mode.rawValue, row.after?.tenant, row.registeredAt?.milliseconds,
                row.subject, row.beforeDetail, row.afterDetail,
            ])
        }
    }
}

// MARK: - Domains

extension SQLiteTransaction {
    func domain(_ fqdn: FQDN) throws -> Domain? {
        try row("SELECT * FROM domain WHERE fqdn = ?", [fqdn.text]).map(Domain.init(row:))
    }

    func insert(_ domain: Domain) throws {
        try run(
            """
            INSERT INTO domain (fqdn, location, mode, tenant, revision, registered_at, changed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                domain.fqdn.text, domain.location.text, domain.mode.rawValue, domain.tenant,
                domain.revision.number, domain.registeredAt.milliseconds,
                domain.changedAt.milliseconds,
            ])
    }

    func update(_ domain: Domain) throws {
        try run(
            "UPDATE domain SET location = ?, mode = ?, tenant = ?, revision = ?, changed_at = ? WHERE fqdn = ?",
            [
                domain.location.text, domain.mode.rawValue, domain.tenant, domain.revision.number,
                domain.changedAt.milliseconds, domain.fqdn.text,
            ])
    }

    func deleteDomain(_ fqdn: FQDN) throws {
        try run("DELETE FROM domain WHERE fqdn = ?", [fqdn.text])
    }

    func released(_ fqdn: FQDN) throws -> ReleasedDomain? {
        try row("SELECT * FROM released_domain WHERE fqdn = ?", [fqdn.text])
            .map(ReleasedDomain.init(row:))
    }

    func insert(_ released: ReleasedDomain) throws {
        try run(
            """
            INSERT INTO released_domain (fqdn, location, mode, tenant, revision, registered_at,
                released_at, available_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                released.fqdn.text, released.placement.location.text,
                released.placement.mode.rawValue, released.placement.tenant,
                released.revision.number, released.registeredAt.milliseconds,
                released.releasedAt.milliseconds, released.availableAt.milliseconds,
            ])
    }

    func deleteReleased(_ fqdn: FQDN) throws {
        try run("DELETE FROM released_domain WHERE fqdn = ?", [fqdn.text])
    }
}

// MARK: - Locations

extension SQLiteTransaction {
    func location(_ name: LocationName) throws -> Location? {
        try row("SELECT * FROM location WHERE name = ?", [name.text]).map(Location.init(row:))
    }

    func defaultLocation() throws -> Location? {
        try row("SELECT * FROM location WHERE default_for_signups = 1", []).map(Location.init(row:))
    }

    func put(_ location: Location) throws {
        try run(
            """
            INSERT INTO location (name, upstream, accepts_signups, default_for_signups, revision)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET upstream = excluded.upstream,
                accepts_signups = excluded.accepts_signups,
                default_for_signups = excluded.default_for_signups, revision = excluded.revision
            """,
            [
                location.name.text, location.settings.upstream.text,
                location.settings.acceptsSignups, location.settings.isDefaultForSignups,
                location.revision.number,
            ])
    }

    func deleteLocation(_ name: LocationName) throws {
        try run("DELETE FROM location WHERE name = ?", [name.text])
    }

    func isReferenced(_ location: LocationName, at now: Timestamp) throws -> Bool {
        if try exists(
            "SELECT 1 FROM released_domain WHERE location = ? AND available_at > ? LIMIT 1",
            [location.text, now.milliseconds])
        {
            return true
        }
        return try exists("SELECT 1 FROM domain WHERE location = ? LIMIT 1", [location.text])
    }
}

// MARK: - Tokens and idempotency

extension SQLiteTransaction {
    func token(_ id: String) throws -> TokenRecord? {
        try row("\(TokenRecord.select) WHERE id = ?", [id]).map(TokenRecord.init(row:))
    }

    func insert(_ token: TokenRecord) throws {
        try run(
            """
            INSERT INTO token (id, name, role, secret_digest, created_at, expires_at, revoked_at)
            VALUES (?, ?, ?, ?, ?, ?, NULL)
            """,
            [
                token.id, token.name, token.role.rawValue, Data(token.secretDigest),
                token.createdAt.milliseconds, token.expiresAt?.milliseconds,
            ])
    }

    func revokeToken(_ id: String, at now: Timestamp) throws {
        try run("UPDATE token SET revoked_at = ? WHERE id = ?", [now.milliseconds, id])
    }

    func hasActiveAdmin(besides id: String, at now: Timestamp) throws -> Bool {
        try exists(
            """
            SELECT 1 FROM token WHERE role = 'admin' AND id <> ? AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > ?) LIMIT 1
            """, [id, now.milliseconds])
    }

    func idempotencyRecord(token: String, key: String) throws -> IdempotencyRecord? {
        try IdempotencyRecord.read(db, token: token, key: key)
    }

    func put(_ record: IdempotencyRecord) throws {
        try run(
            """
            INSERT INTO idempotency (token, key, request_digest, revision, outcome, created_at)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (token, key) DO UPDATE SET request_digest = excluded.request_digest,
                revision = excluded.revision, outcome = excluded.outcome,
                created_at = excluded.created_at
            """,
            [
                record.key.token, record.key.key, Data(record.key.requestDigest),
                record.revision.number, ChangeRow.text(record.outcome),
                record.createdAt.milliseconds,
            ])
    }

    /// A transaction of its own. Forgets at most 1000 keys a call, so that writers don't wait long.
    func maintain(tokenUses: [String: Timestamp], forgetKeysBefore oldest: Timestamp) throws {
        try db.inTransaction(.immediate) {
            for (token, time) in tokenUses {
                try run(
                    """
                    INSERT INTO token_use (token, last_used_at)
                    SELECT id, ? FROM token WHERE id = ?
                    ON CONFLICT (token) DO UPDATE SET last_used_at = max(last_used_at, excluded.last_used_at)
                    """, [time.milliseconds, token])
            }
            try run(
                """
                DELETE FROM idempotency WHERE (token, key) IN (
                    SELECT token, key FROM idempotency WHERE created_at < ? LIMIT 1000)
                """, [oldest.milliseconds])
            return .commit
        }
    }
}
