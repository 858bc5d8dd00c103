import Foundation
import PostgresServer
import RegistryClient

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
        _ name: String, token: String? = nil, options: String? = nil, arguments: [String] = []
    ) async throws -> ServerProcess {
        let data = folder.file(name)
        if let token {
            try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
            try Data(token.utf8).write(to: data.appendingPathComponent("admin-token"))
        }
        let escaped = options?.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
        let store = postgres.url(database) + (escaped.map { "&options=\($0)" } ?? "")
        return try await ServerProcess.start(
            in: folder, data: data, arguments: ["--store", store] + arguments)
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

/// - Returns: status and code; nil where it's not refused.
func refusal(_ body: () async throws -> Void) async throws -> String? {
    do {
        try await body()
        return nil
    } catch ClientError.refused(let refusal) {
        return "\(refusal.status) \(refusal.code ?? "")"
    }
}
