import RegistryModel
import RoutingTable
import Testing

@testable import RegistryAgent

@Suite("The guard before a table") struct SnapshotGuardTests {
    private static func facts(_ count: Int, _ epoch: String = "a", _ revision: Int64 = 10)
        -> SnapshotFacts
    {
        SnapshotFacts(
            position: Position(epoch: Epoch(epoch), revision: Revision(revision)), count: count)
    }

    @Test(arguments: [
        (100, 70, true), (100, 69, false), (100, 200, true), (34, 24, true), (33, 23, false),
        (0, 0, true), (1_000_000, 700_000, true),
        (1_000_000, 699_999, false),
    ])
    func `lets at most 30 percent go`(old: Int, new: Int, isAdmitted: Bool) {
        let result = Result { () throws(SnapshotRefusal) in
            try SnapshotGuard().admit(Self.facts(new), before: Self.facts(old))
        }
        let wasAdmitted = (try? result.get()) != nil
        #expect(wasAdmitted == isAdmitted)
    }

    @Test(arguments: [
        (3, 2, true), (2, 1, true), (10, 1, true), (11, 2, true), (20, 11, true), (11, 1, false),
        (20, 10, false),
    ])
    func `doesn't act below 10 names, in a small table too`(old: Int, new: Int, isAdmitted: Bool) {
        #expect(SnapshotGuard().isShrunken(from: old, to: new) != isAdmitted)
        #expect(SnapshotGuard(maximumShrinkPercent: 0).isShrunken(from: old, to: new) != isAdmitted)
    }

    @Test func `never lets everything go, however much may`() {
        #expect(SnapshotGuard().isShrunken(from: 1, to: 0))
        let all = SnapshotGuard(maximumShrinkPercent: 100)
        #expect(throws: SnapshotRefusal.empty(before: 5)) {
            try all.admit(Self.facts(0), before: Self.facts(5))
        }
        #expect(throws: Never.self) { try all.admit(Self.facts(1), before: Self.facts(5)) }
    }

    @Test func `compares revisions of one epoch only`() {
        #expect(throws: SnapshotRefusal.older(Revision(9), than: Revision(10))) {
            try SnapshotGuard().admit(Self.facts(5, "a", 9), before: Self.facts(5))
        }
        #expect(throws: Never.self) {
            try SnapshotGuard().admit(Self.facts(5, "b", 1), before: Self.facts(5))
        }
    }

    @Test func `takes an older one not even for an operator who accepts shrinking`() {
        #expect(throws: SnapshotRefusal.self) {
            try SnapshotGuard(acceptsShrink: true).admit(
                Self.facts(5, "a", 9), before: Self.facts(5))
        }
    }

    @Test func `takes anything where there is nothing`() {
        #expect(throws: Never.self) { try SnapshotGuard().admit(Self.facts(0), before: nil) }
    }
}

@Suite("The pause between attempts") struct BackoffTests {
    private let backoff = Backoff(first: .milliseconds(200), longest: .seconds(30))

    @Test func `doubles up to its limit`() {
        let waits = (1...12).map { backoff.wait(after: $0, chance: 1) / .milliseconds(1) }
        #expect(waits.prefix(4) == [200, 400, 800, 1600])
        #expect(waits.last == 30_000)
        #expect(backoff.wait(after: Int.max, chance: 1) == .seconds(30))
    }

    @Test func `is by chance between half of it and all`() {
        #expect(backoff.wait(after: 2, chance: 0) == .milliseconds(200))
        #expect(backoff.wait(after: 2, chance: 0.5) == .milliseconds(300))
        #expect(backoff.wait(after: 0, chance: 1) == .zero)
    }
}
