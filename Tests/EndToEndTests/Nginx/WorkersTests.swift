import Foundation
import NIOCore
import NIOPosix
import Testing

@Suite("deploy/nginx/workers", .timeLimit(.minutes(15))) struct WorkersTests {
    private let folder: TestFolder
    private let port: Int
    private let nginx: ChildProcess

    private var map: URL { folder.file("hosts.map") }

    /// nginx with the settings of the documents, and a map that has the longest of all names.
    init() async throws {
        folder = try TestFolder()
        port = try await EdgeHAProxy.freePort(folder)
        let labels = ["a", "b", "c"].map { String(repeating: $0, count: 63) }
        let longest = (labels + [String(repeating: "d", count: 61)]).joined(separator: ".")
        #expect(longest.utf8.count == 253)
        _ = try folder.write("\(longest) aws;\n", to: "hosts.map")
        _ = try folder.write(
            EdgeNginx.configuration(
                folder,
                """
                    access_log off;
                    # A visitor who holds a worker does so until he's done, however slow all else is.
                    client_header_timeout 600s;
                    map_hash_max_size 262144;
                    map_hash_bucket_size 288;
                    map $host $place { default unknown; include \(folder.file("hosts.map").path); }
                    server { listen 127.0.0.1:\(port); return 200 $place; }
                """), to: "nginx.conf")
        nginx = try EdgeNginx.process(folder)
        _ = try await poll("nginx listens: \(nginx.errors)") { [port, folder] in
            guard FileManager.default.fileExists(atPath: folder.file("nginx.pid").path) else {
                return nil as Bool?
            }
            return (try? await EdgeVisit.ask("nobody.example.com", .GET, at: port)) != nil
                ? true : nil
        }
    }

    private func run(_ what: String, within seconds: Int = 100) async throws -> ChildProcess {
        let script = NginxProcess.repository.appendingPathComponent("deploy/nginx/workers")
        return try ChildProcess(
            script,
            [
                what, folder.file("nginx.pid").path, "\(seconds)", "-e", "stderr", "-p",
                folder.url.path, "-c", "nginx.conf",
            ], outputs: folder.url)
    }

    private func expect(_ what: String, within seconds: Int = 100, _ code: Int32) async throws {
        let child = try await run(what, within: seconds)
        #expect(
            try await child.waitForExit(within: .seconds(120)) == .code(code), "\(child.errors)")
        if code == 1 { #expect(child.errors.contains("still serves somebody")) }
    }

    /// Sends half a request, which keeps its worker, and which that one will answer by its map.
    private func holdWorker() async throws -> any Channel {
        let visitor = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        try await visitor.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a")).get()
        // Accepted after the one before.
        _ = try await EdgeVisit.ask("nobody.example.com", .GET, at: port)
        return visitor
    }

    @Test func `serve by the new map while one of before still serves somebody, and say so`()
        async throws
    {
        defer { nginx.signal(SIGTERM) }
        try await expect("drained", 0)
        let visitor = try await holdWorker()
        _ = try folder.write("new.example.com japan;\n", to: "hosts.map")
        try await expect("reload", 0)
        // Nobody comes to a worker of before.
        for _ in 0..<20 {
            let answer = try await EdgeVisit.ask("new.example.com", .GET, at: port)
            #expect(answer.body == "japan", "\(answer)")
        }
        try await expect("drained", within: 1, 1)
        // The next one comes although they're on their way out.
        _ = try folder.write("new.example.com aws;\n", to: "hosts.map")
        try await expect("reload", 0)
        #expect(try await EdgeVisit.ask("new.example.com", .GET, at: port).body == "aws")
        try await visitor.close()
        try await expect("drained", 0)
    }

    @Test func `aren't renewed while those of four reloads are on their way out`() async throws {
        defer { nginx.signal(SIGTERM) }
        var visitors: [any Channel] = []
        for _ in 0..<4 {
            visitors.append(try await holdWorker())
            try await expect("reload", 0)
        }
        try await expect("reload", within: 1, 1)
        try await visitors.removeFirst().close()
        try await expect("reload", 0)
        for visitor in visitors { try await visitor.close() }
        try await expect("drained", 0)
    }

    @Test func `stay where nginx refuses its configuration, and it's said why`() async throws {
        defer { nginx.signal(SIGTERM) }
        let longest = try #require(
            String(contentsOf: map, encoding: .utf8).split(separator: " ").first)
        let handle = try FileHandle(forWritingTo: map)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("broken\n".utf8))
        try handle.close()
        let refused = try await run("reload")
        #expect(try await refused.waitForExit(within: .seconds(60)) == .code(1))
        #expect(refused.errors.contains("isn't reloaded") && refused.errors.contains("hosts.map"))
        let answer = try await EdgeVisit.ask(String(longest), .GET, at: port)
        #expect(answer.body == "aws", "\(answer)")
    }
}
