import RegistryModel
import TableSamples
import TestRandom
import Testing

@testable import RoutingTable

@Suite("Revisions that are staged") struct StageTests {
    private let table = CompactRoutingTable()

    @Test(arguments: [61, 62] as [UInt64])
    func `come to the same as revisions that are applied whole`(seed: UInt64) throws {
        table.load([], revision: 0)
        var random = SeededRandom(seed: seed)
        var model = TableModel(seed: seed, names: 3_000)
        for round in 1...60 {
            let first = Revision(model.revision)
            let stage = table.beginStage()
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                stage.add(model.next(size: round.isMultiple(of: 9) ? 4_000 : 40))
            }
            #expect(stage.apply(after: first, through: Revision(model.revision)))
            try model.expect(table)
        }
    }

    @Test func `are nothing to anybody before they're applied, or where they never are`() throws {
        table.load((0..<2_000).map { domain($0) }, revision: 1)
        let before = (try table.digest().value.0, table.bytes)
        do {
            let stage = table.beginStage()
            for number in 0..<3_000 { stage.set(domain(number, at: aws, revision: 2)) }
            stage.change(.gone(japan), at: Revision(2))
            #expect(try table.find(fqdn(1)).value == domain(1))
            #expect(try table.find(fqdn(2_500)).value == nil)
        }
        #expect(try table.digest().value.0 == before.0)
        #expect(table.position?.revision == Revision(1))
        #expect(table.bytes == before.1)
    }

    @Test func `that don't follow leave the table as it was`() throws {
        table.load((0..<10).map { domain($0) }, revision: 5)
        let stage = table.beginStage()
        stage.set(domain(1, at: aws, revision: 7))
        #expect(!stage.apply(after: Revision(6), through: Revision(7)))
        #expect(try table.find(fqdn(1)).value == domain(1))
        #expect(table.position?.revision == Revision(5))
    }

    @Test func `are passed over as far as the table has them`() throws {
        table.load((0..<10).map { domain($0) }, revision: 5)
        let stage = table.beginStage()
        for revision in 4...7 as ClosedRange<Int64> {
            stage.set(domain(Int(revision), at: aws, revision: revision))
            stage.remove(fqdn(Int(revision) + 4), at: Revision(revision))
        }
        #expect(stage.apply(after: Revision(3), through: Revision(9)))
        #expect(table.position?.revision == Revision(9))
        #expect(try table.find(fqdn(4)).value == domain(4))
        #expect(try table.find(fqdn(9)).value == domain(9))
        #expect(try table.find(fqdn(7)).value == domain(7, at: aws, revision: 7))
        #expect(try table.find([fqdn(10), fqdn(11)]).value == [nil, nil])
    }

    @Test func `take some 60 bytes a change, and none of them longer than they must`() throws {
        let count = 200_000
        table.load((0..<count).map { domain($0, revision: 1) }, revision: 1)
        for (revision, place) in [(2, aws), (3, japan)] as [(Int64, LocationName)] {
            let before = table.bytes
            let stage = table.beginStage()
            for number in 0..<count { stage.set(domain(number, at: place, revision: revision)) }
            #expect(table.bytes - before < count * 24)
            #expect(
                stage.apply(after: Revision(revision - 1), through: Revision(revision)))
            #expect(table.memory.peak - before < count * 64)
            #expect(try table.find(fqdn(77)).value == domain(77, at: place, revision: revision))
        }
        // All of it is given back.
        #expect(table.set(domain(1, revision: 4), revision: 4))
        #expect(table.bytes < count * 100)
    }
}

@Suite("A packed table") struct PackedTableTests {
    @Test func `has every name once, by its bytes, as it is`() throws {
        let table = CompactRoutingTable()
        table.load([], revision: 0)
        var model = TableModel(seed: 71, names: 5_000)
        for _ in 0..<20 { #expect(table.apply(model.next(size: 3_000))) }
        let packed = try table.packed()
        #expect(packed.position.revision == Revision(model.revision))
        #expect(packed.rows.count == model.domains.count)
        let reader = PackedRowsReader()
        var found: [Domain] = []
        while let row = reader.next(in: packed.rows) {
            let fqdn = FQDN(canonical: String(decoding: row.name, as: UTF8.self))
            found.append(try #require(row.domain).domain(fqdn))
        }
        let expected = model.domains.values.sorted {
            $0.fqdn.text.utf8.lexicographicallyPrecedes($1.fqdn.text.utf8)
        }
        #expect(found == expected)
    }

    @Test func `stays as it was while the table goes on`() throws {
        let table = CompactRoutingTable()
        table.load((0..<100).map { domain($0) }, revision: 1)
        let packed = try table.packed()
        #expect(
            table.apply(
                RevisionChanges(
                    revision: Revision(2), domains: (0..<100).map { .gone(fqdn($0)) })))
        #expect(packed.rows.count == 100)
        let reader = PackedRowsReader()
        let first = try #require(reader.next(in: packed.rows))
        #expect(String(decoding: first.name, as: UTF8.self) == fqdn(0).text)
        #expect(first.domain?.revision == Revision(1))
    }
}
