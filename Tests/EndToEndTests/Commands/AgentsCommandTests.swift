import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("tenant-registry agents", .timeLimit(.minutes(15))) struct AgentsCommandTests {
    /// An agent's own words, as it says them.
    private static func report(
        _ name: String, to server: ServerProcess, applied revision: Int64? = nil,
        epoch: String? = nil
    ) async throws {
        let head = try await server.client.historyHead()
        _ = try await server.client.send(
            .GET, "/v1/changes",
            query: [
                ("after", String(revision ?? head.revision.number)),
                ("epoch", epoch ?? head.epoch.text),
                ("agent", name), ("wait", "0"), ("limit", "1"),
            ])
    }

    @Test func `say who has what, and evict with a reason`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        try await Self.report("edge-a", to: server)
        try await Self.report("edge-b", to: server, applied: 0)
        let head = try await server.client.historyHead().revision
        let listed = try await server.succeed("agents", "--output", "ndjson").objects()
        #expect(listed.map { $0["name"] } == ["edge-a", "edge-b"])
        #expect(listed.map { $0["revision"] } == ["\(head)", "0"])
        #expect(listed.map { $0["lagging"] } == ["0", "0"])

        let behind = try await server.run("agents", "converged")
        #expect(behind.exit == .code(1) && behind.errors.contains("behind: edge-b"))
        #expect(
            try await server.run("agents", "converged", "--revision", "0").exit == .code(0))
        _ = try await server.succeed(
            "agents", "evict", "edge-b", "--reason", "scrapped", "--ticket", "OPS-7")
        #expect(try await server.run("agents", "converged").exit == .code(0))
        #expect(try await server.run("agents", "evict", "edge-b").exit == .code(3))
        let evicted = try await server.succeed("agents", "list", "--evicted", "--output", "ndjson")
            .lines.map { try ListedAgent(json: $0.utf8) }
        #expect(evicted.map(\.name.text) == ["edge-b"])
        let eviction = evicted.first?.eviction
        #expect(eviction?.note == Note(reason: "scrapped", ticket: "OPS-7"))
        #expect(eviction?.actor.name == "first-admin")
        try await server.crash()
    }

    @Test func `are evicted together when they've been silent for long, and no others`()
        async throws
    {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--agent-lease", "1"])
        for name in ["made-up-1", "made-up-2"] { try await Self.report(name, to: server) }
        // The lease is what the server goes by; the clock does the rest.
        while try await server.client.agents().items.contains(where: { !$0.isLagging }) {
            try await Task.sleep(for: .milliseconds(50))
        }
        try await Self.report("edge-a", to: server)
        // Two commands may take longer than a second where the machine is busy.
        let heard = Task {
            while !Task.isCancelled {
                try await Self.report("edge-a", to: server)
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        defer { heard.cancel() }
        #expect(
            try await server.succeed("agents", "evict", "--silent-for", "1s", "--dry-run").output
                == "made-up-1\nmade-up-2\n")
        #expect(try await server.client.agents().items.count == 3)
        let evicted = try await server.succeed(
            "agents", "evict", "--silent-for", "1s", "--reason", "a token leaked")
        #expect(evicted.output == "made-up-1\nmade-up-2\n")
        #expect(try await server.client.agents().items.map(\.name) == ["edge-a"])
        let listed = try await server.client.agents(evicted: true).items
        #expect(listed.map { $0.eviction?.note.reason } == ["a token leaked", "a token leaked"])
        heard.cancel()
        _ = await heard.result
        #expect(
            try await server.run("agents", "evict", "edge-a", "--silent-for", "1s").exit
                == .code(2))
        try await server.crash()
    }

    @Test func `are remembered across kill -9, and lag until they are heard of`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        try await Self.report("edge-a", to: server)
        try await Self.report("edge-b", to: server)
        #expect(try await server.run("agents", "converged").exit == .code(0))
        try await server.crash()
        let again = try await ServerProcess.start(in: server.folder, data: server.data)
        let before = try await again.client.convergence().value
        #expect(before.agents == 2 && before.lagging == ["edge-a", "edge-b"])
        try await Self.report("edge-a", to: again)
        #expect(try await again.client.convergence().value.lagging == ["edge-b"])
        try await again.crash()
    }

    @Test func `have nothing of another epoch, and are seen all the same`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        await #expect(throws: ClientError.self, "410") {
            try await Self.report("edge-a", to: server, epoch: "another")
        }
        let found = try await server.client.convergence().value
        #expect(found.agents == 1 && found.lagging == ["edge-a"])
        try await server.crash()
    }

    @Test func `hold up a step that asks for them, and are named`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        let planned = try await Planned.make("edge", 3, on: server, "--freeze", "reject")
        try await Self.report("edge-a", to: server)
        try await Self.report("edge-b", to: server)
        let frozen = try await planned.run(
            "freeze", "--wave", "1", "--deadline", "15m", "--wait-converged", "--timeout", "0")
        #expect(frozen.exit == .code(0))
        #expect(frozen.errors.contains("0 of 2 agents have it; behind: edge-a, edge-b"))
        try await Self.report("edge-a", to: server)
        let refused = try await planned.run("cutover", "--wave", "1", "--require-converged")
        #expect(refused.exit == .code(3))
        #expect(refused.errors.contains("behind: edge-b\n"))
        #expect(refused.errors.contains("not-converged"))
        #expect(try await planned.states == "frozen")

        try await Self.report("edge-b", to: server)
        let moving = try planned.start(
            "cutover", "--wave", "1", "--require-converged", "--wait-converged", "--timeout", "300")
        _ = try await poll("the cutover") { try await planned.states == "moved" ? true : nil }
        #expect(moving.isRunning)
        try await Self.report("edge-a", to: server)
        try await Self.report("edge-b", to: server)
        #expect(try await moving.waitForExit() == .code(0))
        #expect(moving.errors.contains("2 of 2 agents have it\n"))
        try await server.crash()
    }

    @Test func `are waited for no longer when the service stops`() async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--drain-seconds", "0"])
        try await Self.report("edge-a", to: server, applied: 0)
        let waiting = try ChildProcess(
            TenantRegistryBinary.url, ["agents", "converged", "--wait", "300"],
            outputs: server.folder.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        // The question is there when the answer to a later one on the same server is.
        _ = try await poll("the question") { () -> Bool? in
            let text = try await server.client.send(.GET, "/metrics").body
            return String(buffer: text).contains("registry_agents_waits 1") ? true : nil
        }
        #expect(try await server.stop() == .code(0))
        #expect(try await waiting.waitForExit() == .code(1))
        #expect(waiting.errors.contains("behind: edge-a"))
    }
}
