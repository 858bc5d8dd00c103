import GRDB
import RegistryLedger
import StoreCore

/// SQLite's log, row by row: as many as the check steps through.
struct SQLiteLogScan: LogScan {
    let db: Database

    func headers(after revision: Int64) throws -> RowScan {
        try RowScan(
            db,
            """
            SELECT revision, change_count, digest,
                epoch, revision, at, actor_token, actor_name, actor_role, reason, ticket, request_id,
                migration, wave, override_reason, change_count
            FROM revision_log WHERE revision > ? ORDER BY revision
            """, [revision])
    }

    func changes(from revision: Int64, position: Int64) throws -> RowScan {
        try RowScan(
            db,
            """
            SELECT revision, position,
                action, fqdn, before_location, before_mode, before_tenant, after_location, after_mode,
                after_tenant, registered_at, subject, before_detail, after_detail
            FROM change_log WHERE (revision, position) >= (?, ?) ORDER BY revision, position
            """, [revision, position])
    }

    /// From one facet to the next in the index.
    func facets() throws -> Set<String> {
        let next = try db.cachedStatement(
            sql: "SELECT facet FROM revision_facet WHERE facet > ? ORDER BY facet LIMIT 1")
        var found: Set<String> = []
        var last = ""
        while let facet = try String.fetchOne(next, arguments: [last]) {
            found.insert(facet)
            last = facet
        }
        return found
    }

    func revisions(of facet: String, in range: ClosedRange<Int64>) throws -> RowScan {
        try RowScan(
            db,
            """
            SELECT revision FROM revision_facet
            WHERE facet = ? AND revision BETWEEN ? AND ? ORDER BY revision
            """, [facet, range.lowerBound, range.upperBound])
    }

    /// The last revision of any facet.
    func lastFaceted() throws -> Int64? {
        let last = try db.cachedStatement(
            sql: "SELECT max(revision) FROM revision_facet WHERE facet = ?")
        return try facets().compactMap { try Int64.fetchOne(last, arguments: [$0]) }.max()
    }
}
