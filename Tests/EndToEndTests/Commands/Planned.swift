import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@testable import TenantRegistry

/// Domains in japan, and a plan to move them to aws.
struct Planned: Sendable {
    let server: ServerProcess
    let id: String
    let names: [String]

    /// Registers `count` domains below `label`.example.com, and plans.
    static func make(
        _ label: String, _ count: Int, on server: ServerProcess, _ arguments: String...
    ) async throws -> Planned {
        let names = try await register(label, count, on: server)
        let plan = try await server.run(
            [
                "migrations", "plan", "--from", "japan", "--to", "aws", "--suffix",
                "\(label).example.com", "--name", label, "--output", "json",
            ] + arguments)
        try #require(plan.exit == .code(0), "\(plan.errors)")
        let migration = try plan.readOutput(Migration.self)
        return Planned(server: server, id: migration.id, names: names)
    }

    static func register(
        _ label: String, _ count: Int, on server: ServerProcess
    ) async throws -> [String] {
        let names = (1...count).map { String(format: "t%05d.\(label).example.com", $0) }
        for start in stride(from: 0, to: count, by: 10_000) {
            let rows = names[start..<min(count, start + 10_000)].map {
                BatchRegistration.Row(
                    fqdn: $0, placement: PlacementText(location: "japan"))
            }
            _ = try await server.client.registerBatch(rows, note: Note())
        }
        return names
    }

    func run(_ command: String, _ arguments: String...) async throws -> CommandRun {
        try await server.run(["migrations", command, id] + arguments)
    }

    /// Starts a command, and doesn't wait for its end.
    func start(_ command: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            TenantRegistryBinary.url, ["migrations", command, id] + arguments,
            outputs: server.folder.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
    }

    /// The states of the waves, `moved planned`.
    var states: String {
        get async throws {
            try await server.client.migration(id).value.waves.map(\.state.rawValue).joined(
                separator: " ")
        }
    }

    /// `aws serve` of each of its domains; once where all are the same.
    var places: [String] {
        get async throws {
            let page = try await server.client.domains(
                filter: [("suffix", String(names[0].split(separator: ".", maxSplits: 1)[1]))],
                limit: 1000)
            return Set(page.items.map { "\($0.location) \($0.mode.rawValue)" }).sorted()
        }
    }
}

/// What a run says with `--output ndjson`.
struct RunLine: Decodable {
    var time: String
    var event: String
    var migration: String
    var wave: Int?
    var revision: Int64?
    var count: Int?
    var code: String?
    var fqdn: String?

    static func all(in output: String) throws -> [RunLine] {
        try output.split(separator: "\n").map {
            try JSONDecoder().decode(RunLine.self, from: Data($0.utf8))
        }
    }
}
