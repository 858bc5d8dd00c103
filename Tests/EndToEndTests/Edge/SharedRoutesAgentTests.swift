import Foundation
import RegistryAPI
import RegistryModel
import SharedRoutes
import Synchronization
import Testing

@Suite("An agent that shares its table", .timeLimit(.minutes(10))) struct SharedRoutesAgentTests {
    private static let names = (0..<50).map { "t\($0).kintone.com" }

    private static func start() async throws -> (ServerProcess, AgentProcess, TestFolder, String) {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(names)
        let folder = try TestFolder()
        let path = folder.file("routes").path
        let agent = try await agent(of: registry, in: folder, path)
        try await agent.shares(registry.revision(), in: folder.file("routes"))
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
        // One that is killed before reads the table whole, and makes the file anew.
        _ = try await poll("the first agent's state") {
            FileManager.default.fileExists(atPath: first.stateFile.path) ? true : nil
        }
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
            try await agent.shares(revision, in: folder.file("routes"))
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

    /// Its own state is gone, and the registry can't be reached: what it has left for others is what it starts from.
    @Test func `answers from the file as soon as it starts`() async throws {
        let (registry, first, folder, path) = try await Self.start()
        try await first.shares(
            registry.move("t1.kintone.com", to: "aws"), in: folder.file("routes"))
        try await first.crash()
        try await registry.crash()
        try FileManager.default.removeItem(at: first.stateFile)
        let agent = try await Self.agent(of: registry, in: folder, path)
        #expect(try await agent.location("t1.kintone.com") == "aws")
        #expect(try await agent.location("T2.kintone.com:443") == "japan")
        let unknown = try await agent.get("/v1/route?host=nobody.kintone.com")
        #expect(unknown.status == 404)
        // It has the rest of a domain from nowhere.
        #expect(try await agent.get("/v1/domains/t1.kintone.com").status == 503)
        #expect(try await agent.get("/readyz?verbose").status == 200)
        #expect(try await agent.stop() == .code(0))
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

@Suite(
    "An agent that shares its table on a full disk",
    .enabled(if: SmallDisk.canMount, "mounting a small tmpfs needs root"),
    .timeLimit(.minutes(10)))
struct SharedRoutesDiskTests {
    @Test func `leaves what it shares whole, says so, and goes on once there is room`()
        async throws
    {
        let disk = try SmallDisk()
        defer { disk.unmount() }
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(["old.kintone.com"])
        let path = disk.url.appendingPathComponent("routes").path
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url, arguments: ["--share", path])
        try await agent.reaches(registry.revision())
        let reader = try RoutesReader(path: path)
        let before = try #require(reader.status())

        try disk.fill()
        try await registry.client.registerAll((0..<4000).map { "t\($0).kintone.com" })
        try await agent.reaches(registry.revision())
        // It answers itself, and what it shares is as it was.
        #expect(try await agent.location("t3999.kintone.com") == "japan")
        #expect(reader.find("t3999.kintone.com") == .unknown)
        guard case .found = reader.find("old.kintone.com") else {
            Issue.record("what was there isn't any more")
            return
        }
        _ = try await poll("logged", within: .seconds(120)) {
            agent.log.contains { $0.level == "error" && $0.text.contains("file of routes") }
                ? true : nil
        }
        let behind = try await registry.client.convergence().value
        #expect(behind.lagging.map(\.text) == ["edge"])

        try disk.makeRoom()
        _ = try await poll("shared again", within: .seconds(120)) {
            if case .found = reader.find("t3999.kintone.com") { true } else { nil }
        }
        let converged = try await registry.client.convergence(waitSeconds: 60).value
        #expect(converged.converged == 1)
        #expect(try #require(reader.status()).position.revision > before.position.revision)
        try await agent.crash()
        try await registry.crash()
    }
}

@Suite("nginx with shared routes", .timeLimit(.minutes(10))) struct SharedRoutesNginxTests {
    /// Its workers may only read what the agent, who is somebody else, writes.
    @Test func `is reloaded, and loses agents, under load, and every visitor is served`()
        async throws
    {
        let registry = try await ServerProcess.startOpen()
        let names = (0..<8).map { "t\($0).kintone.com" }
        try await registry.client.registerAll(names)
        let folder = try TestFolder()
        chmod(folder.url.path, 0o755)
        let arguments = ["--share", folder.file("routes").path]
        func agent() async throws -> AgentProcess {
            try await AgentProcess.start(in: folder, upstream: registry.url, arguments: arguments)
        }
        var running = try await agent()
        try await running.shares(registry.revision(), in: folder.file("routes"))
        let nginx = try await NginxBeforeSides.start(
            withRoutesIn: folder, user: "nobody nogroup")
        let visits = Visits()
        async let load: Void = visits.come(to: nginx.visitor, hosts: names)
        for round in 0..<6 {
            try await visits.wait(forMore: 40)
            switch round % 3 {
            case 0: try await nginx.reload()
            case 1:
                try await running.crash()
                try await nginx.reload()
                running = try await agent()
            default:
                // Another file takes the place of the one that workers have.
                try await running.crash()
                try FileManager.default.removeItem(at: folder.file("routes"))
                running = try await agent()
            }
            let place = round % 2 == 0 ? "aws" : "japan"
            for name in names { _ = try await registry.move(name, to: place) }
            #expect(try await registry.client.convergence(waitSeconds: 60).value.converged == 1)
            for name in names {
                let page = try await nginx.visitor.send("GET", ["Host: \(name)"])
                #expect(page.status == 200 && page.side.hasPrefix(place), "\(round): \(page.text)")
            }
        }
        visits.end()
        await load
        #expect(visits.faults == [])
        try await nginx.stop()
        #expect(try await running.stop() == .code(0))
    }

    private final class Visits: Sendable {
        private let state = Mutex((count: 0, isOver: false, faults: [String]()))

        var faults: [String] { state.withLock(\.faults) }

        func end() { state.withLock { $0.isOver = true } }

        func come(to visitor: Visitor, hosts: [String]) async {
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        var turn = number
                        while !self.state.withLock(\.isOver) {
                            turn += 1
                            let host = hosts[turn % hosts.count]
                            let page = try? await visitor.send("GET", ["Host: \(host)"])
                            let isServed = page?.status == 200
                            self.state.withLock { state in
                                state.count += 1
                                guard !isServed else { return }
                                state.faults.append("\(host): \(page?.text ?? "no answer")")
                            }
                        }
                    }
                }
            }
        }

        func wait(forMore number: Int) async throws {
            let before = state.withLock(\.count)
            _ = try await poll("\(number) more visitors", within: .seconds(300)) {
                self.state.withLock(\.count) >= before + number ? true : nil
            }
        }
    }
}

@Suite("An application with shared routes", .timeLimit(.minutes(15))) struct ApplicationTests {
    /// Every proxy has followed the move; what one had passed on before is still under way.
    @Test func `takes no write that arrives after its customer has moved`() async throws {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(["late.kintone.com", "stays.kintone.com"])
        let folder = try TestFolder()
        let path = folder.file("routes").path
        let agent = try await AgentProcess.start(
            in: folder, upstream: registry.url, arguments: ["--share", path])
        try await agent.shares(registry.revision(), in: folder.file("routes"))
        let port = try await EdgeHAProxy.freePort(folder)
        let example = Repository.root.appendingPathComponent("deploy/application/example.py")
        let application = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            [example.path, "\(port)", "japan", path, try await Repository.library.path],
            outputs: folder.url)
        _ = try await poll("the application listens: \(application.errors)") {
            BlockingConnection(port: port)
        }
        let visitor = Visitor(port: port)
        func write(_ host: String) async throws -> Int {
            try await visitor.send(
                "POST", ["Host: \(host)", "Content-Length: 5"], body: "hello"
            ).status
        }
        #expect(try await write("late.kintone.com") == 201)
        let late = try #require(BlockingConnection(port: port))
        late.send("POST / HTTP/1.1\r\nHost: late.kintone.com\r\nContent-Length: 5\r\n\r\nhe")

        _ = try await registry.move("late.kintone.com", to: "aws")
        #expect(try await registry.client.convergence(waitSeconds: 30).value.converged == 1)
        late.send("llo")
        #expect(late.readAnswer()?.status == 503)
        #expect(try await write("late.kintone.com") == 503)
        #expect(try await write("stays.kintone.com") == 201)
        #expect(try await write("nobody.kintone.com") == 503)
        // The agent and the registry are gone, and the application knows all the same.
        try await registry.crash()
        try await agent.crash()
        #expect(try await write("late.kintone.com") == 503)
        #expect(try await write("stays.kintone.com") == 201)
        application.signal(SIGTERM)
        try await application.waitForExit()
    }
}
