import Foundation
import GRDB
import RegistryLedger
import RegistryModel

/// The ledger's rows in SQLite. Only ever used on one connection, inside a transaction.
///
/// What nearly every write does goes through `StatementBook`; the rest through GRDB.
struct SQLiteTransaction: LedgerTransaction {
    let db: Database
    let statements: StatementBook
    /// What memory knows, of a revision that isn't later than this transaction's.
    let counts: DomainCounts?

    init(db: Database, counts: DomainCounts? = nil) {
        self.db = db
        self.counts = counts
        statements = StatementBook(db)
    }

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
        let head = try statements[.head].first { row in
            Head(
                epoch: Epoch(row.text(0)), revision: Revision(row.number(1)), digest: row.blob(2),
                at: row.time(3))
        }
        guard let head else { throw Head.missing }
        return head
    }

    func advanceHead(to head: Head) throws {
        try statements[.advanceHead].run {
            $0.number(head.revision.number)
            $0.blob(head.digest)
            $0.time(head.at)
        }
    }

    func append(_ header: RevisionHeader, digest: [UInt8], changeCount: Int) throws {
        try statements[.appendHeader].run {
            $0.number(header.revision.number)
            $0.text(header.epoch.text)
            $0.time(header.at)
            $0.text(header.actor.token)
            $0.text(header.actor.name)
            $0.text(header.actor.role.rawValue)
            $0.text(header.note.reason)
            $0.text(header.note.ticket)
            $0.text(header.requestID)
            $0.text(header.migration)
            $0.number(header.wave)
            $0.text(header.overrideReason)
            $0.number(changeCount)
            $0.blob(digest)
        }
    }

    func append(_ changes: [Change], to revision: Revision, from position: Int) throws {
        let insert = try statements[.appendChange]
        for (position, change) in zip(position..., changes) {
            let row = ChangeRow(change)
            try insert.run {
                $0.number(revision.number)
                $0.number(position)
                $0.text(row.action)
                $0.text(row.fqdn)
                $0.placement(row.before)
                $0.placement(row.after)
                $0.time(row.registeredAt)
                $0.text(row.subject)
                $0.text(row.beforeDetail)
                $0.text(row.afterDetail)
            }
        }
    }
}

// MARK: - Domains

extension SQLiteTransaction {
    func domain(_ fqdn: FQDN) throws -> Domain? {
        try statements[.domain].first {
            $0.text(fqdn.text)
        } _: { row in
            Domain(
                fqdn: fqdn, placement: row.placement(from: 0), revision: Revision(row.number(3)),
                registeredAt: row.time(4), changedAt: row.time(5))
        }
    }

    func insert(_ domain: Domain) throws {
        try statements[.insertDomain].run {
            $0.text(domain.fqdn.text)
            $0.placement(domain.placement)
            $0.number(domain.revision.number)
            $0.time(domain.registeredAt)
            $0.time(domain.changedAt)
        }
        try statements[.insertName].run {
            $0.text(domain.fqdn.treeKey)
            $0.text(domain.fqdn.text)
        }
    }

    /// SQLite is near: nothing to gain.
    func expect(_ names: [FQDN]) {}

    func first(in range: NameRange, notOf tenant: String?, at now: Timestamp) throws -> FQDN? {
        try statements[.firstName].first {
            $0.text(range.after)
            $0.text(range.end)
            $0.text(tenant)
            $0.time(now)
            $0.text(tenant)
        } _: { row in
            FQDN(canonical: row.text(0))
        }
    }

    func update(_ domain: Domain) throws {
        try statements[.updateDomain].run {
            $0.placement(domain.placement)
            $0.number(domain.revision.number)
            $0.time(domain.changedAt)
            $0.text(domain.fqdn.text)
        }
    }

    func deleteDomain(_ fqdn: FQDN) throws {
        try statements[.deleteDomain].run { $0.text(fqdn.text) }
    }

    func released(_ fqdn: FQDN) throws -> ReleasedDomain? {
        try statements[.released].first {
            $0.text(fqdn.text)
        } _: { row in
            ReleasedDomain(
                fqdn: fqdn, placement: row.placement(from: 0), revision: Revision(row.number(3)),
                registeredAt: row.time(4), releasedAt: row.time(5), availableAt: row.time(6))
        }
    }

    func insert(_ released: ReleasedDomain) throws {
        try statements[.insertReleased].run {
            $0.text(released.fqdn.text)
            $0.placement(released.placement)
            $0.number(released.revision.number)
            $0.time(released.registeredAt)
            $0.time(released.releasedAt)
            $0.time(released.availableAt)
        }
    }

    func deleteReleased(_ fqdn: FQDN) throws {
        try statements[.deleteReleased].run { $0.text(fqdn.text) }
    }
}

// MARK: - Locations

extension SQLiteTransaction {
    func location(_ name: LocationName) throws -> Location? {
        try statements[.location].first {
            $0.text(name.text)
        } _: {
            Location(row: $0)
        }
    }

    func defaultLocation() throws -> Location? {
        try statements[.defaultLocation].first { Location(row: $0) }
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
        if let count = try knownDomainCount(at: location) { return count > 0 }
        return try exists("SELECT 1 FROM domain WHERE location = ? LIMIT 1", [location.text])
    }

    func locationCount() throws -> Int {
        try row("SELECT count(*) FROM location", [])?[0] ?? 0
    }

    func domainCount(at location: LocationName) throws -> Int {
        if let count = try knownDomainCount(at: location) { return count }
        return try row("SELECT count(*) FROM domain WHERE location = ?", [location.text])?[0] ?? 0
    }

    /// What memory counted, and what the log has written since: that takes as long as those lines are
    /// many, and not as the table is. Nil where memory isn't of this log.
    private func knownDomainCount(at location: LocationName) throws -> Int? {
        guard let known = counts?(), known.revision <= (try head().revision) else { return nil }
        let difference: Int? = try row(
            """
            SELECT coalesce(sum(after_location = ?1), 0) - coalesce(sum(before_location = ?1), 0)
            FROM change_log WHERE revision > ?2
            """, [location.text, known.revision.number])?[0]
        return difference.map { (known.value[location] ?? 0) + $0 }
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

    func hasActiveAdmin(besides id: String, at now: Timestamp, lasting: Bool) throws -> Bool {
        try exists(
            """
            SELECT 1 FROM token WHERE role = 'admin' AND id <> ? AND revoked_at IS NULL
                AND (expires_at IS NULL OR NOT ? AND expires_at > ?) LIMIT 1
            """, [id, lasting, now.milliseconds])
    }

    func idempotencyRecord(token: String, key: String) throws -> IdempotencyRecord? {
        try IdempotencyRecord.read(db, token: token, key: key)
    }

    func put(_ record: IdempotencyRecord) throws {
        try statements[.putIdempotency].run {
            $0.text(record.key.token)
            $0.text(record.key.key)
            $0.blob(record.key.requestDigest)
            $0.number(record.revision.number)
            $0.text(ChangeRow.text(record.outcome))
            $0.time(record.createdAt)
        }
    }
}
