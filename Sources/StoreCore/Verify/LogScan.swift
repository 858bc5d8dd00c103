import Crypto
import RegistryModel

/// The log's rows as a check reads them: bytes where they lie, nothing made of them. Over a snapshot that stays open
/// during one step of a check.
struct LogScan<Session: SQLSession> {
    let session: Session

    /// Rows that one step of a check looks at, and one more to see whether there are more.
    static var rows: Int { 10_001 }

    /// Headers after a revision, in order; at least `rows` of them where there are so many.
    ///
    /// Columns: revision, change count, digest; then the header's fields in the order of the digest.
    func headers(after revision: Int64) throws -> Session.Scan {
        try session.scan(
            """
            SELECT revision, change_count, digest,
                epoch, revision, at, actor_token, actor_name, actor_role, reason, ticket, request_id,
                migration, wave, override_reason, change_count
            FROM revision_log WHERE revision > $1 ORDER BY revision LIMIT $2
            """, [.number(revision), .number(Self.rows)])
    }

    /// Changes from a place on, in order; at least `rows` of them.
    ///
    /// Columns: revision, position; then the change's fields in the order of the digest.
    func changes(from revision: Int64, position: Int64) throws -> Session.Scan {
        try session.scan(
            """
            SELECT revision, position,
                action, fqdn, before_location, before_mode, before_tenant, after_location, after_mode,
                after_tenant, registered_at, subject, before_detail, after_detail
            FROM change_log WHERE (revision, position) >= ($1, $2)
            ORDER BY revision, position LIMIT $3
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

/// Rows of one question, one after the other. Values are good until the next step. Columns count from 0.
package protocol ScannedRows {
    /// - Returns: false after the last row.
    func step() throws -> Bool
    func integer(_ column: Int) throws -> Int64
    func blob(_ column: Int) throws -> [UInt8]
    func value(_ column: Int) -> ScannedValue
}

package enum ScannedValue {
    case absent
    case integer(Int64)
    case text(UnsafeRawBufferPointer)
    /// A kind that no column of ours has.
    case other
}

/// The digest of one revision, straight from the columns of its rows: the encoding of
/// `RevisionDigest`, for rows that nobody has read into values yet. What a row holds counts, not what
/// this version would make of it.
struct RawDigest: Sendable {
    private var hash = SHA256()
    private var buffer: [UInt8] = []

    private static let flushAt = 1 << 15

    /// Begins a revision. The buffer stays: millions of revisions have one change.
    mutating func begin(after previous: [UInt8]) {
        hash = SHA256()
        buffer.removeAll(keepingCapacity: true)
        hash.update(data: previous)
    }

    /// Adds the columns `first..<end` of the row at hand.
    mutating func add(_ row: some ScannedRows, _ columns: Range<Int>) {
        for column in columns {
            switch row.value(column) {
            case .absent: buffer.append(UInt8(ascii: "~"))
            case .integer(let number): add(number)
            case .text(let bytes): add(bytes)
            // No text begins so: it can't fit any digest.
            case .other: buffer.append(UInt8(ascii: "?"))
            }
        }
        if buffer.count >= Self.flushAt { flush() }
    }

    mutating func finish() -> [UInt8] {
        flush()
        return Array(hash.finalize())
    }

    private mutating func flush() {
        buffer.withUnsafeBytes { hash.update(bufferPointer: $0) }
        buffer.removeAll(keepingCapacity: true)
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        digits(UInt64(bytes.count))
        buffer.append(UInt8(ascii: ":"))
        buffer.append(contentsOf: bytes)
        buffer.append(UInt8(ascii: ","))
    }

    private mutating func add(_ number: Int64) {
        var length = number < 0 ? 2 : 1
        var rest = number.magnitude / 10
        while rest > 0 {
            rest /= 10
            length += 1
        }
        digits(UInt64(length))
        buffer.append(UInt8(ascii: ":"))
        if number < 0 { buffer.append(UInt8(ascii: "-")) }
        digits(number.magnitude)
        buffer.append(UInt8(ascii: ","))
    }

    private mutating func digits(_ number: UInt64) {
        guard number >= 10 else { return buffer.append(UInt8(ascii: "0") + UInt8(number)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number
            var start = digits.count
            while rest > 0 {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(digit))
                rest = quotient
            }
            buffer.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }
}
