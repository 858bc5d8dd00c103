import RegistryModel
import Testing

@Suite("The size of a wave") struct WaveSizeTests {
    private static func size(_ percent: Double, of eligible: Int) -> Int {
        WaveSize.sizes(of: [.percent(percent)], eligible: eligible).first ?? 0
    }

    @Test(arguments: [
        (10.0, 5, 1), (20, 5, 1), (21, 5, 2), (100, 5, 5), (0.001, 5, 1), (99.9, 5, 5),
        (33, 100, 33), (33.001, 100, 34), (0.1, 1_000_000, 1_000), (0.00011, 1_000_000, 2),
    ])
    func `in percent is rounded up`(percent: Double, eligible: Int, size: Int) {
        #expect(Self.size(percent, of: eligible) == size)
    }

    /// 64.4 % of 250 is 161, although 250 × 64.4 is a little more than 16,100 to a computer.
    @Test
    func `in percent isn't rounded up from a whole number, whatever floating point makes of it`() {
        for eligible in 1...400 {
            for tenths in 1...1_000 {
                let exact = (eligible * tenths + 999) / 1_000
                let size = Self.size(Double(tenths) / 10, of: eligible)
                guard size != exact else { continue }
                Issue.record("\(Double(tenths) / 10) % of \(eligible): \(size), not \(exact)")
                return
            }
        }
    }

    @Test func `is what there is, and nothing where nothing is left`() {
        #expect(WaveSize.sizes(of: [.count(2), .percent(50), .rest], eligible: 5) == [2, 3])
        #expect(WaveSize.sizes(of: [.count(7), .rest], eligible: 5) == [5])
        #expect(WaveSize.sizes(of: [.count(2), .count(1)], eligible: 5) == [2, 1])
        #expect(WaveSize.sizes(of: [.percent(60), .percent(60), .rest], eligible: 5) == [3, 2])
        #expect(WaveSize.sizes(of: [.rest], eligible: 0).isEmpty)
    }
}
