import AsyncHTTPClient
import Foundation
import NIOCore
import RegistryClient
import Testing

/// The binary that the package builds, beside the bundle of its tests.
enum TenantRegistryBinary {
    static let url: URL = {
        let bundles = [try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")]
        let candidates = (bundles.compactMap(\.self) + CommandLine.arguments)
            .filter { $0.contains("/") }
            .map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
            .map { $0.appendingPathComponent("tenant-registry") }
        guard
            let binary = candidates.first(where: {
                FileManager.default.isExecutableFile(atPath: $0.path)
            })
        else { fatalError("tenant-registry isn't beside \(CommandLine.arguments)") }
        return binary
    }()
}

/// `tenant-registry serve` on a data folder. Starting another one on the same folder is a restart.
final class ServerProcess: Sendable {
    /// Holds the data folder and what the process says.
    let folder: TestFolder
    let data: URL
    let process: ChildProcess
    let port: Int
    let opsPort: Int?
    /// What `admin-token` holds.
    let adminToken: String

    /// Starts the service, and returns once it listens.
    ///
    /// - Parameter data: the data folder, where it isn't `data` in `folder`.
    static func start(
        in folder: TestFolder, data: URL? = nil, port: Int = 0, arguments: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> ServerProcess {
        let data = data ?? folder.file("data")
        let process = try ChildProcess(
            TenantRegistryBinary.url,
            ["serve", "--listen", "127.0.0.1:\(port)", "--data-dir", data.path] + arguments,
            outputs: folder.url, environment: environment)
        let lines = try await poll("listening: \(process.errors)") { () -> [LogLine]? in
            let lines = LogLine.all(in: process.errors)
            guard lines.contains(where: { $0.announces == "api" }) else {
                guard process.isRunning else { throw EndedEarly(errors: process.errors) }
                return nil
            }
            return lines
        }
        return try ServerProcess(folder: folder, data: data, process: process, lines: lines)
    }

    struct EndedEarly: Error {
        let errors: String
    }

    private init(folder: TestFolder, data: URL, process: ChildProcess, lines: [LogLine]) throws {
        self.folder = folder
        self.data = data
        self.process = process
        port = try #require(lines.first { $0.announces == "api" }?.port)
        opsPort = lines.first { $0.announces == "ops" }?.port
        adminToken = try String(
            contentsOf: data.appendingPathComponent("admin-token"), encoding: .utf8
        ).trimmingCharacters(in: .newlines)
    }

    var url: URL { URL(string: "http://127.0.0.1:\(port)")! }
    var opsURL: URL? { opsPort.flatMap { URL(string: "http://127.0.0.1:\($0)") } }
    var log: [LogLine] { LogLine.all(in: process.errors) }

    /// A client with the first admin token.
    var client: RegistryClient { client(token: adminToken) }

    func client(token: String?) -> RegistryClient {
        RegistryClient(base: url, token: token, http: Self.http, timeout: .seconds(20))
    }

    /// Gives up at once where nobody listens.
    static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// `kill -9`, and wait until it's gone.
    func crash() async throws {
        try await process.crash()
    }

    /// SIGTERM, and wait for the end.
    func stop() async throws -> ChildProcess.Exit {
        process.signal(SIGTERM)
        return try await process.waitForExit()
    }
}

/// One line of the service's log: a JSON object, or swift-log's own text.
struct LogLine: Sendable {
    let text: String
    let level: String?
    let message: String?
    /// Beside time, level, logger and message.
    let metadata: [String: String]

    static func all(in text: String) -> [LogLine] {
        text.split(separator: "\n").map { LogLine(String($0)) }
    }

    private init(_ text: String) {
        self.text = text
        if let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] {
            level = object["level"] as? String
            message = object["message"] as? String
            metadata = object.mapValues { "\($0)" }
        } else {
            // `… notice tenant-registry: api=api host=… port=8099 [TenantRegistry] listening`
            let words = text.split(separator: " ").map(String.init)
            level = words.dropFirst().first
            message = text.split(separator: "] ").last.map(String.init)
            metadata = Dictionary(
                words.compactMap { word in
                    let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
                    return parts.count == 2 ? (parts[0], parts[1]) : nil
                }, uniquingKeysWith: { $1 })
        }
    }

    /// Which listener this line says is open: `api` or `ops`.
    var announces: String? { message == "listening" ? metadata["api"] : nil }
    var port: Int? { metadata["port"].flatMap { Int($0) } }
}
