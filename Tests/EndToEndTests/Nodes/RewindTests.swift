import Foundation
import PostgresServer
import RegistryClient
import Testing

@Suite("A PostgreSQL that was put back", .timeLimit(.minutes(10))) struct RewindTests {
    private static let flags = ["--anonymous-reads", "--drain-seconds", "0"]
    private static let name = "a.example.com"

    /// A node, an agent that follows it, and a dump that lacks what came last: the domain's move to aws.
    private struct Past {
        let cluster: Cluster
        let node: ServerProcess
        let agent: AgentProcess
        let epoch: String
        let dump: URL

        init() async throws {
            cluster = try await Cluster(try await PostgresServer.shared())
            node = try await cluster.start("n1", arguments: flags)
            agent = try await AgentProcess.start(
                in: TestFolder(), upstream: node.url,
                environment: ["TENANT_REGISTRY_TOKEN": node.adminToken])
            _ = try await node.client.register(name)
            epoch = try await node.epoch()
            dump = try await cluster.dump()
            _ = try await node.client.register("lost.example.com")
            let last = try await node.move(name, to: "aws")
            try await agent.reaches(last)
            _ = try await poll("its report") {
                try await node.client.agents().items.first?.revision.number == last ? true : nil
            }
            #expect(try await node.stop() == .code(0))
            try await cluster.restore(dump)
        }

        /// Starts a node where the agent looks for it.
        func start(_ folder: String, _ arguments: String...) async throws -> ServerProcess {
            try await cluster.start(
                folder, token: node.adminToken, port: node.port, arguments: flags + arguments)
        }

        /// What a start that is refused says.
        func refusal(_ folder: String) async throws -> String {
            do {
                let started = try await start(folder)
                try await started.crash()
                Issue.record("it serves")
                return ""
            } catch let error as ServerProcess.EndedEarly {
                return error.errors
            }
        }

        /// Starts with the flag; the agent comes over by itself.
        func goesOn(_ folder: String) async throws {
            let accepted = try await start(folder, "--accept-rewind")
            let head = try await accepted.client.historyHead()
            #expect(head.epoch.text != epoch)
            try await agent.reaches(head.revision.number, of: head.epoch.text)
            #expect(try await agent.location(name) == "japan", "what the registry says")
            #expect(try await agent.location("lost.example.com") == "404")
            _ = try await poll("the agent to converge", within: .seconds(120)) {
                try await accepted.client.convergence(waitSeconds: 20).value.lagging.isEmpty
                    ? true : nil
            }
            #expect(try await accepted.client.domain(name).value.location == "japan")
            let ready = try await accepted.client.send(.GET, "/readyz?verbose")
            #expect(String(buffer: ready.body).contains("\"agents_ahead\":0"))
            // The flag that nobody took away again.
            #expect(try await accepted.stop() == .code(0))
            let again = try await start(folder, "--accept-rewind")
            #expect(try await again.epoch() == head.epoch.text)
            try await agent.crash()
            try await again.crash()
            try await cluster.postgres.dropDatabase(cluster.database)
        }
    }

    @Test func `by a dump is refused by who has seen more, and goes on when it's said`()
        async throws
    {
        let past = try await Past()
        let refusal = try await past.refusal("n1")
        #expect(refusal.contains("this node has seen revision"), "\(refusal)")
        #expect(refusal.contains("--accept-rewind") && refusal.contains(past.epoch))
        #expect(!refusal.contains("the database isn't there yet"), "waiting doesn't help")
        let url = past.cluster.postgres.url(past.cluster.database)
        let offline = try await CommandRun.run(
            [
                "tokens", "create", "x", "--role", "admin", "--offline", "--store", url,
                "--data-dir", past.node.data.path,
            ], in: past.cluster.folder)
        #expect(offline.exit == .code(1) && offline.output == "")
        #expect(offline.errors.contains("this node has seen revision"), "\(offline.errors)")
        try await past.goesOn("n1")
    }

    @Test func `by a dump is told of by agents where no node has seen more`() async throws {
        let past = try await Past()
        let unaware = try await past.start("n2")
        _ = try await poll("the agent's word") {
            let ready = try await unaware.client.send(.GET, "/readyz?verbose")
            return String(buffer: ready.body).contains("\"agents_ahead\":1") ? true : nil
        }
        let metrics = String(buffer: try await unaware.client.send(.GET, "/metrics").body)
        #expect(metrics.contains("\nregistry_agents_ahead 1\n"))
        #expect(
            try await unaware.client.domain(Self.name).value.location == "japan",
            "it goes on serving")
        #expect(
            unaware.log.contains { $0.level == "error" && $0.metadata["agent"] == "edge" })
        #expect(try await past.agent.location(Self.name) == "aws", "the last good table stays")
        #expect(try await unaware.stop() == .code(0))
        let refusal = try await past.refusal("n2")
        #expect(
            refusal.contains("or a report was wrong: agent edge has reported revision"),
            "\(refusal)")
        try await past.goesOn("n2")
    }

    @Test func `under a new epoch ends the nodes that run, and the next ones serve it`()
        async throws
    {
        let cluster = try await Cluster(try await PostgresServer.shared())
        let nodes = try await cluster.start(count: 2, arguments: Self.flags)
        _ = try await nodes[0].client.register(Self.name)
        let before = try await nodes[0].client.historyHead()
        var agents: [AgentProcess] = []
        for (number, node) in nodes.enumerated() {
            agents.append(
                try await AgentProcess.start(
                    in: TestFolder(), upstream: node.url, name: "edge-\(number)"))
            try await agents[number].reaches(before.revision.number, of: before.epoch.text)
        }
        let renewed = try await CommandRun.run(
            [
                "epoch", "renew", "--store", cluster.postgres.url(cluster.database), "--output",
                "ndjson",
            ], in: cluster.folder)
        try #require(renewed.exit == .code(0), "\(renewed.errors)")
        for node in nodes {
            #expect(try await node.process.waitForExit(within: .seconds(60)) == .code(1))
            #expect(
                node.log.contains {
                    $0.level == "critical" && $0.text.contains("another epoch")
                }, "\(node.process.errors.suffix(1000))")
        }
        // As a supervisor does, on the same addresses, with what the nodes had noted.
        var again: [ServerProcess] = []
        for (number, node) in nodes.enumerated() {
            again.append(
                try await cluster.start(
                    "n\(number + 1)", token: nodes[0].adminToken, port: node.port,
                    arguments: Self.flags))
        }
        let epoch = try await again[0].epoch()
        #expect(epoch != before.epoch.text)
        for agent in agents { try await agent.reaches(before.revision.number, of: epoch) }
        let converged = try await poll("both agents", within: .seconds(120)) {
            let now = try await again[1].client.convergence(waitSeconds: 20).value
            return now.agents == 2 && now.lagging.isEmpty ? now : nil
        }
        #expect(converged.converged == 2)
        for agent in agents { try await agent.crash() }
        for node in again { #expect(try await node.stop() == .code(0)) }
        try await cluster.postgres.dropDatabase(cluster.database)
    }
}
