import RegistryModel
import RoutingTable
import TableSamples
import Testing

@Suite("A table beside a dictionary") struct ModelTests {
    private let table = CompactRoutingTable()

    @Test(arguments: [31, 32] as [UInt64])
    func `holds the same after thousands of small revisions`(seed: UInt64) throws {
        table.load([], revision: 0)
        var model = TableModel(seed: seed, names: 200)
        for round in 1...4_000 {
            #expect(table.apply(model.next(size: 4)))
            if round.isMultiple(of: 250) { try model.expect(table) }
        }
    }

    /// Enough names for many shards: they grow, split, and are made anew without what is gone.
    @Test(arguments: [41, 42] as [UInt64])
    func `holds the same after large revisions`(seed: UInt64) async throws {
        table.load([], revision: 0)
        var model = TableModel(seed: seed, names: 12_000)
        for round in 1...12 {
            #expect(table.apply(model.next(size: round.isMultiple(of: 3) ? 500 : 10_000)))
            try model.expect(table)
            await Task.yield()
        }
    }

    @Test(arguments: [51] as [UInt64])
    func `holds the same when it's loaded in between`(seed: UInt64) throws {
        table.load([], revision: 0)
        var model = TableModel(seed: seed, names: 3_000)
        for round in 1...30 {
            let changes = model.next(size: 2_000)
            if round.isMultiple(of: 5) {
                table.load(
                    Array(model.domains.values), locations: model.places.map { location($0) },
                    at: Position(epoch: epoch, revision: changes.revision))
            } else {
                #expect(table.apply(changes))
            }
            try model.expect(table)
        }
    }
}
