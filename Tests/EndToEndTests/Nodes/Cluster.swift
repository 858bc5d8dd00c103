import Foundation
import PostgresServer
import RegistryClient
import Testing

/// Nodes of one database, each a process of its own with a folder of its own.
final class Cluster: Sendable {
    let postgres: PostgresServer
    let database = "e2e_\(UUID().uuidString)"
    let folder: TestFolder

    init(_ postgres: PostgresServer) async throws {
        self.postgres = postgres
        folder = try TestFolder()
        try await postgres.makeDatabase(database)
    }

    /// - Parameters:
    ///   - token: of the first node; nil for that one itself.
    ///   - options: of its sessions, `-c name=value`.
    func start(
        _ name: String, token: String? = nil, options: String? = nil, port: Int = 0,
        arguments: [String] = []
    ) async throws -> ServerProcess {
        let data = folder.file(name)
        if let token {
            try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
            try Data(token.utf8).write(to: data.appendingPathComponent("admin-token"))
        }
        let escaped = options?.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
        let store = postgres.url(database) + (escaped.map { "&options=\($0)" } ?? "")
        return try await ServerProcess.start(
            in: folder, data: data, port: port, arguments: ["--store", store] + arguments)
    }

    func start(count: Int, arguments: [String] = []) async throws -> [ServerProcess] {
        var nodes = [try await start("n1", arguments: arguments)]
        while nodes.count < count {
            nodes.append(
                try await start(
                    "n\(nodes.count + 1)", token: nodes[0].adminToken, arguments: arguments))
        }
        return nodes
    }
}

extension Cluster {
    private func runTool(_ name: String, _ arguments: [String]) async throws {
        let tool = try ChildProcess(
            try PostgresServer.binaries().appendingPathComponent(name), arguments,
            outputs: folder.url)
        let exit = try await tool.waitForExit(within: .seconds(120))
        try #require(exit == .code(0), "\(tool.errors)")
    }

    /// What PostgreSQL's own tools make of it now.
    func dump() async throws -> URL {
        let file = folder.file("dump-\(UUID().uuidString)")
        try await runTool(
            "pg_dump",
            ["--format=custom", "--file", file.path, "--dbname", postgres.url(database)])
        return file
    }

    /// Puts a dump in the place of what is there.
    func restore(_ dump: URL) async throws {
        try await postgres.dropDatabase(database)
        try await postgres.makeDatabase(database)
        try await runTool(
            "pg_restore", ["--exit-on-error", "--dbname", postgres.url(database), dump.path])
    }
}

/// - Returns: status and code; nil where it's not refused.
func refusal(_ body: () async throws -> Void) async throws -> String? {
    do {
        try await body()
        return nil
    } catch ClientError.refused(let refusal) {
        return "\(refusal.status) \(refusal.code ?? "")"
    }
}
