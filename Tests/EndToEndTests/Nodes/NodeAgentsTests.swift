import Foundation
import PostgresServer
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("Agents of nodes on one PostgreSQL", .timeLimit(.minutes(10))) struct NodeAgentsTests {
    private static let names = (0..<20).map { "t\($0).example.com" }

    /// Two nodes, each with an agent that follows it: `edge-a` the first, `edge-b` the second.
    private struct Edge {
        let cluster: Cluster
        let nodes: [ServerProcess]
        let agents: [AgentProcess]

        static func start(_ arguments: [String] = []) async throws -> Edge {
            let cluster = try await Cluster(try await PostgresServer.shared())
            let nodes = try await cluster.start(
                count: 2, arguments: ["--anonymous-reads", "--drain-seconds", "0"] + arguments)
            try await nodes[0].client.registerAll(names)
            var agents: [AgentProcess] = []
            for (node, name) in zip(nodes, ["edge-a", "edge-b"]) {
                agents.append(
                    try await AgentProcess.start(
                        in: TestFolder(), upstream: node.url, name: name))
            }
            let edge = Edge(cluster: cluster, nodes: nodes, agents: agents)
            try await edge.converges()
            return edge
        }

        /// Both nodes say that both agents have everything.
        func converges() async throws {
            for node in nodes {
                _ = try await poll("both agents at the head", within: .seconds(300)) {
                    try await node.client.convergence(waitSeconds: 20).value.text == "2 of 2 []"
                        ? true : nil
                }
            }
        }

        func plan() async throws -> Migration {
            try await nodes[1].client.plan(freeze: "reject", names: names)
        }

        /// A step through the second node.
        func take(
            _ verb: WaveVerb, of migration: Migration, _ query: (String, String?)...
        ) async throws -> WaveStepResponse {
            try await nodes[1].client.send(
                .POST, "/v1/migrations/\(migration.id)/waves/1/\(verb.rawValue)",
                query: query, body: Array(verb.body(migration).utf8), timeout: .minutes(6)
            ).decode(WaveStepResponse.self)
        }

        func stop() async throws {
            for agent in agents { try await agent.crash() }
            for node in nodes where node.process.isRunning { try await node.crash() }
            try await cluster.postgres.dropDatabase(cluster.database)
        }
    }

    @Test func `have a wave when the answer comes, whichever node they follow`() async throws {
        let edge = try await Edge.start()
        let migration = try await edge.plan()
        for _ in 0..<5 {
            let frozen = try await edge.take(
                .freeze, of: migration, ("wait", "converged"), ("timeout", "200"))
            #expect(frozen.convergence?.text == "2 of 2 []")
            for agent in edge.agents {
                #expect(try await agent.readiness()?.revision ?? 0 >= frozen.revision.number)
            }
            _ = try await edge.take(.thaw, of: migration)
        }
        let frozen = try await edge.take(
            .freeze, of: migration, ("wait", "converged"), ("timeout", "200"))
        #expect(frozen.convergence?.text == "2 of 2 []")
        let moved = try await edge.take(
            .cutover, of: migration, ("wait", "converged"), ("timeout", "200"),
            ("require", "converged"))
        #expect(moved.convergence?.text == "2 of 2 []" && moved.count == Self.names.count)
        for agent in edge.agents {
            #expect(try await agent.location(Self.names[0]) == "aws")
        }
        for node in edge.nodes {
            let agents = try await node.client.agents().items
            #expect(agents.map(\.name) == ["edge-a", "edge-b"])
            #expect(agents.allSatisfy { !$0.isLagging && $0.revision >= moved.revision })
        }
        try await edge.stop()
    }

    @Test func `are named by the other node while they're stopped, and evicted there`() async throws
    {
        let edge = try await Edge.start()
        let migration = try await edge.plan()
        edge.agents[0].process.signal(SIGSTOP)
        let frozen = try await edge.take(
            .freeze, of: migration, ("wait", "converged"), ("timeout", "2"))
        #expect(frozen.convergence?.agents == 2)
        #expect(frozen.convergence?.lagging.contains("edge-a") == true)
        do {
            _ = try await edge.take(.cutover, of: migration, ("require", "converged"))
            Issue.record("it moved")
        } catch ClientError.refused(let refusal) {
            #expect(refusal.status == 409 && refusal.code == "not-converged")
            #expect(refusal.problem?.lagging?.contains("edge-a") == true)
        }
        #expect(try await edge.nodes[0].client.domain(Self.names[0]).value.location == "japan")

        async let moved = edge.take(
            .cutover, of: migration, ("wait", "converged"), ("timeout", "300"))
        _ = try await poll("the wait") {
            try await edge.nodes[1].metric("registry_agents_waits") == 1 ? true : nil
        }
        try await edge.nodes[1].client.evictAgent("edge-a", note: .init(reason: "stopped"))
        #expect(try await moved.convergence?.text == "1 of 1 []")
        #expect(
            try await edge.nodes[0].client.agents(evicted: true).items.map(\.name) == ["edge-a"])

        // It counts again as soon as it's heard of, at both nodes.
        edge.agents[0].process.signal(SIGCONT)
        try await edge.converges()
        #expect(try await edge.nodes[1].client.agents(evicted: true).items.isEmpty)
        try await edge.stop()
    }

    @Test func `of a node that's gone lag after their lease, and count again at another`()
        async throws
    {
        let edge = try await Edge.start(["--agent-lease", "25"])
        try await edge.nodes[0].crash()
        _ = try await edge.nodes[1].client.register("later.example.com")
        let after = try await edge.nodes[1].client.convergence(waitSeconds: 1).value
        #expect(after.lagging.contains("edge-a"))
        _ = try await poll("the end of the lease") {
            let agents = try await edge.nodes[1].client.agents().items
            return agents.map(\.isLagging) == [true, false] ? true : nil
        }
        try await edge.agents[0].crash()
        let moved = try await AgentProcess.start(
            in: edge.agents[0].folder, upstream: edge.nodes[1].url, name: "edge-a")
        _ = try await poll("both at the second node", within: .seconds(300)) {
            let now = try await edge.nodes[1].client.convergence(waitSeconds: 20).value
            return now.text == "2 of 2 []" ? true : nil
        }
        try await moved.crash()
        try await edge.stop()
    }

    @Test func `are heard by a node that hasn't heard yet of the revision that they have`()
        async throws
    {
        let cluster = try await Cluster(try await PostgresServer.shared())
        let nodes = try await cluster.start(count: 2)
        let epoch = try await nodes[0].client.historyHead().epoch
        for number in 0..<60 {
            let (writer, other) = (nodes[number % 2], nodes[1 - number % 2])
            let name = "edge-\(1 - number % 2)"
            let revision = try await writer.client.register("n\(number).example.com").revision
            // Refused where the node takes it for a revision of another log.
            _ = try await other.client.send(
                .GET, "/v1/changes",
                query: [
                    ("after", "\(revision)"), ("epoch", epoch.text), ("agent", name), ("wait", "0"),
                ])
            _ = try await poll("\(name) at \(revision)") {
                try await writer.client.agents().items.first { $0.name.text == name }?.revision
                    == revision ? true : nil
            }
        }
        for node in nodes { try await node.crash() }
        try await cluster.postgres.dropDatabase(cluster.database)
    }

    @Test func `are counted before they have a table`() async throws {
        let registry = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--anonymous-reads", "--access-log", "all"])
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url, arguments: ["--settle", "60s"])
        try await agent.reaches(registry.revision())
        // It reports what it has in a minute.
        let known = try await registry.client.agents().items
        #expect(known.map(\.name) == ["edge"] && known.map(\.revision) == [0])
        let asked = registry.log.compactMap { $0.metadata["route"] }
            .filter { ["/v1/agents/{name}", "/v1/snapshot"].contains($0) }
        #expect(asked.prefix(2) == ["/v1/agents/{name}", "/v1/snapshot"])
        try await agent.crash()
        try await registry.crash()
    }
}

extension ServerProcess {
    /// One metric without labels.
    fileprivate func metric(_ name: String) async throws -> Double? {
        let text = String(buffer: try await client.send(.GET, "/metrics").body)
        return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }
}

extension Convergence {
    fileprivate var text: String { "\(converged) of \(agents) \(lagging.map(\.text))" }
}
