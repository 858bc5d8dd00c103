import Foundation
import RegistryAPI
import RegistryClient
import Testing

/// Agents that haven't had a minute yet. Their folders are new, and what changes later isn't kept within the test.
@Suite("An agent that is killed as soon as it's ready", .timeLimit(.minutes(10)))
struct YoungAgentTests {
    /// So many that writing them takes longer than to ask whether the agent is ready.
    private static let names = (0..<5000).map { "t\($0).kintone.com" }

    private static func registry() async throws -> ServerProcess {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(names)
        _ = try await registry.move("t7.kintone.com", to: "aws")
        _ = try await registry.client.change(
            "t8.kintone.com", DomainChangeRequest(PlacementText(mode: "read_only")))
        return registry
    }

    private static func agent(
        _ registry: ServerProcess, in folder: TestFolder? = nil, _ arguments: [String] = []
    ) async throws -> AgentProcess {
        try await AgentProcess.start(
            in: folder ?? TestFolder(), upstream: registry.url,
            arguments: ["--save-delay", "24h"] + arguments)
    }

    @discardableResult
    private static func ready(_ agent: AgentProcess) async throws -> AgentProcess.Readiness {
        try await poll("the agent is ready: \(agent.process.errors)") {
            try await agent.readiness()
        }
    }

    @Test func `starts from its disk, without the registry`() async throws {
        let registry = try await Self.registry()
        let young = try await Self.agent(registry)
        let known = try await Self.ready(young)
        try await young.crash()
        try await registry.crash()
        #expect(known.domains == Self.names.count)

        let next = try await Self.agent(registry, in: young.folder)
        let again = try await Self.ready(next)
        #expect(again.domains == known.domains)
        #expect((again.epoch, again.revision) == (known.epoch, known.revision))
        #expect(!again.connected)
        for name in Self.names {
            let answer = try await next.get("/v1/route?host=\(name)")
            #expect(
                answer.header("X-Tenant-Location") == (name == "t7.kintone.com" ? "aws" : "japan"))
            #expect(
                answer.header("X-Tenant-Mode")
                    == (name == "t8.kintone.com" ? "read_only" : "serve"))
        }
        #expect(try await next.location("nobody.kintone.com") == "404")
    }

    @Test func `leaves the maps from which proxies start`() async throws {
        let registry = try await Self.registry()
        let folder = try TestFolder()
        let (locations, modes) = (folder.file("locations.map"), folder.file("modes.map"))
        let young = try await Self.agent(
            registry, in: folder,
            [
                "--write", "nginx-map:\(locations.path)", "--write",
                "haproxy-map:mode:\(modes.path)",
                // The proxies may wait for the agent, so that it can't wait for them.
                "--on-change", "false",
            ])
        try await Self.ready(young)
        try await young.crash()
        for (file, path) in [
            (locations, "nginx-map"), (modes, "haproxy-map?value=mode"),
        ] {
            let (format, query) = (path.prefix { $0 != "?" }, path.contains("?"))
            let export = try await registry.client.send(
                .GET, "/v1/export/\(format)", query: query ? [("value", "mode")] : [])
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(text == String(buffer: export.body))
            #expect(text.split(separator: "\n").count == Self.names.count)
        }
    }

    @Test func `is ready although it can't write anything`() async throws {
        let registry = try await Self.registry()
        let folder = try TestFolder()
        // A folder stands where the file should.
        for name in ["state/snapshot", "hosts.map"] {
            try FileManager.default.createDirectory(
                at: folder.file(name), withIntermediateDirectories: true)
        }
        let agent = try await Self.agent(
            registry, in: folder, ["--write", "nginx-map:\(folder.file("hosts.map").path)"])
        try await Self.ready(agent)
        #expect(try await agent.location("t7.kintone.com") == "aws")
    }
}
