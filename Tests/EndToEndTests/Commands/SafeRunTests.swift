import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("migrations run --safe", .timeLimit(.minutes(15))) struct SafeRunTests {
    private static func start() async throws -> (ServerProcess, AgentProcess, Migration) {
        let registry = try await ServerProcess.startOpen(arguments: ["--fence-after", "1"])
        try await registry.client.registerAll(["a.kintone.com", "b.kintone.com"])
        let agent = try await AgentProcess.start(in: TestFolder(), upstream: registry.url)
        try await agent.reaches(registry.revision())
        let migration = try await registry.client.plan(freeze: "read_only")
        return (registry, agent, migration)
    }

    private static func events(_ run: CommandRun) throws -> [String] {
        try run.objects().compactMap { $0["event"] }
    }

    @Test func `announces each wave, and moves it when nobody lets a write through`() async throws {
        let (registry, agent, migration) = try await Self.start()
        let run = try await registry.run(
            "migrations", "run", migration.id, "--safe", "--yes", "--output", "ndjson")
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(
            try Self.events(run).filter { ["announced", "frozen", "moved"].contains($0) }
                == ["announced", "frozen", "moved"])
        #expect(try await agent.location("a.kintone.com") == "aws")
        #expect(try await agent.stop() == .code(0))
    }

    @Test func `leaves a wave planned where an agent doesn't hear of it`() async throws {
        let (registry, agent, migration) = try await Self.start()
        agent.process.signal(SIGSTOP)
        let run = try await registry.run(
            "migrations", "run", migration.id, "--safe", "--yes", "--wait-converged", "--timeout",
            "1s")
        agent.process.signal(SIGCONT)
        #expect(run.exit == .code(1) && run.errors.contains("edge"), "\(run.errors)")
        let wave = try await registry.client.migration(migration.id).value.waves.first
        #expect(wave?.state == .planned && wave?.announcement == nil)
        #expect(try await agent.stop() == .code(0))
    }

    /// Somebody has frozen it by hand, and nobody may copy before it's safe.
    @Test func `copies nothing of a wave that was frozen before until it's safe`() async throws {
        let (registry, agent, migration) = try await Self.start()
        let announced = try await registry.client.send(
            .POST, "/v1/migrations/\(migration.id)/waves/1/announce",
            query: [("wait", "converged")], body: Array(WaveVerb.cutover.body(migration).utf8))
        #expect(announced.status == 200)
        agent.process.signal(SIGSTOP)
        _ = try await registry.client.take(.freeze, of: migration)
        let run = try await registry.run(
            "migrations", "run", migration.id, "--safe", "--resume", "--yes", "--before-cutover",
            "echo copied", "--wait-converged", "--timeout", "4s")
        agent.process.signal(SIGCONT)
        #expect(run.exit == .code(0), "\(run.errors)")
        let safety = try await registry.client.migration(migration.id).value.waves.first
        #expect(safety?.state == .moved)
        #expect(try await agent.stop() == .code(0))
    }
}
