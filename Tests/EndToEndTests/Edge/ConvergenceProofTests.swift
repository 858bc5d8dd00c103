import Foundation
import NIOCore
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

/// What agents are for: when the answer to a cutover comes, nobody is sent to the old side any more.
@Suite("Two nginx, each with an agent", .serialized, .timeLimit(.minutes(15)))
struct ConvergenceProofTests {
    private static let wave = (0..<1000).map { "t\($0).kintone.com" }
    private static let others = (0..<20).map { "stays\($0).kintone.com" }

    private struct Edge {
        let registry: ServerProcess
        let backends: RecordingBackends
        let agents: [AgentProcess]
        let nginx: [EdgeNginx]
        let migration: Migration

        static func start() async throws -> Edge {
            let registry = try await ServerProcess.start(
                in: TestFolder(), arguments: ["--access-log", "off"])
            try await registry.client.registerAll(wave + others)
            let token = try await registry.succeed("tokens", "create", "edge", "--role", "reader")
            let backends = try await RecordingBackends.start()
            var (agents, nginx): ([AgentProcess], [EdgeNginx]) = ([], [])
            for name in ["edge-1", "edge-2"] {
                let agent = try await AgentProcess.start(
                    in: TestFolder(), upstream: registry.url, name: name,
                    arguments: ["--settle", "1s", "--heartbeat-timeout", "120s"],
                    environment: [
                        "TENANT_REGISTRY_TOKEN": token.output.trimmingCharacters(in: .newlines)
                    ])
                try await agent.reaches(registry.revision())
                agents.append(agent)
                nginx.append(try await EdgeNginx.start(agent: agent.port, backends))
            }
            let migration = try await registry.client.plan(freeze: "read_only", names: wave)
            let edge = Edge(
                registry: registry, backends: backends, agents: agents, nginx: nginx,
                migration: migration)
            try await edge.everyoneHas(registry.revision())
            return edge
        }

        /// Waits until the registry has heard of both agents at a revision.
        func everyoneHas(_ revision: Int64) async throws {
            _ = try await poll("both have \(revision)", within: .seconds(300)) { () -> Bool? in
                let answer = try await registry.client.send(
                    .GET, "/v1/convergence", query: [("revision", String(revision))])
                let now = try answer.decode(Convergence.self)
                return now.agents == 2 && now.converged == 2 ? true : nil
            }
        }

        func take(_ verb: WaveVerb, _ query: (String, String?)...) async throws -> WaveStepResponse
        {
            try await registry.client.send(
                .POST, "/v1/migrations/\(migration.id)/waves/1/\(verb.rawValue)",
                query: query, body: Array(verb.body(migration).utf8), timeout: .minutes(5)
            ).decode(WaveStepResponse.self)
        }

        /// What the refusal of a step says.
        func refusal(_ verb: WaveVerb, _ query: (String, String?)...) async throws -> Refusal? {
            do {
                _ = try await registry.client.send(
                    .POST, "/v1/migrations/\(migration.id)/waves/1/\(verb.rawValue)",
                    query: query, body: Array(verb.body(migration).utf8), timeout: .minutes(5))
                return nil
            } catch ClientError.refused(let refusal) {
                return refusal
            }
        }

        func visited(_ body: (Visitors) async throws -> Void) async throws {
            let visitors = Visitors()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await visitors.come(to: nginx.map(\.port), hosts: wave + others) }
                let result: Result<Void, any Error>
                do {
                    try await visitors.wait(forMore: 300)
                    result = .success(try await body(visitors))
                } catch {
                    result = .failure(error)
                }
                visitors.end()
                try await group.waitForAll()
                try result.get()
            }
        }
    }

    @Test
    func `send nobody to the old side once the cutover has answered, and no write while frozen`()
        async throws
    {
        let edge = try await Edge.start()
        try await edge.visited { visitors in
            let frozen = try await edge.take(
                .freeze, ("wait", "converged"), ("timeout", "60"))
            #expect(frozen.convergence?.text == "2 of 2 []")
            let atFreeze = try edge.backends.told("japan")
            #expect(atFreeze.writes > 0)
            #expect(try edge.backends.told("aws") == .init())
            try await visitors.wait(forMore: 500)

            // Reads went on at the old side; not one write reached it, or the new one.
            let beforeCutover = try edge.backends.told("japan")
            #expect(beforeCutover.writes == atFreeze.writes)
            #expect(beforeCutover.reads > atFreeze.reads)
            #expect(try edge.backends.told("aws") == .init())
            #expect(visitors.answers["POST 503"] ?? 0 > 0)

            let moved = try await edge.take(
                .cutover, ("wait", "converged"), ("timeout", "60"), ("require", "converged"))
            let atAnswer = try edge.backends.told("japan")
            #expect(moved.convergence?.text == "2 of 2 []")
            #expect(moved.count == 1000)
            #expect(atAnswer.writes == atFreeze.writes)
            let awsAtAnswer = try edge.backends.told("aws")
            try await visitors.wait(forMore: 1000)
            #expect(try edge.backends.told("japan") == atAnswer)
            let awsNow = try edge.backends.told("aws")
            #expect(awsNow.reads > awsAtAnswer.reads)
            #expect(awsNow.writes > awsAtAnswer.writes)

            // Nobody got anything else than a side, or "wait a moment" for a write.
            let known = [
                "GET 200 japan", "GET 200 aws", "POST 200 japan", "POST 200 aws", "POST 503",
            ]
            #expect(Set(visitors.answers.keys).subtracting(known).isEmpty, "\(visitors.answers)")
        }
    }

    @Test func `aren't taken for converged while one of the agents is stopped`() async throws {
        let edge = try await Edge.start()
        try await edge.visited { visitors in
            edge.agents[1].process.signal(SIGSTOP)
            let frozen = try await edge.take(.freeze, ("wait", "converged"), ("timeout", "2"))
            #expect(
                frozen.convergence?.text == #"1 of 2 ["edge-2"]"#)
            let before = try await edge.registry.revision()

            let refusal = try #require(
                try await edge.refusal(.cutover, ("require", "converged")))
            #expect(refusal.status == 409)
            #expect(refusal.code == "not-converged")
            #expect(refusal.problem?.lagging == ["edge-2"])
            #expect(try await edge.registry.revision() == before)
            #expect(try edge.backends.told("aws") == .init())
            let domain = try await edge.registry.client.domain(Self.wave[0])
            #expect(domain.value.location == "japan")
            #expect(domain.value.mode == .readOnly)

            // Who doesn't require it is told who lags.
            let moved = try await edge.take(.cutover, ("wait", "converged"), ("timeout", "2"))
            #expect(
                moved.convergence?.text == #"1 of 2 ["edge-2"]"#)
            edge.agents[1].process.signal(SIGCONT)
            try await edge.everyoneHas(moved.revision.number)
            let atConverged = try edge.backends.told("japan")
            try await visitors.wait(forMore: 500)
            #expect(try edge.backends.told("japan") == atConverged)
        }
    }
}

extension Convergence {
    fileprivate var text: String { "\(converged) of \(agents) \(lagging.map(\.text))" }
}
