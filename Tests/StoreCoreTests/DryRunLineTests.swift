import RegistryModel
import Testing

@testable import StoreCore

@Suite("Dry runs") struct DryRunLineTests {
    @Test func `leave as much time between two as the one before took, also where it failed`()
        async throws
    {
        let line = DryRunLine()
        let time = Duration.milliseconds(30)
        var end = ContinuousClock.now
        await #expect(throws: RegistryError.overloaded) {
            try await line.run { () async throws(RegistryError) -> Int in
                let until = ContinuousClock.now + time
                while ContinuousClock.now < until { await Task.yield() }
                end = .now
                throw .overloaded
            }
        }
        let start = try await line.run { ContinuousClock.now }
        #expect(end.duration(to: start) >= time)
    }

    @Test func `rest for nobody who has left`() async throws {
        let line = DryRunLine()
        try await line.run {
            let until = ContinuousClock.now + .milliseconds(100)
            while ContinuousClock.now < until { await Task.yield() }
        }
        let waiting = Task { try await line.run {} }
        waiting.cancel()
        await #expect(throws: RegistryError.overloaded) { try await waiting.value }
        #expect(line.lanes.running(.walk) == 0)
    }
}
