import AsyncHTTPClient
import Foundation
import NIOCore
import RegistryClient
import Testing

@testable import RegistryAgent

@Suite("An agent that writes maps", .timeLimit(.minutes(10))) struct AgentMapTests {
    private static let names = (0..<100).map { "t\($0).kintone.com" }

    private static func registry() async throws -> ServerProcess {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(names)
        return registry
    }

    private static func text(_ folder: TestFolder, _ name: String) -> String {
        (try? String(contentsOf: folder.file(name), encoding: .utf8)) ?? ""
    }

    @Test func `keeps nginx's map, and reloads nginx, which follows`() async throws {
        let registry = try await Self.registry()
        let folder = try TestFolder()
        let port = try await EdgeHAProxy.freePort(folder)
        let map = folder.file("hosts.map").path
        _ = try folder.write(
            """
            daemon off;
            worker_processes 1;
            pid \(folder.file("nginx.pid").path);
            error_log stderr warn;
            events { worker_connections 256; }
            http {
                access_log off;
                map_hash_max_size 262144;
                map_hash_bucket_size 288;
                map $host $tenant_location { default unknown; include \(map); }
                server { listen 127.0.0.1:\(port); default_type text/plain; return 200 $tenant_location; }
            }
            """, to: "nginx.conf")
        let reload = "nginx -e stderr -p \(folder.url.path) -c nginx.conf -s reload"
        // Before nginx runs the command fails, and is tried again until it doesn't.
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            arguments: ["--write", "nginx-map:\(map)", "--on-change", reload])
        try await agent.reaches(registry.revision())
        _ = try await poll("the map is there", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: map) ? true : nil
        }
        let nginx = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["nginx", "-e", "stderr", "-p", folder.url.path, "-c", "nginx.conf"],
            outputs: folder.url, endsBy: SIGTERM)
        defer { nginx.signal(SIGTERM) }
        try await Self.expect("japan", for: "t7.kintone.com", at: port)
        try await Self.expect("unknown", for: "nobody.kintone.com", at: port)
        _ = try await registry.move("t7.kintone.com", to: "aws")
        try await Self.expect("aws", for: "t7.kintone.com", at: port)
        #expect(
            Self.text(folder, "hosts.map").split(separator: "\n").count == Self.names.count)

        // The registry gone, nginx restarted from the file: as if nothing had happened.
        try await registry.crash()
        try await agent.crash()
        try await Self.expect("aws", for: "t7.kintone.com", at: port)
    }

    @Test func `is waited for from before its first answer, whatever becomes of its maps`()
        async throws
    {
        let registry = try await Self.registry()
        let folder = try TestFolder()
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            arguments: [
                "--write", "nginx-map:\(folder.file("hosts.map").path)",
                "--on-change", "false",
            ])
        try await agent.reaches(registry.revision())
        #expect(try await agent.location("t7.kintone.com") == "japan")
        let convergence = try await registry.client.convergence().value
        #expect(convergence.agents == 1 && convergence.lagging == ["edge"])
    }

    @Test func `stops although its command hangs`() async throws {
        let registry = try await Self.registry()
        let folder = try TestFolder()
        let begun = folder.file("begun").path
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            arguments: [
                "--write", "nginx-map:\(folder.file("hosts.map").path)",
                "--on-change", "trap '' TERM; touch \(begun); sleep 100000",
            ])
        _ = try await poll("the command hangs", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: begun) ? true : nil
        }
        #expect(try await agent.stop() == .code(0))
    }

    @Test func `hands no socket to the command`() async throws {
        // A daemon that it starts would hold the agent's port after the agent's end.
        let registry = try await Self.registry()
        let folder = try TestFolder()
        let (map, list) = (folder.file("hosts.map").path, folder.file("open.txt").path)
        let command = "ls -l /proc/self/fd > \(list).new && mv \(list).new \(list)"
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            arguments: ["--write", "nginx-map:\(map)", "--on-change", command])
        try await agent.reaches(registry.revision())
        _ = try await poll("the command has run", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: list) ? true : nil
        }
        #expect(Self.text(folder, "open.txt").contains("/dev/null"))
        #expect(!Self.text(folder, "open.txt").contains("socket:"))
    }

    private static func expect(_ location: String, for host: String, at port: Int) async throws {
        _ = try await poll("\(host) at \(location)", within: .seconds(120)) { () -> Bool? in
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/")
            request.headers.add(name: "Host", value: host)
            guard
                let response = try? await ServerProcess.http.execute(request, timeout: .seconds(5)),
                let body = try? await response.body.collect(upTo: 1 << 16)
            else { return nil }
            return String(buffer: body) == location ? true : nil
        }
    }

    @Test func `keeps HAProxy's map by file and by socket, also when HAProxy starts anew`()
        async throws
    {
        let registry = try await Self.registry()
        let folder = try TestFolder()
        _ = try folder.write("", to: "hosts.map")
        let first = try await EdgeHAProxy.start(in: folder)
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            arguments: ["--write", "haproxy-map:\(first.map)", "--haproxy-socket", first.socket])
        try await Self.expect("japan", for: "t7.kintone.com", at: first.port)
        _ = try await registry.move("t7.kintone.com", to: "aws")
        try await Self.expect("aws", for: "t7.kintone.com", at: first.port)
        #expect(try await first.location("nobody.kintone.com") == "unknown")
        #expect(Self.text(folder, "hosts.map").contains("t7.kintone.com aws\n"))
        // One name is changed in the map that is there. One that somebody has spoilt is replaced at the next move.
        let socket = HAProxySocket(path: first.socket)
        let maps = try socket.ask("show map")
        _ = try await registry.move("t6.kintone.com", to: "aws")
        try await Self.expect("aws", for: "t6.kintone.com", at: first.port)
        #expect(try socket.ask("show map") == maps)
        _ = try socket.ask("del map \(first.map) t5.kintone.com")
        #expect(try await first.location("t5.kintone.com") == "unknown")
        _ = try await registry.move("t6.kintone.com", to: "japan")
        try await Self.expect("japan", for: "t5.kintone.com", at: first.port)
        try await Self.expect("japan", for: "t6.kintone.com", at: first.port)

        // What the file said when HAProxy started is what the socket said.
        try await first.stop()
        let second = try await EdgeHAProxy.start(in: folder, port: first.port)
        #expect(try await second.location("t7.kintone.com") == "aws")
        #expect(try await second.location("t8.kintone.com") == "japan")
        _ = try await registry.move("t8.kintone.com", to: "aws")
        try await Self.expect("aws", for: "t8.kintone.com", at: second.port)

        // A file that somebody has emptied empties nothing.
        try await second.stop()
        _ = try folder.write("", to: "hosts.map")
        let third = try await EdgeHAProxy.start(in: folder, port: first.port)
        try await Self.expect("aws", for: "t8.kintone.com", at: third.port)
        #expect(Self.text(folder, "hosts.map").contains("t8.kintone.com aws\n"))
        _ = agent
    }

    @Test func `writes what the registry's own export says`() async throws {
        let registry = try await Self.registry()
        _ = try await registry.move("t9.kintone.com", to: "aws")
        let folder = try TestFolder()
        let kinds = ["nginx-map", "haproxy-map"].flatMap { format in
            ["location", "mode", "upstream", "placement"].map { (format, $0) }
        }
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            arguments: kinds.flatMap { format, value in
                ["--write", "\(format):\(value):\(folder.file("\(format)-\(value)").path)"]
            })
        try await agent.reaches(registry.revision())
        for (format, value) in kinds {
            let own = try await registry.client.send(
                .GET, "/v1/export/\(format)", query: [("value", value)],
                headers: [("Accept", "*/*")])
            let text = String(buffer: own.body)
            _ = try await poll("\(format) of \(value)", within: .seconds(120)) {
                Self.text(folder, "\(format)-\(value)") == text ? true : nil
            }
        }
    }

    @Test func `leaves a map as it is before a registry that has lost its domains`() async throws {
        let registry = try await Self.registry()
        let folder = try TestFolder()
        let map = folder.file("hosts.map").path
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url, arguments: ["--write", "nginx-map:\(map)"])
        _ = try await poll("written", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: map) ? true : nil
        }
        let before = Self.text(folder, "hosts.map")
        try await agent.stop()
        try await registry.crash()
        // A new agent, without a state, before another registry that knows one domain.
        let poor = try await ServerProcess.startOpen()
        try await poor.client.registerAll(["t1.kintone.com"])
        let next = try await AgentProcess.start(
            in: TestFolder(), upstream: poor.url, arguments: ["--write", "nginx-map:\(map)"])
        try await next.reaches(1)
        _ = try await poll("refused", within: .seconds(120)) {
            try await next.metric("registry_agent_map_failures_total") ?? 0 > 0 ? true : nil
        }
        #expect(Self.text(folder, "hosts.map") == before)
    }
}
