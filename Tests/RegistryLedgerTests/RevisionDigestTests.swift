import RegistryLedger
import RegistryModel
import Testing

@Suite("A revision's digest") struct RevisionDigestTests {
    private static let actor = Actor(token: "t", name: "n", role: .admin)
    private static let header = RevisionHeader(
        epoch: Epoch("epoch"), revision: Revision(7), at: Timestamp(milliseconds: 1_000),
        actor: actor, note: Note(reason: "why", ticket: "T"), requestID: "r", migration: "m",
        wave: 2, overrideReason: "o")
    private static let row = ChangeRow(
        action: "moved", fqdn: "a.example",
        before: Placement(
            location: LocationName(canonical: "japan"), mode: .serve, tenant: "x", fence: nil),
        after: Placement(
            location: LocationName(canonical: "aws"), mode: .reject, tenant: "y", fence: nil),
        registeredAt: Timestamp(milliseconds: 5), subject: "s", beforeDetail: "b",
        afterDetail: "a")

    private static func digest(
        _ header: RevisionHeader = header, _ rows: [ChangeRow] = [row],
        after previous: [UInt8] = RevisionDigest.genesis
    ) -> [UInt8] {
        var digest = RevisionDigest(header, changeCount: rows.count, after: previous)
        for row in rows { digest.add(row) }
        return digest.finish()
    }

    /// SHA-256 of 32 zero bytes and the netstrings, by `sha256sum`. It never changes: stores hold it.
    @Test func `is what every earlier version computed`() {
        let hex = Self.digest().map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        #expect(hex == "dbb2bc279d52aa9aab285c46e2e17e6c864833549530d72f96d573bb9fd921c1")
    }

    @Test func `covers every field of the header`() {
        let edits: [(inout RevisionHeader) -> Void] = [
            { $0.epoch = Epoch("other") }, { $0.revision = Revision(8) },
            { $0.at = Timestamp(milliseconds: 1_001) }, { $0.actor.token = "x" },
            { $0.actor.name = "x" }, { $0.actor.role = .reader }, { $0.note.reason = "x" },
            { $0.note.reason = nil }, { $0.note.reason = "" }, { $0.note.ticket = nil },
            { $0.requestID = "x" }, { $0.migration = nil }, { $0.wave = 3 }, { $0.wave = nil },
            { $0.overrideReason = nil },
        ]
        var digests: Set = [Self.digest()]
        for edit in edits {
            var header = Self.header
            edit(&header)
            digests.insert(Self.digest(header))
        }
        #expect(digests.count == edits.count + 1)
    }

    @Test func `covers every column of every change, their number and order`() {
        let edits: [(inout ChangeRow) -> Void] = [
            { $0.action = "updated" }, { $0.fqdn = "b.example" }, { $0.fqdn = nil },
            { $0.before?.location = LocationName(canonical: "x") }, { $0.before?.mode = .readOnly },
            { $0.before?.tenant = nil }, { $0.before?.tenant = "" }, { $0.before = nil },
            { $0.after?.location = LocationName(canonical: "x") }, { $0.after?.mode = .serve },
            { $0.after?.tenant = "~" }, { $0.after = nil },
            { $0.registeredAt = Timestamp(milliseconds: 6) }, { $0.registeredAt = nil },
            { $0.subject = nil }, { $0.beforeDetail = nil }, { $0.afterDetail = nil },
            { swap(&$0.before, &$0.after) }, { swap(&$0.beforeDetail, &$0.afterDetail) },
        ]
        var other = Self.row
        other.action = "frozen"
        var digests: Set = [
            Self.digest(), Self.digest(after: Array(repeating: 1, count: 32)),
            Self.digest(Self.header, []), Self.digest(Self.header, [Self.row, Self.row]),
            Self.digest(Self.header, [Self.row, other]),
            Self.digest(Self.header, [other, Self.row]),
        ]
        let count = digests.count
        #expect(count == 6)
        for edit in edits {
            var row = Self.row
            edit(&row)
            digests.insert(Self.digest(Self.header, [row]))
        }
        #expect(digests.count == edits.count + count)
    }

    @Test func `can't be had with the same text cut elsewhere`() {
        func note(_ reason: String?, _ ticket: String?) -> [UInt8] {
            var header = Self.header
            header.note = Note(reason: reason, ticket: ticket)
            return Self.digest(header)
        }
        let digests: Set = [
            note("ab", "c"), note("a", "bc"), note("abc", ""), note("abc", nil), note(nil, "abc"),
            note("ab,1:c", ""), note("~", nil), note(nil, "~"), note("", "3:abc,"),
        ]
        #expect(digests.count == 9)
    }

    @Test func `is the same in one piece and in many`() {
        let rows = (0..<2_000).map { number in
            var row = Self.row
            row.fqdn = "d\(number).example"
            return row
        }
        let changes = (0..<2_000).map { number in
            Change(
                .moved,
                .domain(
                    FQDN(canonical: "d\(number).example"), before: Self.row.before,
                    after: Self.row.after, registeredAt: Timestamp(milliseconds: 5)))
        }
        let plain = rows.map { row in
            var row = row
            (row.subject, row.beforeDetail, row.afterDetail) = (nil, nil, nil)
            return row
        }
        let whole = RevisionDigest.digest(
            of: Self.header, changes: changes, after: RevisionDigest.genesis)
        #expect(whole == Self.digest(Self.header, plain))
    }
}
