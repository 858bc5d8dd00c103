import RegistryModel
import TableSamples
import TestRandom
import Testing

@testable import RoutingTable

@Suite("The table's memory") struct ReclamationTests {
    @Test func `is given back whole when the table ends`() throws {
        let memory: TableMemory
        do {
            let table = CompactRoutingTable()
            memory = table.memory
            var model = TableModel(seed: 61, names: 5_000)
            table.load([], revision: 0)
            for _ in 1...40 { #expect(table.apply(model.next(size: 4_000))) }
            table.load(Array(model.domains.values), revision: model.revision)
            try model.expect(table)
            #expect(memory.blocks > 0)
        }
        #expect(memory.blocks == 0)
        #expect(memory.bytes == 0)
    }

    @Test func `holds one view, and nothing of earlier ones, where nobody reads`() {
        let table = CompactRoutingTable()
        table.load((0..<1_000).map { domain($0) }, revision: 1)
        let blocks = table.memory.blocks
        for revision in 2...300 as ClosedRange<Int64> {
            let moved = (0..<1_000).map {
                domain($0, at: revision.isMultiple(of: 2) ? aws : japan, revision: revision)
            }
            #expect(
                table.apply(
                    RevisionChanges(revision: Revision(revision), domains: moved.map { .set($0) })))
            #expect(table.retiredCount == 0)
            #expect(table.memory.blocks == blocks)
        }
    }

    @Test func `keeps what a reader may see, and no longer`() throws {
        let table = CompactRoutingTable()
        table.load((0..<50_000).map { domain($0) }, revision: 1)
        let blocks = table.memory.blocks
        let bytes = table.memory.bytes
        try table.views.read { _ in
            for revision in 2...20 as ClosedRange<Int64> {
                let moved = (0..<1_000).map { domain($0, revision: revision) }
                #expect(
                    table.apply(
                        RevisionChanges(
                            revision: Revision(revision), domains: moved.map { .set($0) })))
            }
            table.load((0..<50_000).map { domain($0) }, revision: 20)
            // Each revision's view and its changes, and the view before the load.
            #expect(table.retiredCount == 39)
            #expect(table.memory.bytes > 2 * bytes)
        }
        #expect(table.apply(RevisionChanges(revision: Revision(21))))
        #expect(table.retiredCount == 0)
        #expect(table.memory.blocks == blocks)
        #expect(table.memory.bytes == bytes)
    }

    /// Registrations and releases, tenants that change, waves: the same number of names throughout.
    @Test func `doesn't grow by use`() async {
        var random = SeededRandom(seed: 71)
        let table = CompactRoutingTable()
        let live = 3_000
        var oldest = 0
        var revision: Int64 = 1
        table.load((0..<live).map { domain($0) }, revision: revision)
        var peaks: [Int] = []
        for _ in 0..<12 {
            var peak = 0
            for step in 0..<600 {
                revision += 1
                var changes = RevisionChanges(revision: Revision(revision))
                switch step % 100 {
                case 99:
                    changes.domains = (oldest..<oldest + live).map {
                        .set(tenanted($0, "a tenant of the wave \(revision)", revision))
                    }
                case 50...:
                    let number = Int.random(in: oldest..<oldest + live, using: &random)
                    changes.domains = [.set(tenanted(number, "tenant \(revision)", revision))]
                default:
                    changes.domains = [
                        .gone(fqdn(oldest)),
                        .set(tenanted(oldest + live, "a new tenant", revision)),
                    ]
                    oldest += 1
                }
                #expect(table.apply(changes))
                peak = max(peak, table.memory.bytes)
            }
            peaks.append(peak)
            await Task.yield()
        }
        let early = peaks.prefix(4).max() ?? 0
        #expect(peaks.suffix(4).allSatisfy { $0 < early * 11 / 10 }, "\(peaks)")
        #expect(early < live * 300)
    }

    private func tenanted(_ number: Int, _ tenant: String, _ revision: Int64) -> Domain {
        var domain = domain(number, at: aws, revision: revision)
        domain.placement.tenant = tenant
        return domain
    }
}
