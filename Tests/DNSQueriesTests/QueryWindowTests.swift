import DNSQueries
import Testing

@Suite("Questions to a server that loses some") struct QueryWindowTests {
    /// As many at a time as there may be.
    private static var grown: QueryWindow {
        var window = QueryWindow()
        for _ in 0..<5_000 { window.note(wasLost: false) }
        return window
    }

    @Test func `are few at first, and more as answers come`() {
        var window = QueryWindow()
        #expect(window.size == QueryWindow.first)
        for _ in 0..<100 { window.note(wasLost: false) }
        #expect((QueryWindow.first + 10..<QueryWindow.first + 20).contains(window.size))
        #expect(Self.grown.size == QueryWindow.mostInFlight)
    }

    @Test func `are fewer at a time after a loss, once for all that was on its way`() {
        var window = Self.grown
        for _ in 0..<200 { window.note(wasLost: true) }
        #expect(window.size == 100)
        for _ in 0..<10_000 { window.note(wasLost: true) }
        #expect(window.size == QueryWindow.least)
    }

    @Test func `are as many as before when none has been lost for a while`() {
        var window = Self.grown
        window.note(wasLost: true)
        for _ in 0..<50 { window.note(wasLost: false) }
        #expect(window.size == 100)
        for _ in 0..<5_000 { window.note(wasLost: false) }
        #expect(window.size == QueryWindow.mostInFlight)
    }

    @Test(arguments: [(100_000, 100, false), (100_000, 10, true), (100, 10, false)])
    func `are asked on as long as most are answered`(count: Int, each: Int, isOver: Bool) {
        var patience = QueryPatience()
        for number in 1...count where !patience.isOver {
            patience.note(isSilent: number % each == 0)
        }
        #expect(patience.isOver == isOver)
    }

    @Test func `end when nobody answers any more, however many were answered`() {
        var patience = QueryPatience()
        for _ in 0..<100_000 { patience.note(isSilent: false) }
        for _ in 0..<63 { patience.note(isSilent: true) }
        #expect(!patience.isOver)
        patience.note(isSilent: true)
        #expect(patience.isOver)
    }
}
