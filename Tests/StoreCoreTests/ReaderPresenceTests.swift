import RegistryModel
import Testing

@testable import StoreCore

@Suite("A long read") struct ReaderPresenceTests {
    /// Goes on for ever.
    private struct Endless: ReadWalk {
        var isDone: Bool { false }
        mutating func advance(_ source: Int, _ budget: inout StepBudget) {}
    }

    @Test func `ends between two steps when nobody is there to get it`() async throws {
        var limits = ReadLanes.Limits()
        limits.patience = .seconds(3600)
        let lanes = ReadLanes(limits)
        await #expect(throws: RegistryError.overloaded) {
            try await ReaderPresence.$current.withValue(ReaderPresence { lanes.steps < 3 }) {
                _ = try await lanes.walk(Endless(), isPage: false) {
                    (_, walk, _) throws(RegistryError) in walk
                }
            }
        }
        #expect(lanes.steps == 3)
    }
}
