import RegistryModel
import Testing

@Suite("A wave's state") struct WaveStateTests {
    /// Every step that there is, with and without a freeze.
    private static let legal: [(WaveState, WaveState.Event, freezes: Bool, WaveState)] = [
        (.planned, .freeze, true, .frozen), (.planned, .announce, true, .announced),
        (.announced, .freeze, true, .frozen), (.announced, .freeze, false, .frozen),
        (.announced, .thaw, true, .planned), (.announced, .thaw, false, .planned),
        (.announced, .cancel, true, .cancelled), (.announced, .cancel, false, .cancelled),
        (.announced, .approve, true, .announced), (.announced, .approve, false, .announced),
        (.planned, .cutOver, false, .moved),
        (.planned, .cancel, true, .cancelled), (.planned, .cancel, false, .cancelled),
        (.frozen, .cutOver, true, .moved), (.frozen, .cutOver, false, .moved),
        (.frozen, .thaw, true, .planned), (.frozen, .thaw, false, .planned),
        (.frozen, .cancel, true, .cancelled), (.frozen, .cancel, false, .cancelled),
        (.moved, .rollBack, true, .rolledBack), (.moved, .rollBack, false, .rolledBack),
        (.planned, .approve, true, .planned), (.planned, .approve, false, .planned),
        (.moved, .finalize, true, .finalized), (.moved, .finalize, false, .finalized),
    ]

    @Test func `takes the steps of the contract, and no others`() {
        for state in WaveState.allCases {
            for event in WaveState.Event.allCases {
                for freezes in [true, false] {
                    let wanted = Self.legal.first {
                        $0.0 == state && $0.1 == event && $0.freezes == freezes
                    }?.3
                    do throws(WaveState.Illegal) {
                        let next = try state.after(event, freezes: freezes)
                        #expect(next == wanted, "\(state) \(event) \(freezes)")
                    } catch {
                        #expect(wanted == nil, "\(state) \(event) \(freezes)")
                        #expect(error.state == state)
                        #expect(error.event == event)
                    }
                }
            }
        }
    }

    @Test func `keeps a migration running while something has moved`() {
        #expect(MigrationState.running(with: [.cancelled, .cancelled]) == .cancelled)
        #expect(MigrationState.running(with: [.moved, .cancelled]) == .running)
        #expect(MigrationState.running(with: [.rolledBack, .cancelled]) == .running)
    }

    @Test func `sizes of waves take what there is`() {
        #expect(
            WaveSize.sizes(of: [.count(10), .percent(10), .rest], eligible: 101) == [10, 11, 80])
        #expect(WaveSize.sizes(of: [.percent(33.4), .percent(66.6)], eligible: 10) == [4, 6])
        #expect(WaveSize.sizes(of: [.count(5), .rest], eligible: 3) == [3])
        #expect(WaveSize.sizes(of: [.rest], eligible: 0).isEmpty)
        #expect(WaveSize.sizes(of: [.percent(0.001)], eligible: 1_000) == [1])
        #expect(WaveSize.sizes(of: [.percent(100)], eligible: 1_000_000) == [1_000_000])
    }
}
