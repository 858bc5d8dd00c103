import RegistryModel
import RoutingTable
import TableSamples
import Testing

@Suite("A wait for a revision", .timeLimit(.minutes(15))) struct ReachesTests {
    /// Far longer than any test: whoever waits this long has missed its call.
    private let forever = Duration.seconds(3_600)

    @Test func `ends at once where the table is there already`() async {
        let table = CompactRoutingTable()
        table.load([], revision: 5)
        #expect(await table.reaches(Revision(5), within: forever))
        #expect(await table.reaches(Revision(4), within: forever))
        #expect(await table.reaches(Revision(5), within: .zero))
    }

    @Test func `is told when the revision comes`() async {
        let table = CompactRoutingTable()
        table.load([], revision: 0)
        for revision in 1...500 as ClosedRange<Int64> {
            async let first = table.reaches(Revision(revision), within: forever)
            async let second = table.reaches(Revision(revision), within: forever)
            if revision.isMultiple(of: 2) { await Task.yield() }
            #expect(table.apply(RevisionChanges(revision: Revision(revision))))
            #expect(await first)
            #expect(await second)
        }
    }

    @Test func `is told when loading leads past the revision`() async {
        let table = CompactRoutingTable()
        async let reached = table.reaches(Revision(3), within: forever)
        await Task.yield()
        table.load([], revision: 7)
        #expect(await reached)
    }

    @Test func `ends without it when its time is over`() async {
        let table = CompactRoutingTable()
        table.load([], revision: 0)
        #expect(await !table.reaches(Revision(1), within: .milliseconds(1)))
        #expect(await !table.reaches(Revision(1), within: .zero))
        #expect(await !table.reaches(Revision(1), within: .seconds(-1)))
    }
}
