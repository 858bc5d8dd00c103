import RegistryModel
import RoutingTable
import TableSamples
import Testing

@Suite("Readers beside the writer") struct WholeRevisionTests {
    private static let names = 1_000
    private static let revisions: Int64 = 300

    @Test func `never see half a revision`() async throws {
        let table = CompactRoutingTable()
        table.load((0..<Self.names).map { domain($0) }, revision: 1)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<3 { group.addTask { try await Self.readUntilTheEnd(table) } }
            group.addTask {
                for revision in 2...Self.revisions {
                    let place = revision.isMultiple(of: 2) ? aws : japan
                    let moved = (0..<Self.names).map { domain($0, at: place, revision: revision) }
                    let changes = RevisionChanges(
                        revision: Revision(revision), domains: moved.map { .set($0) })
                    #expect(table.apply(changes))
                    await Task.yield()
                }
                return 0
            }
            for try await _ in group {}
        }
        #expect(try table.statistics().value.locations.map(\.domains) == [Self.names, 0])
    }

    private static func readUntilTheEnd(
        _ table: CompactRoutingTable
    ) async throws -> Int {
        let names = (0..<names).map { fqdn($0) }
        var last = Revision.zero
        var reads = 0
        while last.number < revisions {
            let read = try table.find(names)
            #expect(Set(read.value.map { $0?.revision }) == [read.revision])
            #expect(Set(read.value.map { $0?.location }).count == 1)
            #expect(read.revision >= last, "a reader never goes back")
            let statistics = try table.statistics()
            #expect(statistics.value.locations.map(\.domains).sorted() == [0, Self.names])
            last = statistics.revision
            reads += 1
            await Task.yield()
        }
        return reads
    }
}
