import RegistryLedger
import RegistryModel

/// The log's rows as a check reads them: bytes where they lie, nothing made of them. Over a snapshot that stays open
/// during one step of a check.
struct LogScan<Session: SQLSession> {
    let session: Session

    /// Rows that one step of a check looks at, and one more to see whether there are more.
    static var rows: Int { 10_001 }

    /// Headers after a revision, in order; at least `rows` of them where there are so many.
    ///
    /// Columns: revision, change count, digest; then the header's fields in the order of the digest, and last
    /// `allow_split`, which is hashed where it's there.
    func headers(after revision: Int64, _ contents: SchemaContents) throws -> Session.Scan {
        try session.scan(
            """
            SELECT revision, change_count, digest,
                epoch, revision, at, actor_token, actor_name, actor_role, reason, ticket, request_id,
                migration, wave, override_reason, change_count, \(contents.hasTenants ? "allow_split" : "0")
            FROM revision_log WHERE revision > $1 ORDER BY revision LIMIT $2
            """, [.number(revision), .number(Self.rows)])
    }

    /// Changes from a place on, in order; at least `rows` of them.
    ///
    /// Columns: revision, position; then `ChangeRow.columns`.
    func changes(
        from revision: Int64, position: Int64, _ contents: SchemaContents
    ) throws -> Session.Scan {
        try session.scan(
            """
            SELECT \(contents.columns(ChangeRow.tableColumns).listed) FROM change_log
            WHERE (revision, position) >= ($1, $2) ORDER BY revision, position LIMIT $3
            """, [.number(revision), .number(position), .number(Self.rows)])
    }

    /// All facets that there are, from one to the next in the index.
    func facets() throws -> Set<String> {
        var found: Set<String> = []
        var last = ""
        while let facet = try session.first(
            "SELECT facet FROM revision_facet WHERE facet > $1 ORDER BY facet LIMIT 1",
            [.text(last)], { try $0.text(0) })
        {
            found.insert(facet)
            last = facet
        }
        return found
    }

    /// Revisions of a facet, in order, all of them. One column.
    func revisions(of facet: String, in range: ClosedRange<Int64>) throws -> Session.Scan {
        try session.scan(
            """
            SELECT revision FROM revision_facet
            WHERE facet = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision
            """, [.text(facet), .number(range.lowerBound), .number(range.upperBound)])
    }

    /// The last revision that a table of the log has. Facets have an index of their own, and none by revision.
    func last(of table: String) throws -> Int64? {
        guard table == "revision_facet" else {
            return try last("SELECT max(revision) FROM \(table)", [])
        }
        return try facets().compactMap {
            try last("SELECT max(revision) FROM revision_facet WHERE facet = $1", [.text($0)])
        }.max()
    }

    private func last(_ sql: String, _ values: [SQLValue]) throws -> Int64? {
        try session.first(sql, values) { try $0.numberIfPresent(0) } ?? nil
    }
}

/// Rows of one question, one after the other.
package protocol ScannedRows {
    /// - Returns: false after the last row.
    func step() throws -> Bool
    /// The row at hand, which is good until the next step.
    var row: SQLRow { get }
}
