import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RegistryAPI
import SharedRoutes
import Testing

/// `tenant-registry agent`. Starting another one in the same folder is a restart.
final class AgentProcess: Sendable {
    /// Holds the state folder and what the process says.
    let folder: TestFolder
    let process: ChildProcess
    let port: Int

    /// Quick ones, so that a test needn't wait for what takes seconds.
    private static let pace = [
        "--save-delay", "20ms", "--max-backoff", "100ms", "--debounce", "10ms",
        "--drain-seconds", "0",
    ]

    /// Starts an agent, and returns once it listens, which it does with a table or without.
    static func start(
        in folder: TestFolder, upstream: URL, name: String = "edge", port: Int = 0,
        state: URL? = nil, arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> AgentProcess {
        let process = try ChildProcess(
            TenantRegistryBinary.url,
            [
                "agent", "--upstream", upstream.absoluteString, "--name", name, "--listen",
                "127.0.0.1:\(port)", "--socket", folder.file("agent.sock").path, "--state-dir",
                (state ?? folder.file("state")).path,
            ] + pace + arguments, outputs: folder.url, environment: environment)
        let line = try await poll("the agent listens") { () -> LogLine? in
            let line = LogLine.all(in: process.errors).first { $0.announces == "api" }
            guard line != nil || process.isRunning else {
                throw ServerProcess.EndedEarly(errors: process.errors)
            }
            return line
        }
        return AgentProcess(folder, process, port: try #require(line.port))
    }

    private init(_ folder: TestFolder, _ process: ChildProcess, port: Int) {
        self.folder = folder
        self.process = process
        self.port = port
    }

    var url: URL { URL(string: "http://127.0.0.1:\(port)")! }
    var log: [LogLine] { LogLine.all(in: process.errors) }
    var socket: URL { folder.file("agent.sock") }
    var stateFile: URL { folder.file("state/snapshot") }

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: String

        func header(_ name: String) -> String? { headers.first(name: name) }
    }

    func get(_ target: String) async throws -> Answer {
        let response = try await ServerProcess.http.execute(
            HTTPClientRequest(url: "http://127.0.0.1:\(port)\(target)"), timeout: .seconds(30))
        return Answer(
            status: Int(response.status.code), headers: response.headers,
            body: String(buffer: try await response.body.collect(upTo: 1 << 24)))
    }

    /// What `/readyz?verbose` says; nil where it isn't ready.
    func readiness() async throws -> Readiness? {
        let answer = try await get("/readyz?verbose")
        guard answer.status == 200 else { return nil }
        return try JSONDecoder().decode(Readiness.self, from: Data(answer.body.utf8))
    }

    struct Readiness: Decodable, Sendable {
        var epoch: String
        var revision: Int64
        var domains: Int
        var connected: Bool
        var age_ms: Int64?
        var lag: Int64?
    }

    /// Waits until it has a revision, of an epoch.
    @discardableResult
    func reaches(_ revision: Int64, of epoch: String? = nil) async throws -> Readiness {
        try await poll("the agent at \(revision)", within: .seconds(300)) { () -> Readiness? in
            guard let now = try? await readiness(), now.revision >= revision,
                epoch.map({ $0 == now.epoch }) ?? true
            else { return nil }
            return now
        }
    }

    /// Waits until readers of a file that it shares see a revision: the agent itself answers a moment before.
    func shares(_ revision: Int64, in file: URL) async throws {
        _ = try await poll("\(file.path) at \(revision)", within: .seconds(300)) {
            let shared = (try? RoutesReader(path: file.path))?.status()?.position.revision.number
            return shared.map { $0 >= revision } ?? false ? true : nil
        }
    }

    /// Where it sends a host; "404" and the like for what isn't an answer.
    func location(_ host: String) async throws -> String {
        let answer = try await get("/v1/route?host=\(host)")
        return answer.header("X-Tenant-Location") ?? "\(answer.status)"
    }

    /// One metric without labels, or with those in the name.
    func metric(_ name: String) async throws -> Double? {
        try await get("/metrics").body.split(separator: "\n")
            .first { $0.hasPrefix("\(name) ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    func crash() async throws { try await process.crash() }

    @discardableResult
    func stop() async throws -> ChildProcess.Exit {
        process.signal(SIGTERM)
        return try await process.waitForExit(within: .seconds(120))
    }
}

extension ServerProcess {
    /// A registry whose readers need no token.
    static func startOpen(
        in folder: TestFolder? = nil, port: Int = 0, arguments: [String] = []
    ) async throws -> ServerProcess {
        try await start(
            in: folder ?? TestFolder(), port: port,
            arguments: ["--anonymous-reads", "--access-log", "off", "--drain-seconds", "0"]
                + arguments)
    }

    func revision() async throws -> Int64 { try await client.historyHead().revision.number }
    func epoch() async throws -> String { try await client.historyHead().epoch.text }

    func move(_ name: String, to location: String) async throws -> Int64 {
        try await client.change(
            name, DomainChangeRequest(PlacementText(location: location))
        ).value.revision.number
    }
}
