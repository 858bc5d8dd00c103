/// The log's rows as a check reads them: octets where they lie, nothing made of them.
///
/// Each engine offers one over a snapshot that stays open during one step of a check.
package protocol LogScan {
    associatedtype Rows: ScannedRows

    /// Headers after a revision, in order; at least `LogScanLimit.rows` of them where there are so many.
    ///
    /// Columns: revision, change count, digest; then the header's fields in the order of the digest:
    /// epoch, revision, at, actor's token, name and role, reason, ticket, request id, migration, wave,
    /// override's reason, change count.
    func headers(after revision: Int64) throws -> Rows

    /// Changes from a place on, in order; at least `LogScanLimit.rows` of them.
    ///
    /// Columns: revision, position; then the change's fields in the order of the digest: action, name,
    /// location, mode and tenant before, the same after, registered at, subject, details before and
    /// after.
    func changes(from revision: Int64, position: Int64) throws -> Rows

    /// All that there are.
    func facets() throws -> Set<String>

    /// Revisions of a facet, in order, all of them. One column.
    func revisions(of facet: String, in range: ClosedRange<Int64>) throws -> Rows
}

package enum LogScanLimit {
    /// Rows that one step of a check looks at, and one more to see whether there are more.
    package static let rows = 10_001
}

/// Rows of one question, one after the other. Values are good until the next step. Columns count from
/// 0.
package protocol ScannedRows {
    /// - Returns: false after the last row.
    func step() throws -> Bool
    func integer(_ column: Int32) throws -> Int64
    func blob(_ column: Int32) throws -> [UInt8]
    func value(_ column: Int32) -> ScannedValue
}

package enum ScannedValue {
    case absent
    case integer(Int64)
    case text(UnsafeRawBufferPointer)
    /// A kind that no column of ours has.
    case other
}
