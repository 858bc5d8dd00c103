import AsyncHTTPClient
import Foundation
import RegistryAPI
import RegistryClient
import Testing

@Suite("An agent", .timeLimit(.minutes(10))) struct AgentTests {
    private static let names = (0..<50).map { "t\($0).kintone.com" }

    /// A registry with some tenants, and an agent that has them.
    private static func start(
        _ arguments: String...
    ) async throws -> (ServerProcess, AgentProcess) {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(names)
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url, arguments: arguments)
        try await agent.reaches(registry.revision())
        return (registry, agent)
    }

    @Test func `follows the registry, and answers as it does`() async throws {
        let (registry, agent) = try await Self.start()
        #expect(try await agent.location("t1.kintone.com") == "japan")
        #expect(try await agent.location("nobody.kintone.com") == "404")
        let revision = try await registry.move("t1.kintone.com", to: "aws")
        try await agent.reaches(revision)
        #expect(try await agent.location("t1.kintone.com") == "aws")
        let answer = try await agent.get("/v1/domains/t1.kintone.com")
        let own = try await registry.client.send(.GET, "/v1/domains/t1.kintone.com")
        #expect(answer.body == String(buffer: own.body))
        #expect(answer.header("ETag") == own.headers.first(name: "ETag"))
        let position = "\(try await registry.epoch()).\(revision)"
        #expect(answer.header("X-Registry-Revision") == position)
        try await registry.client.release("t2.kintone.com", note: .init())
        try await agent.reaches(registry.revision())
        #expect(try await agent.location("t2.kintone.com") == "404")
        _ = try await registry.client.register(
            DomainRegistration(fqdn: "new.kintone.com", placement: PlacementText(tenant: "x")))
        try await agent.reaches(registry.revision())
        #expect(try await agent.location("new.kintone.com") == "japan")
        #expect(try await agent.metric("registry_agent_connected") == 1)
        #expect(try await agent.metric("registry_agent_lag_revisions") == 0)
        #expect(try await agent.stop() == .code(0))
    }

    @Test func `answers at its socket too, which whoever gets there may ask`() async throws {
        let (registry, agent) = try await Self.start()
        func ask(_ agent: AgentProcess) async throws -> HTTPClientResponse {
            let request = HTTPClientRequest(
                url: try #require(
                    URL(
                        httpURLWithSocketPath: agent.socket.path,
                        uri: "/v1/route?host=t1.kintone.com")
                ).absoluteString)
            return try await ServerProcess.http.execute(request, timeout: .seconds(30))
        }
        let answer = try await ask(agent)
        #expect(answer.status == .ok && answer.headers.first(name: "X-Tenant-Location") == "japan")
        let mode = try FileManager.default.attributesOfItem(atPath: agent.socket.path)[
            .posixPermissions]
        #expect(mode as? Int == 0o666)
        // What an agent leaves that is killed is no obstacle to the next one; what isn't a socket is left alone.
        try await agent.process.crash()
        let next = try await AgentProcess.start(in: agent.folder, upstream: registry.url)
        #expect(try await ask(next).status == .ok)
        // One that lives keeps it.
        let twin = try await CommandRun.run(
            [
                "agent", "--upstream", registry.url.absoluteString, "--listen", "127.0.0.1:0",
                "--state-dir", TestFolder().file("state").path, "--socket", next.socket.path,
            ], in: TestFolder())
        #expect(twin.exit == .code(1))
        #expect(twin.errors.contains("somebody listens at \(next.socket.path) already"))
        #expect(try await ask(next).status == .ok)
        try await next.process.crash()
        try FileManager.default.removeItem(at: next.socket)
        _ = try next.folder.write("mine", to: "agent.sock")
        let ended = try await CommandRun.run(
            [
                "agent", "--upstream", registry.url.absoluteString, "--listen", "127.0.0.1:0",
                "--state-dir", next.folder.file("state").path, "--socket", next.socket.path,
            ], in: TestFolder())
        #expect(ended.exit == .code(1))
        #expect(
            ended.errors.contains("can't listen on \(next.socket.path): something else is there"))
        #expect(try String(contentsOf: next.socket, encoding: .utf8) == "mine")
    }

    @Test func `goes on answering when the registry is killed, and follows on when it's back`()
        async throws
    {
        let (registry, agent) = try await Self.start()
        try await registry.crash()
        _ = try await poll("noticed", within: .seconds(120)) {
            try await agent.readiness()?.connected == false ? true : nil
        }
        for name in Self.names { #expect(try await agent.location(name) == "japan") }
        #expect(try await agent.get("/readyz").status == 200)

        let again = try await ServerProcess.startOpen(in: registry.folder, port: registry.port)
        let revision = try await again.move("t3.kintone.com", to: "aws")
        try await agent.reaches(revision)
        #expect(try await agent.location("t3.kintone.com") == "aws")
        // It read the whole only once, at its start.
        #expect(agent.log.filter { $0.message == "the table was read whole" }.count == 1)
    }

    @Test func `starts without the registry from what it had, killed or stopped`() async throws {
        let (registry, agent) = try await Self.start()
        let revision = try await registry.move("t4.kintone.com", to: "aws")
        try await agent.reaches(revision)
        _ = try await poll("kept on the disk", within: .seconds(120)) {
            try? String(contentsOf: agent.stateFile, encoding: .utf8)
                .contains(#""t4.kintone.com","location":"aws""#) ? true : nil
        }
        try await agent.crash()
        try await registry.crash()

        let next = try await AgentProcess.start(in: agent.folder, upstream: registry.url)
        #expect(try await next.location("t4.kintone.com") == "aws")
        #expect(try await next.location("t5.kintone.com") == "japan")
        #expect(try await next.location("nobody.kintone.com") == "404")
        let readiness = try #require(try await next.readiness())
        #expect(readiness.connected == false)
        #expect(readiness.revision == revision)
        #expect(try #require(readiness.age_ms) > 0)
        #expect(try await next.stop() == .code(0))

        let back = try await ServerProcess.startOpen(in: registry.folder, port: registry.port)
        let third = try await AgentProcess.start(in: agent.folder, upstream: registry.url)
        try await third.reaches(back.move("t4.kintone.com", to: "japan"))
        #expect(try await third.location("t4.kintone.com") == "japan")
        // What it had was enough to go on from.
        #expect(!third.log.contains { $0.message == "the table was read whole" })
    }

    @Test func `says that its port is another's`() async throws {
        let registry = try await ServerProcess.startOpen()
        let run = try await CommandRun.run(
            [
                "agent", "--upstream", registry.url.absoluteString, "--name", "edge", "--listen",
                "127.0.0.1:\(registry.port)", "--state-dir", registry.folder.file("state").path,
            ], in: registry.folder)
        #expect(run.exit == .code(1))
        #expect(
            run.errors.contains(
                "can't listen on 127.0.0.1:\(registry.port): Address already in use"))
    }

    @Test func `that is new and cut off says 503, never 404`() async throws {
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: URL(string: "http://127.0.0.1:1")!)
        for target in [
            "/v1/route?host=a.b", "/v1/domains/a.b", "/v1/tls-ask?domain=a.b", "/readyz",
        ] {
            #expect(try await agent.get(target).status == 503)
        }
        #expect(try await agent.get("/livez").status == 200)
        #expect(try await agent.stop() == .code(0))
    }

    @Test(arguments: ["torn", "flipped", "empty", "nonsense"])
    func `refuses a state file that isn't as it was written, and reads the registry`(
        damage: String
    ) async throws {
        let (registry, agent) = try await Self.start()
        _ = try await poll("kept on the disk", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: agent.stateFile.path) ? true : nil
        }
        try await agent.stop()
        try await registry.crash()
        var bytes = try Data(contentsOf: agent.stateFile)
        switch damage {
        case "torn": bytes.removeLast(bytes.count / 3)
        case "flipped": bytes[bytes.count / 2] ^= 1
        case "empty": bytes = Data()
        default: bytes = Data("{}\n".utf8)
        }
        try bytes.write(to: agent.stateFile)
        let next = try await AgentProcess.start(in: agent.folder, upstream: registry.url)
        #expect(try await next.get("/v1/route?host=t1.kintone.com").status == 503)
        #expect(
            next.log.contains { $0.level == "error" && $0.message?.contains("state file") == true })
        #expect(
            try await next.metric(#"registry_agent_snapshots_refused_total{reason="corrupt"}"#) == 1
        )
        let back = try await ServerProcess.startOpen(in: registry.folder, port: registry.port)
        try await next.reaches(back.revision())
        #expect(try await next.location("t1.kintone.com") == "japan")
    }

    @Test func `takes a registry of another epoch, and not one that has lost its domains`()
        async throws
    {
        let (registry, agent) = try await Self.start()
        try await registry.crash()
        // Another store at the same address, as after a restore: first of too little.
        let poor = try await ServerProcess.startOpen(port: registry.port)
        try await poor.client.registerAll(Array(Self.names.prefix(34)))
        let refused = #"registry_agent_snapshots_refused_total{reason="shrunken"}"#
        _ = try await poll("refused", within: .seconds(120)) {
            try await agent.metric(refused) ?? 0 > 1 ? true : nil
        }
        #expect(agent.log.contains { $0.level == "error" && $0.text.contains("34 domains") })
        for name in Self.names { #expect(try await agent.location(name) == "japan") }

        try await poor.client.registerAll(["t34.kintone.com"])
        let epoch = try await poor.epoch()
        try await agent.reaches(1, of: epoch)
        #expect(try await agent.location("t34.kintone.com") == "japan")
        #expect(try await agent.location("t49.kintone.com") == "404")
    }

    @Test func `takes a smaller registry where its operator says so`() async throws {
        let (registry, agent) = try await Self.start()
        try await agent.stop()
        try await registry.crash()
        let poor = try await ServerProcess.startOpen(port: registry.port)
        try await poor.client.registerAll(["t1.kintone.com"])
        let next = try await AgentProcess.start(
            in: agent.folder, upstream: registry.url, arguments: ["--accept-shrink"])
        try await next.reaches(1, of: poor.epoch())
        #expect(try await next.location("t2.kintone.com") == "404")
    }

    @Test func `goes on after it was stopped for a while`() async throws {
        let (registry, agent) = try await Self.start("--heartbeat-timeout", "2s")
        agent.process.signal(SIGSTOP)
        var revision: Int64 = 0
        for name in Self.names { revision = try await registry.move(name, to: "aws") }
        // Time itself is the case: longer than it waits for a heartbeat.
        try await Task.sleep(for: .seconds(3))
        agent.process.signal(SIGCONT)
        try await agent.reaches(revision)
        for name in Self.names { #expect(try await agent.location(name) == "aws") }
    }

    @Test func `notices a registry that says nothing any more`() async throws {
        let (registry, agent) = try await Self.start("--heartbeat-timeout", "1s")
        registry.process.signal(SIGSTOP)
        _ = try await poll("noticed", within: .seconds(120)) {
            try await agent.readiness()?.connected == false ? true : nil
        }
        #expect(try await agent.location("t1.kintone.com") == "japan")
        registry.process.signal(SIGCONT)
        try await agent.reaches(registry.move("t1.kintone.com", to: "aws"))
        #expect(try await agent.location("t1.kintone.com") == "aws")
    }

    @Test func `shares its state folder with no other`() async throws {
        let (registry, agent) = try await Self.start()
        let second = try await CommandRun.run(
            [
                "agent", "--upstream", registry.url.absoluteString, "--listen", "127.0.0.1:0",
                "--state-dir", agent.folder.file("state").path,
            ], in: agent.folder)
        #expect(second.exit == .code(1))
        #expect(second.errors.contains("another agent"))
    }

    @Test func `shows the registry its token, and says when it isn't let in`() async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        try await registry.client.registerAll(Self.names)
        let reader = try await registry.succeed("tokens", "create", "edge", "--role", "reader")
        let file = try registry.folder.write(reader.output, to: "token")
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url, arguments: ["--token-file", file.path])
        try await agent.reaches(registry.revision())
        let stranger = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            environment: ["TENANT_REGISTRY_TOKEN": "trk_wrong_token"])
        _ = try await poll("said so") {
            stranger.log.contains { $0.level == "warning" && $0.text.contains("unauthenticated") }
                ? true : nil
        }
        #expect(try await stranger.get("/readyz").status == 503)
    }

    @Test(arguments: [
        [], ["--upstream", "ftp://x"], ["--upstream", "http://x", "--name", "a b"],
        ["--upstream", "http://x", "--write", "csv:x"],
        ["--upstream", "http://x", "--write", "traefik-file:x.json"],
        ["--upstream", "http://x", "--on-change", "true"],
        ["--upstream", "http://x", "--haproxy-socket", "s"],
        ["--upstream", "http://x", "--settle", "x"],
        ["--upstream", "http://x", "--max-shrink", "101"],
        ["--upstream", "http://x?y=1"], ["--upstream", "http://x#y"],
        ["--upstream", "http://x", "--max-backoff", "0ms"],
        ["--upstream", "http://x", "--refresh", "999ms"],
        ["--upstream", "http://x", "--heartbeat-timeout", "0s"],
        ["--upstream", "http://x", "--socket", "/" + String(repeating: "a", count: 108)],
        ["--upstream", "http://x", "--write", "nginx-map:a", "--write", "nginx-map:mode:a"],
    ])
    func `says what is wrong with its settings`(arguments: [String]) async throws {
        let run = try await CommandRun.run(["agent"] + arguments, in: TestFolder())
        #expect(run.exit == .code(2), "\(run.errors)")
        #expect(run.errors.contains("--"))
    }
}
