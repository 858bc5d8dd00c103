import Foundation
import GRDB
import RegistryLedger
import RegistryModel

// How the model's values are read from rows. The schema's CHECKs guarantee what is forced here:
// a row that breaks them can't be written, and a file that holds one is corrupt.

extension Placement {
    /// Location, mode and tenant, side by side from a column on.
    init?(row: Row, from column: Int) {
        guard let location: String = row[column] else { return nil }
        self.init(
            location: LocationName(canonical: location),
            mode: Mode(rawValue: row[column + 1]) ?? .reject, tenant: row[column + 2])
    }

    init(row: Row) {
        self.init(
            location: LocationName(canonical: row["location"]),
            mode: Mode(rawValue: row["mode"]) ?? .reject, tenant: row["tenant"])
    }
}

extension Domain {
    init(row: Row) {
        self.init(
            fqdn: FQDN(canonical: row["fqdn"]), placement: Placement(row: row),
            revision: Revision(row["revision"]),
            registeredAt: Timestamp(milliseconds: row["registered_at"]),
            changedAt: Timestamp(milliseconds: row["changed_at"]))
    }
}

extension ReleasedDomain {
    init(row: Row) {
        self.init(
            fqdn: FQDN(canonical: row["fqdn"]), placement: Placement(row: row),
            revision: Revision(row["revision"]),
            registeredAt: Timestamp(milliseconds: row["registered_at"]),
            releasedAt: Timestamp(milliseconds: row["released_at"]),
            availableAt: Timestamp(milliseconds: row["available_at"]))
    }
}

extension Location {
    init(row: Row) {
        self.init(
            name: LocationName(canonical: row["name"]),
            settings: LocationSettings(
                upstream: UpstreamURL(canonical: row["upstream"]),
                acceptsSignups: row["accepts_signups"],
                isDefaultForSignups: row["default_for_signups"]),
            revision: Revision(row["revision"]))
    }
}

extension TokenRecord {
    static let select = """
        SELECT token.*, token_use.last_used_at FROM token
        LEFT JOIN token_use ON token_use.token = token.id
        """

    /// The revoked ones, which may be many more, aren't looked at.
    static let selectLive = select.replacing(
        "FROM token\n", with: "FROM token INDEXED BY token_live\n")

    init(row: Row) {
        let expires: Int64? = row["expires_at"]
        let revoked: Int64? = row["revoked_at"]
        let used: Int64? = row["last_used_at"]
        let digest: Data = row["secret_digest"]
        self.init(
            id: row["id"], name: row["name"], role: Role(rawValue: row["role"]) ?? .reader,
            secretDigest: Array(digest), createdAt: Timestamp(milliseconds: row["created_at"]),
            expiresAt: expires.map(Timestamp.init), revokedAt: revoked.map(Timestamp.init),
            lastUsedAt: used.map(Timestamp.init))
    }
}

extension Head {
    static let missing = DatabaseError(
        resultCode: .SQLITE_CORRUPT, message: "the head is missing")

    static func read(_ db: Database) throws -> Head {
        guard
            let row = try Row.fetchOne(
                try db.cachedStatement(sql: "SELECT epoch, revision, digest, at FROM head"))
        else { throw missing }
        let digest: Data = row["digest"]
        return Head(
            epoch: Epoch(row["epoch"]), revision: Revision(row["revision"]), digest: Array(digest),
            at: Timestamp(milliseconds: row["at"]))
    }
}

extension HistoryItem {
    /// `init(row:)` reads them by their places: by their names, a stream takes five times as long.
    static let columns = """
        c.revision, c.position, c.action, c.fqdn, c.before_location, c.before_mode, c.before_tenant,
        c.after_location, c.after_mode, c.after_tenant, c.registered_at, c.subject, c.before_detail,
        c.after_detail, r.epoch, r.at, r.actor_token, r.actor_name, r.actor_role, r.reason, r.ticket,
        r.request_id, r.migration, r.wave, r.override_reason
        """

    init(row: Row) throws {
        let registered: Int64? = row[10]
        let change = try ChangeRow(
            action: row[2], fqdn: row[3], before: Placement(row: row, from: 4),
            after: Placement(row: row, from: 7),
            registeredAt: registered.map(Timestamp.init), subject: row[11],
            beforeDetail: row[12], afterDetail: row[13]
        ).change()
        let header = RevisionHeader(
            epoch: Epoch(row[14]), revision: Revision(row[0]),
            at: Timestamp(milliseconds: row[15]),
            actor: Actor(
                token: row[16], name: row[17], role: Role(rawValue: row[18]) ?? .reader),
            note: Note(reason: row[19], ticket: row[20]), requestID: row[21],
            migration: row[22], wave: row[23], overrideReason: row[24])
        self.init(header: header, position: row[1], change: change)
    }
}

extension IdempotencyRecord {
    static func read(_ db: Database, token: String, key: String) throws -> IdempotencyRecord? {
        let row = try Row.fetchOne(
            try db.cachedStatement(sql: "SELECT * FROM idempotency WHERE token = ? AND key = ?"),
            arguments: [token, key])
        guard let row, let outcome: Outcome = try ChangeRow.value(row["outcome"]) else {
            return nil
        }
        let digest: Data = row["request_digest"]
        return IdempotencyRecord(
            key: IdempotencyKey(token: token, key: key, requestDigest: Array(digest)),
            revision: Revision(row["revision"]), outcome: outcome,
            createdAt: Timestamp(milliseconds: row["created_at"]))
    }
}
