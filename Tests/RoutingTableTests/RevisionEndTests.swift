import RegistryModel
import TableSamples
import Testing

@testable import RoutingTable

@Suite("The end of a revision", .timeLimit(.minutes(15))) struct RevisionEndTests {
    /// What a view says of a record it says right away and ever after, also while the revision is
    /// being written into the records, and in the moment when that is over. The reader looks at one
    /// record again and again, so that it's there at many such moments.
    @Test func `isn't seen by a view in its records`() async throws {
        let table = CompactRoutingTable()
        let last: Int64 = 20_000
        table.load([domain(1), domain(2)], revision: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let fqdn = fqdn(2)
                var now: UInt64 = 1
                while now < last {
                    for _ in 0..<5_000 {
                        now = try table.views.read { view in
                            let found = fqdn.withBytes { view.record($0)?.0 }
                            guard let record = found else { return 0 }
                            for _ in 0..<20 {
                                let isWritten = view.isWritten.load(
                                    ordering: .sequentiallyConsistent)
                                let words = view.words(of: record, isWritten: isWritten)
                                if words.revision != view.revision {
                                    Issue.record(
                                        "\(words.revision) in the view of \(view.revision)")
                                }
                            }
                            return view.revision
                        }
                    }
                    await Task.yield()
                }
            }
            group.addTask {
                for revision in 2...last {
                    let changes = [domain(1, revision: revision), domain(2, revision: revision)]
                    #expect(
                        table.apply(
                            RevisionChanges(
                                revision: Revision(revision), domains: changes.map { .set($0) })))
                    if revision.isMultiple(of: 200) { await Task.yield() }
                }
            }
            try await group.waitForAll()
        }
    }
}
