import RegistryModel
import RoutingTable
import TableSamples
import Testing

@Suite("A reading of the whole table") struct EntriesTests {
    private struct Reading {
        var position: Position?
        var summary: TableSummary?
        var domains: [FQDN: Domain] = [:]
        var count = 0
    }

    private static func read(_ table: some RoutingTable) throws -> Reading {
        var reading = Reading()
        try table.forEachEntry {
            reading.position = $0
            reading.summary = $1
        } _: { name, entry in
            let fqdn = FQDN(canonical: String(decoding: name, as: UTF8.self))
            reading.count += 1
            reading.domains[fqdn] = entry.domain.domain(fqdn)
        }
        return reading
    }

    @Test func `has each domain once, as the model has it`() throws {
        var model = TableModel(seed: 11, names: 3000)
        let table = CompactRoutingTable()
        table.load([], revision: 0)
        for number in 1...400 {
            #expect(table.apply(model.next(size: number.isMultiple(of: 50) ? 4000 : 30)))
            guard number.isMultiple(of: 20) else { continue }
            let reading = try Self.read(table)
            #expect(reading.domains == model.domains)
            #expect(reading.count == model.domains.count)
            #expect(reading.summary?.count == model.domains.count)
            #expect(reading.position?.revision == Revision(model.revision))
            #expect(
                reading.summary?.locations.map(\.name)
                    == model.places.sorted { $0.text < $1.text })
        }
    }

    /// Every revision sets all names to its own number: a reading that mixes two shows it.
    @Test func `is of one revision, while others are written`() async throws {
        let table = CompactRoutingTable()
        let count = 20_000
        table.load((0..<count).map { domain($0, revision: 1) }, revision: 1)
        let isDone = Shared(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 2...60 {
                    let revision = Int64(number)
                    let set = (0..<count).map { domain($0, revision: revision) }
                    _ = table.apply(
                        RevisionChanges(
                            revision: Revision(revision), domains: set.map { .set($0) }))
                }
                isDone.change { $0 = true }
            }
            while !isDone.value {
                let reading = try Self.read(table)
                let revisions = Set(reading.domains.values.map(\.revision))
                #expect(revisions == [try #require(reading.position).revision])
                #expect(reading.count == count)
            }
            try await group.waitForAll()
        }
    }

    @Test func `isn't to be had before the table is loaded`() {
        #expect(throws: RegistryError.notReady) { try Self.read(CompactRoutingTable()) }
    }
}
