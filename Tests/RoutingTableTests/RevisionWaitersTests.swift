import RegistryModel
import Testing

@testable import RoutingTable

@Suite("A wait for a revision", .timeLimit(.minutes(5))) struct RevisionWaitersTests {
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

    /// The second look at the current revision comes when the wait stands in the list.
    @Test func `is woken only by its own revision or a later one`() async {
        let waiters = RevisionWaiters()
        let now = Shared(Revision.zero)
        let looks = Shared(0)
        async let reached = waiters.wait(for: Revision(2), within: forever) {
            looks.change { $0 += 1 }
            return now.value
        }
        while looks.value < 2 { await Task.yield() }
        waiters.wake(at: Revision(1))
        #expect(!waiters.isEmpty)
        now.change { $0 = Revision(2) }
        waiters.wake(at: Revision(2))
        #expect(await reached)
        #expect(waiters.isEmpty)
    }

    @Test func `misses nothing that comes between the look and the entry in the list`() async {
        let waiters = RevisionWaiters()
        let looks = Shared(0)
        // At the second look the revision is there, and no wake follows.
        let reached = await waiters.wait(for: Revision(1), within: forever) {
            looks.change { count in
                count += 1
                return Revision(count == 1 ? 0 : 1)
            }
        }
        #expect(reached)
        #expect(waiters.isEmpty)
    }

    @Test func `ends when its task is cancelled`() async {
        let waiters = RevisionWaiters()
        let looks = Shared(0)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await waiters.wait(for: Revision(1), within: .seconds(3_600)) {
                    looks.change { $0 += 1 }
                    return .zero
                }
            }
            while looks.value < 2 { await Task.yield() }
            group.cancelAll()
            #expect(await group.next() == false)
        }
        #expect(waiters.isEmpty)
    }

    @Test func `doesn't begin in a task that is cancelled already`() async {
        let waiters = RevisionWaiters()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await waiters.wait(for: Revision(1), within: .seconds(3_600)) { .zero }
        }
        task.cancel()
        #expect(await task.value == false)
        #expect(waiters.isEmpty)
    }

    @Test func `leaves nothing behind, however it ends`() async {
        let waiters = RevisionWaiters()
        let now = Shared(Int64(0))
        await withTaskGroup(of: Void.self) { group in
            for number in 1...600 as ClosedRange<Int64> {
                group.addTask {
                    let limit: Duration = number.isMultiple(of: 3) ? .zero : .milliseconds(5)
                    _ = await waiters.wait(for: Revision(number), within: limit) {
                        Revision(now.value)
                    }
                }
            }
            group.addTask {
                for number in 1...300 as ClosedRange<Int64> {
                    now.change { $0 = number }
                    waiters.wake(at: Revision(number))
                    await Task.yield()
                }
            }
        }
        #expect(waiters.isEmpty)
    }
}
