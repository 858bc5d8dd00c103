import RegistryModel
import RoutingTable
import TableSamples
import TestRandom
import Testing

/// Revisions that set every name, and readers that look at one name after another.
@Suite("Readers of single names beside the writer", .timeLimit(.minutes(15)))
struct ConcurrentReadersTests {
    private static let names = 1_500
    private static let revisions: Int64 = 100

    /// Each revision moves all names to its own place in a cycle, and lets go those that stand at
    /// that place in the row; so a name's state says which revisions it can be from.
    private static func changes(_ revision: Int64) -> RevisionChanges {
        RevisionChanges(
            revision: Revision(revision),
            domains: (0..<names).map { number in
                isGone(number, revision) ? .gone(fqdn(number)) : .set(state(number, revision))
            })
    }

    private static func isGone(_ number: Int, _ revision: Int64) -> Bool {
        number % 7 == Int(revision % 7)
    }

    private static func state(_ number: Int, _ revision: Int64) -> Domain {
        var domain = domain(
            number, at: revision.isMultiple(of: 2) ? aws : japan, revision: revision)
        domain.placement.tenant = "tenant \(number) of \(revision), in full"
        domain.registeredAt = Timestamp(milliseconds: -revision)
        return domain
    }

    /// What was read is the state of exactly the revision that it says.
    private static func check(_ read: Read<Domain?>, _ number: Int) {
        let revision = read.revision.number
        let expected = isGone(number, revision) ? nil : state(number, revision)
        if read.value != expected {
            Issue.record("\(number) at \(revision): \(String(describing: read.value))")
        }
    }

    @Test func `see states of the revision that they are told, and never go back`() async throws {
        let table = CompactRoutingTable()
        table.load([], revision: 0)
        #expect(table.apply(Self.changes(1)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for reader in 0..<3 {
                group.addTask { try await Self.readPairs(table, seed: UInt64(reader)) }
            }
            group.addTask { try await Self.readBatches(table) }
            group.addTask {
                for revision in 2...Self.revisions {
                    #expect(table.apply(Self.changes(revision)))
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
    }

    /// First one name, then another: the second is never from before the first.
    private static func readPairs(_ table: CompactRoutingTable, seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        var last = Revision.zero
        while last.number < revisions {
            for _ in 0..<500 {
                let number = Int.random(in: 0..<names, using: &random)
                let read = try table.find(fqdn(number))
                check(read, number)
                if read.revision < last { Issue.record("\(read.revision) after \(last)") }
                last = read.revision
                if let position = table.position?.revision, position < last {
                    Issue.record("the table is at \(position), a read was at \(last)")
                }
            }
            await Task.yield()
        }
    }

    private static func readBatches(_ table: CompactRoutingTable) async throws {
        let all = (0..<names).map { fqdn($0) }
        var last = Revision.zero
        while last.number < revisions {
            let read = try table.find(all)
            for (number, domain) in read.value.enumerated() {
                check(Read(domain, at: read.revision), number)
            }
            let statistics = try table.statistics()
            let gone = (0..<names).count { isGone($0, statistics.revision.number) }
            #expect(statistics.value.total == names - gone)
            last = statistics.revision
            await Task.yield()
        }
    }

    /// Names come and go for good: shards grow, split and are made anew under the readers.
    @Test func `find what's there while the table grows and shrinks`() async throws {
        let table = CompactRoutingTable()
        table.load((0..<1_000).map { domain($0) }, revision: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var last = Revision.zero
                    while last.number < 25 {
                        for number in 0..<1_000 {
                            let read = try table.find(fqdn(number))
                            if read.value != domain(number) { Issue.record("\(number) is lost") }
                            last = read.revision
                        }
                        await Task.yield()
                    }
                }
            }
            group.addTask {
                for round in 0..<12 as Range<Int64> {
                    let others = 8_000 + Int(round) * 8_000..<16_000 + Int(round) * 8_000
                    let come = RevisionChanges(
                        revision: Revision(2 + 2 * round),
                        domains: others.map { .set(domain($0, revision: 2 + 2 * round)) })
                    #expect(table.apply(come))
                    let go = RevisionChanges(
                        revision: Revision(3 + 2 * round), domains: others.map { .gone(fqdn($0)) })
                    #expect(table.apply(go))
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
    }

    /// One at a time: the thread sanitizer doesn't see into a contended `Mutex` on Linux, and would
    /// call it a race.
    @Test func `take revisions from whatever thread`() async throws {
        let table = CompactRoutingTable()
        table.load([domain(1)], revision: 0)
        for revision in 1...400 as ClosedRange<Int64> {
            async let applied = table.set(domain(1, revision: revision), revision: revision)
            #expect(await applied)
            #expect(try table.find(fqdn(1)).value == domain(1, revision: revision))
        }
    }
}
