import Foundation
import Testing

@testable import RegistryLedger

@Suite("Dry runs") struct DryRunPaceTests {
    @Test func `leave as much time between two as the one before took, also where it failed`()
        throws
    {
        struct Failed: Error {}
        let pace = DryRunPace()
        let time = Duration.milliseconds(30)
        var end = ContinuousClock.now
        #expect(throws: Failed.self) {
            try pace.run {
                Thread.sleep(forTimeInterval: time / .seconds(1))
                end = .now
                throw Failed()
            }
        }
        let start = pace.run { ContinuousClock.now }
        #expect(end.duration(to: start) >= time)
    }
}
