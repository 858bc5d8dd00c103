import RegistryModel
import TableSamples
import TestRandom
import Testing

@testable import RoutingTable

@Suite("A location's checklist") struct LocationChecklistTests {
    private static func tick(
        _ name: FQDN, _ list: LocationChecklist
    ) -> LocationChecklist.Tick {
        name.withBytes { list.tick($0) }
    }

    private static func missing(_ list: LocationChecklist, _ count: Int = 7) -> [String] {
        list.sortMissing()
        var names: [String] = []
        while list.takeMissing(count, { names.append(String(decoding: $0, as: UTF8.self)) }) {}
        return names
    }

    @Test func `knows what is here, elsewhere and nowhere, each once`() throws {
        let table = CompactRoutingTable()
        table.load([domain(1, at: aws), domain(2), domain(3, at: aws)], revision: 5)
        let list = try #require(try table.checklist(of: aws))
        #expect(list.position == Position(epoch: epoch, revision: Revision(5)))
        #expect(Self.tick(fqdn(1), list) == .here)
        #expect(Self.tick(fqdn(2), list) == .elsewhere(japan))
        #expect(Self.tick(fqdn(4), list) == .unknown)
        for number in [1, 2, 4] { #expect(Self.tick(fqdn(number), list) == .again) }
        #expect(Self.missing(list) == [fqdn(3).text])
    }

    @Test func `isn't there without its location, or a table`() throws {
        let table = CompactRoutingTable()
        #expect(throws: RegistryError.notReady) { try table.checklist(of: aws) }
        table.load([domain(1, at: LocationName(canonical: "mars"))], revision: 1)
        #expect(try table.checklist(of: LocationName(canonical: "mars")) == nil)
        #expect(try table.checklist(of: LocationName(canonical: "venus")) == nil)
        #expect(try Self.missing(#require(try table.checklist(of: japan))) == [])
    }

    /// Against a model, while the table goes on: shards split, are made anew, names come, go and move.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `stays as it was, whatever comes after`(seed: UInt64) throws {
        let table = CompactRoutingTable()
        table.load([], revision: 0)
        var model = TableModel(seed: seed, names: 30_000)
        for _ in 0..<40 { #expect(table.apply(model.next(size: 2_000))) }
        let then = model
        let list = try #require(try table.checklist(of: aws))
        var random = SeededRandom(seed: seed)
        var ticked: Set<FQDN> = []
        for _ in 0..<40 {
            #expect(table.apply(model.next(size: 4_000)))
            for _ in 0..<500 {
                let name = then.name(Int.random(in: 0..<30_000, using: &random))
                let expected: LocationChecklist.Tick =
                    switch then.domains[name]?.location {
                    case _ where !ticked.insert(name).inserted: .again
                    case nil: .unknown
                    case let location?: location == aws ? .here : .elsewhere(location)
                    }
                #expect(Self.tick(name, list) == expected)
            }
        }
        let expected = then.domains.values.filter { $0.location == aws }
            .map(\.fqdn).filter { !ticked.contains($0) }
        #expect(Self.missing(list) == expected.sorted().map(\.text))
    }

    @Test func `knows unknown names again, as far as there's room for them`() throws {
        let table = CompactRoutingTable()
        table.load([], revision: 1)
        let list = try #require(try table.checklist(of: aws))
        for number in 0..<NameMarks.unknownNames + 2 {
            #expect(Self.tick(fqdn(number), list) == .unknown)
        }
        #expect(Self.tick(fqdn(NameMarks.unknownNames - 1), list) == .again)
        #expect(Self.tick(fqdn(NameMarks.unknownNames + 1), list) == .unknown)
        // Of long names fewer are kept.
        let other = try #require(try table.checklist(of: aws))
        let label = String(repeating: "x", count: 60)
        for number in 0..<NameMarks.unknownNames {
            let name = FQDN(canonical: "\(number).\(label).\(label).\(label).example")
            #expect(Self.tick(name, other) == .unknown)
        }
        #expect(other.bytes < 6 << 20)
    }

    @Test func `takes a few bytes a name, and gives all of it back`() throws {
        let table = CompactRoutingTable()
        table.load((0..<100_000).map { domain($0, at: aws) }, revision: 1)
        let before = table.bytes
        do {
            let list = try #require(try table.checklist(of: aws))
            #expect(table.bytes == before)
            #expect(list.bytes < 100_000 * 8 + 400_000)
            // The table lets go of its shards; the checklist has them.
            table.load([domain(1)], revision: 2)
            #expect(table.set(domain(2, revision: 3), revision: 3))
            #expect(table.bytes > before / 2)
            #expect(Self.missing(list).count == 100_000)
        }
        #expect(table.set(domain(3, revision: 4), revision: 4))
        #expect(table.bytes < before / 10)
    }
}
