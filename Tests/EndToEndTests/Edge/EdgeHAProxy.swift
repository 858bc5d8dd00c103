import AsyncHTTPClient
import Foundation
import NIOCore
import Testing

/// Real HAProxy with a map file and a runtime socket, which answers each visitor with the location
/// of the host that was asked for.
final class EdgeHAProxy: Sendable {
    let port: Int
    let map: String
    let socket: String
    private let folder: TestFolder
    private let process: ChildProcess

    /// - Parameter folder: where the map is, or will be.
    static func start(in folder: TestFolder, port: Int? = nil) async throws -> EdgeHAProxy {
        let free = try await freePort(folder)
        let port = port ?? free
        let map = folder.file("hosts.map").path
        // Socket paths are short: the system allows 107 bytes.
        let socket = "/tmp/haproxy-\(port).sock"
        _ = try folder.write(
            """
            global
                stats socket \(socket) mode 600 level admin
            defaults
                mode http
                timeout connect 5s
                timeout client 30s
                timeout server 30s
            frontend visitors
                bind 127.0.0.1:\(port)
                http-request set-var(txn.loc) req.hdr(host),field(1,:),lower,rtrim(.),map(\(map),unknown)
                http-request return status 200 content-type text/plain lf-string %[var(txn.loc)]

            """, to: "haproxy.cfg")
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["haproxy", "-db", "-f", folder.file("haproxy.cfg").path], outputs: folder.url,
            endsBy: SIGTERM)
        let haproxy = EdgeHAProxy(folder, process, port, map, socket)
        _ = try await poll("HAProxy listens: \(process.errors)") {
            try? await haproxy.location("x")
        }
        return haproxy
    }

    private init(
        _ folder: TestFolder, _ process: ChildProcess, _ port: Int, _ map: String, _ socket: String
    ) {
        self.folder = folder
        self.process = process
        self.port = port
        self.map = map
        self.socket = socket
    }

    deinit {
        process.signal(SIGTERM)
        unlink(socket)
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }

    /// What a visitor of a host gets.
    func location(_ host: String) async throws -> String {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/")
        request.headers.add(name: "Host", value: host)
        let response = try await ServerProcess.http.execute(request, timeout: .seconds(10))
        return String(buffer: try await response.body.collect(upTo: 1 << 16))
    }

    static func freePort(_ folder: TestFolder) async throws -> Int {
        let script = NginxProcess.repository.appendingPathComponent("scripts/free-ports")
        let process = try ChildProcess(script, ["1"], outputs: folder.url)
        try await process.waitForExit()
        return try #require(Int(process.output.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
