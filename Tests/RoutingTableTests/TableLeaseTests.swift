import RegistryModel
import Synchronization
import Testing

@testable import RoutingTable

@Suite("A table's lease") struct TableLeaseTests {
    private final class Clock: Sendable {
        let time = Atomic<UInt64>(1_000)
        let ends = Mutex<[UInt64]>([])
    }

    private let clock = Clock()
    private let lease: TableLease
    private static let epoch = Epoch("e")

    init() {
        lease = TableLease(
            clock: { [clock] in clock.time.load(ordering: .relaxed) },
            changed: { [clock] end in clock.ends.withLock { $0.append(end) } })
    }

    private func applied(_ revision: Int64, _ epoch: Epoch = epoch) {
        lease.applied(Position(epoch: epoch, revision: Revision(revision)))
    }

    /// Of two seconds.
    private func renew(to head: Int64, sent: UInt64, _ epoch: Epoch = epoch) {
        lease.renew(
            FenceLease(head: Revision(head), length: .seconds(2)), of: epoch, sent: sent)
    }

    private func at(_ time: UInt64) -> Bool {
        clock.time.store(time, ordering: .relaxed)
        return lease.isHeld
    }

    @Test func `isn't there at the start, and counts from when the report was sent`() {
        #expect(!lease.isHeld)
        applied(5)
        // The answer came a second late.
        clock.time.store(2_000, ordering: .relaxed)
        renew(to: 5, sent: 1_000)
        #expect(lease.isHeld && lease.milliseconds == 1_000)
        #expect(at(2_999) && !at(3_000))
        // One that was on its way for longer than it lasts is worth nothing.
        renew(to: 5, sent: 900)
        #expect(!lease.isHeld && lease.milliseconds == 0)
    }

    @Test func `counts once what came with it is applied, and not before`() {
        applied(5)
        renew(to: 5, sent: 1_000)
        renew(to: 7, sent: 2_000)
        #expect(at(2_999) && !at(3_000))
        applied(6)
        #expect(!lease.isHeld)
        applied(7)
        #expect(at(3_999) && !at(4_000))
        #expect(clock.ends.withLock(\.self) == [0, 3_000, 4_000])
    }

    @Test func `never ends sooner for what comes late`() {
        applied(5)
        renew(to: 5, sent: 2_000)
        renew(to: 5, sent: 1_500)
        #expect(at(3_999) && !at(4_000))
    }

    @Test func `is of one log, and of no other`() {
        applied(5)
        renew(to: 5, sent: 1_000)
        renew(to: 9, sent: 1_500)
        applied(9, Epoch("other"))
        #expect(!lease.isHeld)
        renew(to: 5, sent: 1_600)
        #expect(!lease.isHeld, "an answer to what was said of the log before")
        renew(to: 9, sent: 1_600, Epoch("other"))
        #expect(lease.isHeld)
    }

    @Test func `forgets none of the next ones to count, and not the newest`() {
        applied(1)
        for number in 1...50 { renew(to: Int64(number) + 1, sent: 1_000 + UInt64(number)) }
        applied(2)
        #expect(lease.milliseconds == 2_001)
        applied(51)
        #expect(lease.milliseconds == 2_050)
    }
}
