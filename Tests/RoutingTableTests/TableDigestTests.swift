import RegistryModel
import TableSamples
import Testing

@testable import RoutingTable

@Suite("The table's digest") struct TableDigestTests {
    /// From the reference implementation's own kind of vectors, seed 0: the two words in order.
    @Test(
        arguments: [
            ("", 0x0000_0000_0000_0000, 0x0000_0000_0000_0000),
            ("hello", 0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19),
            (
                "The quick brown fox jumps over the lazy dog", 0xe34b_bc7b_bc07_1b6c,
                0x7a43_3ca9_c49a_9347
            ),
        ] as [(String, UInt64, UInt64)])
    func `is made of MurmurHash3`(text: String, low: UInt64, high: UInt64) {
        let hash = Array(text.utf8).withUnsafeBytes { Murmur3.hash($0) }
        #expect(hash.low == low && hash.high == high)
    }

    @Test func `is zero for nothing, and has no order`() throws {
        let (one, two) = (domain(1), domain(2, at: aws))
        var (digest, other) = (TableDigest(), TableDigest())
        digest.add(one)
        digest.add(two)
        other.add(two)
        other.add(one)
        #expect(digest == other && digest != TableDigest())
        digest.remove(one)
        digest.remove(two)
        #expect(digest == TableDigest())
        #expect(digest.description == "sum-murmur3:" + String(repeating: "0", count: 32))
    }

    @Test func `tells each field`() {
        let base = domain(1)
        var all: Set<TableDigest> = [TableDigest.hash(base)]
        var changes = Array(repeating: base, count: 6)
        changes[0].fqdn = FQDN(canonical: "b.example.jp")
        changes[1].placement.location = aws
        changes[2].placement.mode = .reject
        changes[3].placement.tenant = "t"
        changes[4].revision = Revision(99)
        changes[5].changedAt = Timestamp(milliseconds: 5)
        for change in changes { all.insert(TableDigest.hash(change)) }
        var registered = base
        registered.registeredAt = Timestamp(milliseconds: 1)
        all.insert(TableDigest.hash(registered))
        #expect(all.count == 8)
    }

    @Test func `follows locations too`() throws {
        let table = CompactRoutingTable()
        table.load([], locations: [], at: Position(epoch: epoch, revision: .zero))
        let empty = try table.digest().value.0
        #expect(empty == TableDigest())
        #expect(
            table.apply(RevisionChanges(revision: Revision(1), locations: [.set(location(aws))])))
        let one = try table.digest()
        #expect(one.value.0 != empty && one.revision == Revision(1))
        #expect(try table.summary().value.locations.map(\.name) == [aws])
        #expect(
            table.apply(RevisionChanges(revision: Revision(2), locations: [.set(location(aws))])))
        #expect(try table.digest().value.0 == one.value.0)
        #expect(table.apply(RevisionChanges(revision: Revision(3), locations: [.gone(aws)])))
        #expect(try table.digest().value.0 == empty)
    }
}
