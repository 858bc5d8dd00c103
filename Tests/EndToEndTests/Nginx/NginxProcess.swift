import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// Real nginx with `deploy/nginx/tenant-registry.conf`, and two upstreams that say who they are.
final class NginxProcess: Sendable {
    let port: Int
    private let folder: TestFolder
    private let process: ChildProcess

    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func start(before registry: ServerProcess) async throws -> NginxProcess {
        let token = try await registry.succeed("tokens", "create", "nginx", "--role", "reader")
        return try await start(
            before: registry.port, token: token.output.trimmingCharacters(in: .newlines))
    }

    /// - Parameter registry: the port of whoever answers as one.
    static func start(before registry: Int, token: String) async throws -> NginxProcess {
        let folder = try TestFolder()
        let ports = try await script("free-ports", ["4"], folder).split(separator: " ").map {
            Int($0)
        }
        let port = try #require(ports.first ?? nil)
        _ = try await script(
            "nginx-conf",
            [
                folder.file("nginx").path, token, "\(registry)",
            ]
                + ports.map { "\($0 ?? 0)" }, folder)
        return try await NginxProcess(folder, port).ready()
    }

    private init(_ folder: TestFolder, _ port: Int) throws {
        self.folder = folder
        self.port = port
        process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["nginx", "-e", "stderr", "-p", folder.file("nginx").path, "-c", "nginx.conf"],
            outputs: folder.url, endsBy: SIGTERM)
    }

    /// Stops nginx and starts it anew, on the same cache.
    func restarted() async throws -> NginxProcess {
        process.signal(SIGQUIT)
        try await process.waitForExit()
        return try await NginxProcess(folder, port).ready()
    }

    private func ready() async throws -> NginxProcess {
        _ = try await poll("nginx listening: \(process.errors)") {
            try? await visit("nobody.example.com")
        }
        return self
    }

    deinit { process.signal(SIGTERM) }

    struct Page: Sendable, Equatable {
        var status: Int
        /// `japan acme.kintone.com japan`: the upstream, its host, and what it was told.
        var body: String
        var retryAfter: String?

        var side: Substring { body.prefix { $0 != " " } }
    }

    /// One request of a visitor.
    func visit(
        _ host: String, _ method: HTTPMethod = .GET, headers: [(String, String)] = []
    ) async throws -> Page {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/")
        request.method = method
        request.headers.add(name: "Host", value: host)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await ServerProcess.http.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 20)
        return Page(
            status: Int(response.status.code), body: String(buffer: body),
            retryAfter: response.headers.first(name: "Retry-After"))
    }

    /// What curl is told for a host that no HTTP library would send.
    func status(ofRawHost host: String) async throws -> String {
        let curl = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                "curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                "Host: \(host)",
                "http://127.0.0.1:\(port)/",
            ], outputs: folder.url)
        try await curl.waitForExit()
        return curl.output
    }

    private static func script(
        _ name: String, _ arguments: [String], _ folder: TestFolder
    ) async throws -> String {
        let process = try ChildProcess(
            repository.appendingPathComponent("scripts/\(name)"), arguments, outputs: folder.url)
        let exit = try await process.waitForExit()
        try #require(exit == .code(0), "\(process.errors)")
        return process.output.trimmingCharacters(in: .newlines)
    }
}
