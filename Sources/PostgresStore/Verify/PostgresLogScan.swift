import RegistryLedger
import StoreCore

/// PostgreSQL's log, a page at a time.
struct PostgresLogScan: LogScan {
    let connection: PostgresConnection

    func headers(after revision: Int64) throws -> PageScan {
        PageScan(
            try connection.query(
                """
                SELECT revision, change_count, digest,
                    epoch, revision, at, actor_token, actor_name, actor_role, reason, ticket,
                    request_id, migration, wave, override_reason, change_count
                FROM revision_log WHERE revision > $1 ORDER BY revision LIMIT $2
                """, [.number(revision), .number(Int64(LogScanLimit.rows))]))
    }

    func changes(from revision: Int64, position: Int64) throws -> PageScan {
        PageScan(
            try connection.query(
                """
                SELECT revision, position,
                    action, fqdn, before_location, before_mode, before_tenant, after_location,
                    after_mode, after_tenant, registered_at, subject, before_detail, after_detail
                FROM change_log WHERE (revision, position) >= ($1, $2)
                ORDER BY revision, position LIMIT $3
                """, [.number(revision), .number(position), .number(Int64(LogScanLimit.rows))]))
    }

    /// The facets as a table, from one to the next in the index.
    static let facets = """
        (WITH RECURSIVE known (facet) AS (
            SELECT min(facet) FROM revision_facet
            UNION ALL
            SELECT (SELECT min(facet) FROM revision_facet WHERE facet > known.facet)
            FROM known WHERE known.facet IS NOT NULL)
        SELECT facet FROM known WHERE facet IS NOT NULL) AS known
        """

    func facets() throws -> Set<String> {
        Set(try connection.rows("SELECT facet FROM \(Self.facets)") { try $0.text(0) })
    }

    func revisions(of facet: String, in range: ClosedRange<Int64>) throws -> PageScan {
        PageScan(
            try connection.query(
                """
                SELECT revision FROM revision_facet
                WHERE facet = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision
                """, [.text(facet), .number(range.lowerBound), .number(range.upperBound)]))
    }
}

/// The rows of one answer, one after the other.
final class PageScan: ScannedRows {
    private let rows: ResultRows
    private var place = -1

    init(_ rows: ResultRows) {
        self.rows = rows
    }

    func step() throws -> Bool {
        place += 1
        return place < rows.count
    }

    func integer(_ column: Int32) throws -> Int64 { try rows[place].number(Int(column)) }

    func blob(_ column: Int32) throws -> [UInt8] { try rows[place].bytes(Int(column)) }

    func value(_ column: Int32) -> ScannedValue {
        let (row, column) = (rows[place], Int(column))
        guard let bytes = row.raw(column) else { return .absent }
        if row.isText(column) { return .text(bytes) }
        return (try? row.number(column)).map { .integer($0) } ?? .other
    }
}
