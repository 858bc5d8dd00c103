import Testing

@testable import RoutingTable

@Suite("What was taken out of the table") struct ReaderGateTests {
    private final class Thing {
        private let freed: Shared<Int>

        init(_ freed: Shared<Int>) { self.freed = freed }

        deinit { freed.change { $0 += 1 } }
    }

    private let gate = ReaderGate()
    private let freed = Shared(0)

    @Test func `is given back at once where nobody reads`() {
        var retired = RetiredObjects()
        for number in 1...10 {
            retired.add(Thing(freed))
            retired.release(gate)
            #expect(freed.value == number)
            #expect(retired.count == 0)
        }
    }

    @Test(arguments: 0...3)
    func `stays while a reader is in that came before`(earlierRounds: Int) {
        var retired = RetiredObjects()
        for _ in 0..<earlierRounds { _ = gate.changePhase() }
        let reader = gate.enter()
        retired.add(Thing(freed))
        for _ in 0..<5 { retired.release(gate) }
        #expect(freed.value == 0)
        gate.leave(reader)
        retired.release(gate)
        #expect(freed.value == 1)
    }

    /// The reader has read the phase, and counts itself in only after the writer has changed it.
    @Test func `stays while a reader is in that came by the other phase`() {
        var retired = RetiredObjects()
        let late = gate.enter(inPhase: gate.changePhase(), stripe: 7)
        retired.add(Thing(freed))
        for _ in 0..<5 { retired.release(gate) }
        #expect(freed.value == 0)
        gate.leave(late)
        retired.release(gate)
        #expect(freed.value == 1)
    }

    @Test func `is due only after rounds that began later`() {
        var retired = RetiredObjects()
        let first = gate.enter()
        retired.add(Thing(freed))
        retired.release(gate)
        // The round under way waits for the first reader; the second is in the other set.
        let second = gate.enter()
        retired.add(Thing(freed))
        gate.leave(first)
        for _ in 0..<5 { retired.release(gate) }
        #expect(freed.value == 0, "the second may have seen both")
        gate.leave(second)
        retired.release(gate)
        #expect(freed.value == 2)
    }

    /// A round that is held up has passed the counters of the stripes before.
    @Test func `isn't given back by a round that had begun`() {
        var retired = RetiredObjects()
        let blocker = gate.enter(inPhase: 0, stripe: ReaderGate.stripes - 1)
        retired.add(Thing(freed))
        retired.release(gate)
        let late = gate.enter(inPhase: 0, stripe: 0)
        retired.add(Thing(freed))
        gate.leave(blocker)
        for _ in 0..<5 { retired.release(gate) }
        #expect(freed.value == 1, "the first is from before the late reader")
        gate.leave(late)
        retired.release(gate)
        #expect(freed.value == 2)
    }

    @Test func `is given back although there's always some reader`() {
        var retired = RetiredObjects()
        var reader = gate.enter()
        for _ in 0..<100 {
            retired.add(Thing(freed))
            retired.release(gate)
            let next = gate.enter()
            gate.leave(reader)
            reader = next
        }
        #expect(freed.value > 90)
        gate.leave(reader)
    }
}
