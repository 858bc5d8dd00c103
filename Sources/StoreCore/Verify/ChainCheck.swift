import RegistryLedger
import RegistryModel

/// Walks the log from its first revision to a head and computes its digests anew, some rows at a
/// time: between two calls of `advance` no transaction is open.
struct ChainCheck: Sendable {
    /// The last revision to check.
    let head: Revision
    let noted: NotedDigest?
    /// The last revision that fits, and its digest.
    private(set) var revision: Int64 = 0
    private(set) var digest = RevisionDigest.genesis
    private(set) var changes: Int64 = 0
    private(set) var isDone = false
    private(set) var flaw: Verification.Flaw?

    private var current: Current?
    /// Of the current revision.
    private var hashing = NetstringHash()
    private var facets: FacetCheck
    private let contents: SchemaContents

    /// A revision whose changes are being read.
    private struct Current: Sendable {
        let revision: Int64
        let changeCount: Int64
        let storedDigest: [UInt8]
        var seen: Int64 = 0
    }

    /// Rows in one step: some 10 ms. `LogScan` gives one more.
    private static let rowsAtOnce = 10_000

    /// Of `LogScan.headers`: what the digest covers.
    private static let headerColumns: Range<Int> = 3..<16

    init(through head: Revision, noted: NotedDigest?, _ contents: SchemaContents) {
        self.head = head
        self.noted = noted
        self.contents = contents
        facets = FacetCheck(isOn: contents.hasFacets)
        if let noted, noted.revision == .zero, noted.digest != digest {
            flaw = .init(.zero, "the digest before the first revision is 32 zero bytes")
        }
    }

    mutating func advance(_ log: LogScan<some SQLSession>) throws {
        var budget = Self.rowsAtOnce
        let headers = try log.headers(after: current?.revision ?? revision, contents)
        let from = resumption
        let rows = try log.changes(from: from.revision, position: from.position, contents)
        var hasRow = try rows.step()
        while flaw == nil, budget > 0 {
            if current == nil {
                let hasMore = try revision < head.number && headers.step()
                guard hasMore else { return try end(log, rows, hasRow) }
                try begin(headers.row)
                budget -= 1
            }
            guard var open = current, flaw == nil else { break }
            current = nil
            while hasRow, budget > 0 {
                let row = rows.row
                guard try row.number(0) == open.revision, try row.number(1) == open.seen else {
                    break
                }
                row.add(change: 2, to: &hashing)
                facets.note(row)
                open.seen += 1
                budget -= 1
                hasRow = try rows.step()
            }
            let next = hasRow ? (try rows.row.number(0), try rows.row.number(1)) : nil
            if let next, next == (open.revision, open.seen) {
                current = open
            } else {
                close(open, next: next)
            }
        }
        if flaw == nil { flaw = try facets.compare(log) }
        isDone = flaw != nil
    }

    /// Where the changes go on. Below the first revision nothing may be, so that's where they begin.
    private var resumption: (revision: Int64, position: Int64) {
        if let current { return (current.revision, current.seen) }
        return revision == 0 ? (.min, .min) : (revision + 1, .min)
    }

    private mutating func begin(_ header: SQLRow) throws {
        let number = try header.number(0)
        guard number == revision + 1 else {
            return flaw = .init(Revision(revision + 1), "revision \(revision + 1) is missing")
        }
        hashing.clear()
        hashing.raw(digest)
        header.add(fields: Self.headerColumns, to: &hashing)
        if try header.number(Self.headerColumns.upperBound) == 1 { hashing.allowsSplit() }
        current = Current(
            revision: number, changeCount: try header.number(1),
            storedDigest: header.storedBytes(2).map { Array($0) } ?? [])
    }

    /// - Parameter next: the change that follows in the log.
    private mutating func close(_ open: Current, next: (revision: Int64, position: Int64)?) {
        let number = Revision(open.revision)
        if let next, next.revision < open.revision {
            return flaw = .init(
                Revision(next.revision), "there are changes of a revision \(next.revision)")
        }
        if let next, next.revision == open.revision, next.position > open.seen {
            return flaw = .init(
                number, "revision \(number) has no change at position \(open.seen)")
        }
        if let next, next.revision == open.revision {
            return flaw = .init(
                number, "revision \(number) has a change at position \(next.position)")
        }
        guard open.seen == open.changeCount else {
            return flaw = .init(
                number,
                "revision \(number) was written with \(open.changeCount) changes and has \(open.seen)"
            )
        }
        let computed = hashing.finish()
        guard computed == open.storedDigest else {
            return flaw = .init(
                number, "revision \(number) isn't what its digest was computed over")
        }
        if let noted, noted.revision == number, noted.digest != computed {
            return flaw = .init(
                number,
                "revision \(number) has the digest \(DigestText.text(computed)), and another one was noted"
            )
        }
        (revision, digest) = (open.revision, computed)
        changes += open.seen
        facets.close(open.revision)
    }

    /// After the last header.
    private mutating func end(
        _ log: LogScan<some SQLSession>, _ rows: some ScannedRows, _ hasRow: Bool
    ) throws {
        isDone = true
        guard revision == head.number else {
            return flaw = .init(
                Revision(revision + 1),
                "revision \(revision + 1) is missing: the log ends before its head, revision \(head)"
            )
        }
        if hasRow, case let number = try rows.row.number(0), number <= revision {
            return flaw = .init(Revision(number), "there are changes of a revision \(number)")
        }
        if let noted, noted.revision > head {
            return flaw = .init(
                head.next,
                "the log ends at revision \(head), before the noted one, \(noted.revision)")
        }
        flaw = try facets.compare(log)
    }
}
