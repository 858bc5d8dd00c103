import RegistryModel
import RoutingTable
import TableSamples
import Testing

/// What a table can't hold comes from outside: it's refused, and the table stays as it was.
@Suite("A table's bounds") struct TableBoundsTests {
    private let table = CompactRoutingTable()

    private static func place(_ number: Int) -> LocationName {
        LocationName(canonical: "place-\(number)")
    }

    private static func put(_ numbers: Range<Int>, revision: Int64) -> RevisionChanges {
        RevisionChanges(
            revision: Revision(revision), locations: numbers.map { .set(location(place($0))) })
    }

    /// As many as sixteen bits can tell apart, with japan and aws.
    private static let room = 65_534

    @Test func `holds 65,536 locations, and refuses a revision with one more`() throws {
        table.load([domain(1)], revision: 1)
        #expect(table.apply(Self.put(0..<Self.room, revision: 2)))
        #expect(try table.statistics().value.locations.count == 65_536)
        #expect(!table.apply(Self.put(Self.room..<Self.room + 1, revision: 3)))
        #expect(table.position?.revision == Revision(2))
        // One that is known, or a domain at one, is no more than before.
        #expect(table.apply(Self.put(7..<8, revision: 3)))
        #expect(table.set(domain(2, at: Self.place(9), revision: 4), revision: 4))
        let beyond = LocationName(canonical: "beyond")
        #expect(!table.set(domain(3, at: beyond, revision: 5), revision: 5))
        #expect(try table.find(fqdn(3)).value == nil)
        #expect(try table.find(fqdn(2)).value?.location == Self.place(9))
    }

    @Test func `gives numbers of deleted locations again, however many come and go`() throws {
        table.load([domain(1)], revision: 1)
        var revision: Int64 = 1
        for number in 0..<70_000 {
            #expect(table.apply(Self.put(number..<number + 1, revision: revision + 1)))
            #expect(
                table.apply(
                    RevisionChanges(
                        revision: Revision(revision + 2), locations: [.gone(Self.place(number))])))
            revision += 2
        }
        #expect(try table.statistics().value.locations.map(\.name) == [aws, japan])
        #expect(try table.find(fqdn(1)).value == domain(1))
    }

    @Test func `refuses to load too many, in whatever way they come`() throws {
        table.load([domain(1)], revision: 1)
        let declared = table.beginLoad()
        declared.add((0...65_536).map { location(Self.place($0)) })
        #expect(!declared.finish(at: Position(epoch: epoch, revision: Revision(5))))
        let mentioned = table.beginLoad()
        mentioned.add((0..<65_536).map { location(Self.place($0)) })
        mentioned.add([domain(2)])
        #expect(!mentioned.finish(at: Position(epoch: epoch, revision: Revision(5))))
        #expect(table.position?.revision == Revision(1))
        #expect(try table.find([fqdn(1), fqdn(2)]).value == [domain(1), nil])
    }

    @Test func `refuses revisions that it has no bits for`() throws {
        table.load([domain(1)], revision: (1 << 39) - 2)
        #expect(table.set(domain(2, revision: (1 << 39) - 1), revision: (1 << 39) - 1))
        #expect(!table.set(domain(3, revision: 1 << 39), revision: 1 << 39))
        let load = table.beginLoad()
        #expect(!load.finish(at: Position(epoch: epoch, revision: Revision(1 << 39))))
        let last = CompactRoutingTable().beginLoad()
        #expect(!last.finish(at: Position(epoch: epoch, revision: Revision(.max))))
        #expect(table.position?.revision == Revision((1 << 39) - 1))
    }
}
