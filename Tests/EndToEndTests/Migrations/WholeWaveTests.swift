import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("A wave, looked at while it moves") struct WholeWaveTests {
    private static let pollers = 3
    private static let rounds = 2

    /// A step, and where the whole wave is after it.
    private struct Stage {
        var revision: Int64
        var place: String
    }

    @Test(.timeLimit(.minutes(15)))
    func `is seen whole by every lookup, and never goes back`() async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--access-log", "off"])
        let registry = server.client
        let names = (0..<2_000).map { "t\($0).example.com" }
        try await registry.registerAll(names)
        try await registry.registerAll((0..<3_000).map { "other\($0).example.com" })
        let start = try #require(try await registry.send(.GET, "/v1/stats").position).revision
        var stages = [Stage(revision: start, place: "japan serve")]

        let pollers = (0..<Self.pollers).map { _ in WavePoller(names, at: server) }
        await withTaskGroup { group in
            for poller in pollers { group.addTask { await poller.run() } }
            do {
                for _ in 0..<Self.rounds {
                    stages += try await Self.move(names, registry, watchedBy: pollers)
                }
            } catch {
                Issue.record(error)
            }
            for poller in pollers { poller.stop() }
        }

        #expect(pollers.flatMap(\.broken) == [])
        for sighting in pollers.flatMap(\.sightings) {
            let stage = try #require(stages.last { $0.revision <= sighting.revision })
            try #require(sighting.place == stage.place, "\(sighting)")
        }
        let seen = Set(pollers.flatMap(\.sightings).map(\.place))
        #expect(
            seen == ["japan serve", "aws serve", "japan read_only", "aws reject"])
        try await server.crash()
    }

    /// There with a freeze and back, there and rolled back.
    private static func move(
        _ names: [String], _ registry: RegistryClient, watchedBy pollers: [WavePoller]
    ) async throws -> [Stage] {
        var stages: [Stage] = []
        func take(
            _ step: WaveVerb, _ migration: Migration, _ place: String
        ) async throws {
            let answer = try await registry.take(step, of: migration)
                .decode(WaveStepResponse.self)
            try #require(answer.count == names.count)
            stages.append(Stage(revision: answer.revision.number, place: place))
            // A lookup that began before the step may end after it: the second one began later.
            _ = try await poll("the wave seen in \(place)") {
                pollers.allSatisfy {
                    $0.count(since: answer.revision.number) >= 2 || !$0.broken.isEmpty
                }
                    ? true : nil
            }
        }
        let there = try await registry.plan(freeze: "read_only", names: names)
        try await take(.freeze, there, "japan read_only")
        try await take(.thaw, there, "japan serve")
        try await take(.freeze, there, "japan read_only")
        try await take(.cutover, there, "aws serve")
        let back = try await registry.plan(from: "aws", to: "japan", freeze: "reject", names: names)
        try await take(.freeze, back, "aws reject")
        try await take(.cutover, back, "japan serve")
        let again = try await registry.plan(names: names)
        try await take(.cutover, again, "aws serve")
        try await take(.rollback, again, "japan serve")
        return stages
    }
}
