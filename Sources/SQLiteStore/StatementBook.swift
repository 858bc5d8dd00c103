import GRDB
import RegistryLedger
import RegistryModel
import StoreCore

/// The statements of nearly every write, each looked up once a transaction: a group of commits runs
/// them hundreds of times.
final class StatementBook {
    private let db: Database
    private var prepared: [RawStatement?]

    init(_ db: Database) {
        self.db = db
        prepared = Array(repeating: nil, count: Name.allCases.count)
    }

    subscript(_ name: Name) -> RawStatement {
        get throws {
            if let statement = prepared[name.rawValue] { return statement }
            let statement = try RawStatement(db.cachedStatement(sql: name.sql), in: db)
            prepared[name.rawValue] = statement
            return statement
        }
    }

    enum Name: Int, CaseIterable {
        case savepoint, release, undo
        case head, advanceHead, appendHeader, appendChange
        case domain, insertDomain, updateDomain, deleteDomain, insertName, firstName
        case released, insertReleased, deleteReleased
        case location, defaultLocation, freeze, putIdempotency
    }
}

extension StatementBook.Name {
    // Columns by name, in the order in which they are bound and read.
    fileprivate var sql: String {
        switch self {
        case .savepoint: "SAVEPOINT command"
        case .release: "RELEASE command"
        case .undo: "ROLLBACK TO command"
        case .head: Head.select
        case .advanceHead: "UPDATE head SET revision = ?, digest = ?, at = ?"
        case .appendHeader:
            """
            INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name, actor_role, reason,
                ticket, request_id, migration, wave, override_reason, change_count, digest)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        case .appendChange:
            """
            INSERT INTO change_log (revision, position, action, fqdn, before_location, before_mode,
                before_tenant, after_location, after_mode, after_tenant, registered_at, subject,
                before_detail, after_detail)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        case .domain:
            "SELECT \(Domain.columns) FROM domain WHERE fqdn = ?"
        case .insertDomain:
            """
            INSERT INTO domain (fqdn, location, mode, tenant, revision, registered_at, changed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        case .updateDomain:
            """
            UPDATE domain SET location = ?, mode = ?, tenant = ?, revision = ?, changed_at = ?
            WHERE fqdn = ?
            """
        case .deleteDomain: "DELETE FROM domain WHERE fqdn = ?"
        case .insertName:
            "INSERT INTO name_tree (key, fqdn) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
        case .firstName:
            """
            SELECT t.fqdn FROM name_tree t
            LEFT JOIN domain d ON d.fqdn = t.fqdn LEFT JOIN released_domain r ON r.fqdn = t.fqdn
            WHERE t.key > ? AND t.key < ? AND (
                (d.fqdn IS NOT NULL AND coalesce(d.tenant = ?, 0) = 0)
                OR (r.available_at > ? AND coalesce(r.tenant = ?, 0) = 0))
            ORDER BY t.key LIMIT 1
            """
        case .released:
            "SELECT \(ReleasedDomain.columns) FROM released_domain WHERE fqdn = ?"
        case .insertReleased:
            """
            INSERT INTO released_domain (fqdn, location, mode, tenant, revision, registered_at,
                released_at, available_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        case .deleteReleased: "DELETE FROM released_domain WHERE fqdn = ?"
        case .location: Location.select + " WHERE name = ?"
        case .defaultLocation: Location.select + " WHERE default_for_signups = 1"
        case .freeze:
            """
            SELECT \(DomainFreeze.columns) FROM migration_domain m
            JOIN wave w ON w.migration = m.migration AND w.number = m.wave
            JOIN migration g ON g.number = m.migration
            WHERE m.fqdn = ? AND m.wave IS NOT NULL AND w.state = 'frozen' LIMIT 1
            """
        case .putIdempotency:
            """
            INSERT INTO idempotency (token, key, request_digest, revision, outcome, created_at)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (token, key) DO UPDATE SET request_digest = excluded.request_digest,
                revision = excluded.revision, outcome = excluded.outcome,
                created_at = excluded.created_at
            """
        }
    }
}
