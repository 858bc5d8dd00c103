import Foundation
import NIOCore
import NIOPosix
import Testing

@Suite("deploy/nginx/reload-and-wait", .timeLimit(.minutes(5))) struct ReloadAndWaitTests {
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
                    map_hash_max_size 262144;
                    map_hash_bucket_size 288;
                    map $host $place { default unknown; include \(folder.file("hosts.map").path); }
                    server { listen 127.0.0.1:\(port); return 200 $place; }
                """), to: "nginx.conf")
        // As some ps do: blanks around every number.
        let bin = folder.file("bin")
        try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: false)
        _ = try folder.write(
            "#!/bin/sh\n/usr/bin/ps \"$@\" | sed 's/^/     /; s/$/   /'\n", to: "bin/ps")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: bin.appendingPathComponent("ps").path)
        nginx = try EdgeNginx.process(folder)
        _ = try await poll("nginx listens: \(nginx.errors)") { [port, folder] in
            guard FileManager.default.fileExists(atPath: folder.file("nginx.pid").path) else {
                return nil as Bool?
            }
            return (try? await EdgeVisit.ask("nobody.example.com", .GET, at: port)) != nil
                ? true : nil
        }
    }

    private func reload(within seconds: Int) async throws -> ChildProcess {
        let script = NginxProcess.repository.appendingPathComponent("deploy/nginx/reload-and-wait")
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        return try ChildProcess(
            script,
            [
                folder.file("nginx.pid").path, "\(seconds)", "-e", "stderr", "-p", folder.url.path,
                "-c", "nginx.conf",
            ], outputs: folder.url,
            environment: ["PATH": folder.file("bin").path + ":" + path])
    }

    @Test func `waits until no worker of before serves anybody`() async throws {
        defer { nginx.signal(SIGTERM) }
        let visitor = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        // A request that isn't whole yet keeps its worker.
        try await visitor.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a")).get()
        _ = try await EdgeVisit.ask("nobody.example.com", .GET, at: port)
        let early = try await reload(within: 1)
        #expect(try await early.waitForExit(within: .seconds(60)) == .code(1))
        #expect(early.errors.contains("still serves somebody"))
        try await visitor.close()
        let late = try await reload(within: 100)
        #expect(try await late.waitForExit(within: .seconds(120)) == .code(0), "\(late.errors)")
    }

    @Test func `says what nginx refuses, and visitors get what they got`() async throws {
        defer { nginx.signal(SIGTERM) }
        let longest = try #require(
            String(contentsOf: map, encoding: .utf8).split(separator: " ").first)
        let handle = try FileHandle(forWritingTo: map)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("broken\n".utf8))
        try handle.close()
        let refused = try await reload(within: 100)
        #expect(try await refused.waitForExit(within: .seconds(60)) == .code(1))
        #expect(refused.errors.contains("isn't reloaded") && refused.errors.contains("hosts.map"))
        let answer = try await EdgeVisit.ask(String(longest), .GET, at: port)
        #expect(answer.body == "aws", "\(answer)")
    }
}
