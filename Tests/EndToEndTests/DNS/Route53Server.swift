import Foundation
import PostgresServer
import Testing

@testable import TenantRegistry

/// moto, which answers as Route 53 does, with one hosted zone.
final class Route53Server: Sendable {
    let zone: String
    private let port: Int
    private let python: String
    private let folder: TestFolder
    private let process: ChildProcess
    private static let client = Repository.root.appendingPathComponent(
        "Tests/Fixtures/route53.py"
    ).path

    static func start(_ zoneName: String) async throws -> Route53Server {
        let folder = try TestFolder()
        let python = try await Repository.script("venv", [], folder) + "/bin/python"
        let port = try PostgresServer.freePort()
        let process = try ChildProcess(
            URL(fileURLWithPath: python),
            ["-m", "moto.server", "-H", "127.0.0.1", "-p", "\(port)"],
            outputs: folder.url, endsBy: SIGTERM)
        _ = try await poll("moto listening: \(process.errors)") {
            BlockingConnection(port: port)
        }
        let made = try await Tool.run(
            [python, client, "\(port)", "create", zoneName], in: folder, codes: [0])
        return Route53Server(
            made.output.trimmingCharacters(in: .newlines), port, python, folder, process)
    }

    private init(
        _ zone: String, _ port: Int, _ python: String, _ folder: TestFolder, _ process: ChildProcess
    ) {
        (self.zone, self.port, self.python) = (zone, port, python)
        (self.folder, self.process) = (folder, process)
    }

    func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }

    /// What the AWS command line prints of the zone.
    func list() async throws -> URL {
        try folder.write(try await ask("list"), to: listed.lastPathComponent)
    }

    /// The last of these lists.
    var listed: URL { folder.file("records.json") }

    /// Sends each line as a change batch.
    ///
    /// - Returns: the zone after each of them.
    func apply(_ batches: String) async throws -> [String] {
        let file = try folder.write(batches, to: "batches.ndjson")
        return try await ask("apply", file.path).split(separator: "\n").map(String.init)
    }

    private func ask(_ verb: String, _ more: String...) async throws -> String {
        try await Tool.run(
            [python, Self.client, "\(port)", verb, zone] + more, in: folder, codes: [0]
        ).output
    }
}
