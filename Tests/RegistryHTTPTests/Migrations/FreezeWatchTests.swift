import Logging
import RegistryModel
import Testing

@testable import RegistryService

@Suite("A watch on freezes", .timeLimit(.minutes(15))) struct FreezeWatchTests {
    private static func shares(_ registry: RunningRegistry) async throws -> [Double] {
        try await FreezeWatch(registry.service, logger: Logger(label: "test")).shares().sorted()
    }

    private static func isNear(_ left: [Double], _ right: [Double]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 0.01 }
    }

    @Test func `tells of each wave's own time, from its last freeze on`() async throws {
        try await withRegistry { registry in
            #expect(try await Self.shares(registry) == [])
            let short = try await registry.planned(["a.example.com"], freeze: "reject")
            let long = try await registry.planned(["b.example.com"], freeze: "reject")
            #expect(try await Self.shares(registry) == [])
            try await registry.freeze(short, seconds: 600)
            try await registry.freeze(long, seconds: 6_000)
            registry.clock.advance(by: .seconds(300))
            // Writes that have nothing to do with it.
            try await registry.patch("a.example.com", #"{"tenant":"other"}"#)
            #expect(Self.isNear(try await Self.shares(registry), [0.05, 0.5]))

            try await registry.cutOver(short)
            #expect(Self.isNear(try await Self.shares(registry), [0.05]))
            try await registry.succeed(long.path("thaw"))
            #expect(try await Self.shares(registry) == [])
            try await registry.freeze(long, seconds: 600)
            registry.clock.advance(by: .seconds(150))
            #expect(Self.isNear(try await Self.shares(registry), [0.25]))
            // Whoever thaws it hasn't come yet.
            registry.clock.advance(by: .seconds(900))
            #expect(try await Self.shares(registry) == [1])
        }
    }
}
