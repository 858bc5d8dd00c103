import Foundation
import RegistryAPI
import RegistryModel
import SharedRoutes
import Testing

@Suite("An agent that shares its table", .timeLimit(.minutes(10))) struct SharedRoutesAgentTests {
    private static let names = (0..<50).map { "t\($0).kintone.com" }

    private static func start() async throws -> (ServerProcess, AgentProcess, TestFolder, String) {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(names)
        let folder = try TestFolder()
        let path = folder.file("routes").path
        let agent = try await agent(of: registry, in: folder, path)
        try await agent.reaches(registry.revision())
        return (registry, agent, folder, path)
    }

    private static func agent(
        of registry: ServerProcess, in folder: TestFolder, _ path: String
    ) async throws -> AgentProcess {
        try await AgentProcess.start(
            in: folder, upstream: registry.url, arguments: ["--share", path])
    }

    private static func location(_ host: String, _ reader: RoutesReader) -> String {
        switch reader.find(host) {
        case .found(let route): route.location.text
        case .unknown: "unknown"
        case .notReady: "not ready"
        }
    }

    private static func inode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    }

    @Test func `has said that it applied a revision when it's visible there, and not before`()
        async throws
    {
        let (registry, agent, folder, path) = try await Self.start()
        defer { withExtendedLifetime(folder) {} }
        let reader = try RoutesReader(path: path)
        for turn in 1...20 {
            let place = turn % 2 == 0 ? "japan" : "aws"
            let revision = try await registry.move(Self.names[turn], to: place)
            let convergence = try await registry.client.convergence(waitSeconds: 30).value
            #expect(convergence.converged == 1 && revision > 0)
            #expect(Self.location(Self.names[turn], reader) == place)
        }
        let status = try #require(reader.status())
        #expect(status.domains == 50)
        #expect(status.position.revision.number == (try await registry.revision()))
        let revision = try await agent.metric("registry_agent_shared_revision")
        #expect(revision == Double(status.position.revision.number))

        let shown = try await CommandRun.run(["routes", path, "T1.kintone.com:443"], in: folder)
        #expect(shown.exit == .code(0) && shown.lines[1].contains("aws"), "\(shown.errors)")
        let state = try await CommandRun.run(["routes", path, "--output", "csv"], in: folder)
        #expect(state.lines[0] == "epoch,revision,domains,heard_ms,octets")
        let unknown = try await CommandRun.run(["routes", path, "nobody.kintone.com"], in: folder)
        #expect(unknown.exit == .code(1) && unknown.errors.contains("no domain"))
        let none = try await CommandRun.run(["routes", path + ".none"], in: folder)
        #expect(none.exit == .code(1) && none.errors.contains("can't be read"))
        #expect(try await agent.stop() == .code(0))
    }

    /// The file outlives agents and the registry, and is gone on with.
    @Test func `is killed again and again, and nobody who reads notices`() async throws {
        let (registry, first, folder, path) = try await Self.start()
        let reader = try RoutesReader(path: path)
        let inode = try Self.inode(path)
        var agent = first
        for round in 1...4 {
            let name = Self.names[round]
            // Killed while changes come.
            async let moves: Void = {
                for number in 10..<40 {
                    _ = try await registry.move(
                        Self.names[number], to: round % 2 == 0 ? "japan" : "aws")
                }
            }()
            try await agent.crash()
            #expect(Self.location(name, reader) == "japan")
            try await moves
            let revision = try await registry.move(name, to: "aws")
            #expect(Self.location(name, reader) == "japan")
            agent = try await Self.agent(of: registry, in: folder, path)
            try await agent.reaches(revision)
            #expect(Self.location(name, reader) == "aws")
            for number in 10..<40 {
                let place = round % 2 == 0 ? "japan" : "aws"
                #expect(Self.location(Self.names[number], reader) == place)
            }
            #expect(try Self.inode(path) == inode)
        }
        try await registry.crash()
        #expect(Self.location(Self.names[1], reader) == "aws")
        try await agent.crash()
        #expect(Self.location(Self.names[1], reader) == "aws")
        #expect(Self.location("nobody.kintone.com", reader) == "unknown")
    }

    @Test func `keeps its path to itself`() async throws {
        let (registry, agent, folder, path) = try await Self.start()
        let second = try await CommandRun.run(
            [
                "agent", "--upstream", registry.url.absoluteString, "--share", path, "--state-dir",
                folder.file("second").path, "--listen", "127.0.0.1:0",
            ], in: folder)
        #expect(second.exit == .code(1))
        #expect(second.errors.contains("another agent keeps it"), "\(second.errors)")
        let nowhere = try await CommandRun.run(
            [
                "agent", "--upstream", registry.url.absoluteString, "--share", "/nowhere/routes",
                "--state-dir", folder.file("third").path, "--listen", "127.0.0.1:0",
            ], in: folder)
        #expect(nowhere.exit == .code(1) && nowhere.errors.contains("--share"), "\(nowhere.errors)")
        #expect(try await agent.stop() == .code(0))
    }
}
