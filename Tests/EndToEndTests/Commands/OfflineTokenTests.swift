import Foundation
import PostgresServer
import RegistryAPI
import Testing

@Suite("A token made offline", .timeLimit(.minutes(15))) struct OfflineTokenTests {
    private static func create(
        _ arguments: [String], in folder: TestFolder, environment: [String: String] = [:]
    ) async throws -> CommandRun {
        try await CommandRun.run(
            ["tokens", "create", "way-back", "--role", "admin", "--offline"] + arguments,
            in: folder, environment: environment)
    }

    private static func check(_ server: ServerProcess, _ token: String) async throws {
        let client = server.client(token: token)
        _ = try await client.statistics()
        let made = try await client.tokens().items.contains { $0.facts.name == "way-back" }
        #expect(made)
        let items = try await client.history(of: nil, filter: [("actor", "system")], limit: 1).items
        #expect(items.first?.action == "token_created" && items.first?.actor.name == "offline")
        #expect(items.first?.reason == "locked out" && items.first?.ticket == "T-1")
        #expect(try await client.verify(expecting: nil) { _ in }.isGood)
    }

    private static let why = ["--reason", "locked out", "--ticket", "T-1"]

    @Test func `is good in the stopped store, and refused in a running one`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let place = ["--data-dir", server.data.path]
        let busy = try await Self.create(place, in: folder)
        #expect(busy.exit == .code(1) && busy.errors.contains("in use"), "\(busy.errors)")
        #expect(try await server.stop() == .code(0))

        let run = try await Self.create(place + Self.why, in: folder)
        #expect(run.exit == .code(0), "\(run.errors)")
        let token = run.output.trimmingCharacters(in: .newlines)
        #expect(run.lines.count == 1 && !run.errors.contains(token))
        let again = try await ServerProcess.start(in: folder)
        #expect(again.adminToken == server.adminToken)
        try await Self.check(again, token)
    }

    @Test func `is learned of by the nodes of a database`() async throws {
        let cluster = try await Cluster(PostgresServer.shared())
        let node = try await cluster.start("n1")
        let run = try await Self.create(
            ["--store", cluster.postgres.url(cluster.database)] + Self.why, in: cluster.folder)
        #expect(run.exit == .code(0), "\(run.errors)")
        let token = run.output.trimmingCharacters(in: .newlines)
        _ = try await poll("the node learns of it") {
            try? await node.client(token: token).statistics()
        }
        try await Self.check(node, token)
    }

    @Test func `needs a store, and what the service would ask for`() async throws {
        let folder = try TestFolder()
        let nowhere = try await Self.create(["--data-dir", folder.file("x").path], in: folder)
        #expect(nowhere.exit == .code(1) && nowhere.errors.contains("no store"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("x").path))
        let away = try await Self.create(
            ["--store", "postgres://127.0.0.1:9/x"], in: folder)
        #expect(away.exit == .code(1), "\(away.errors)")
        for wrong in [
            ["--server", "http://127.0.0.1:9"], ["--token", "trk_a_b"],
            ["--expires-at", "2001-01-01T00:00:00Z"], ["--expires-at", "soon"],
            ["--store", "nonsense://"], ["--ticket", String(repeating: "t", count: 101)],
        ] {
            let run = try await Self.create(wrong, in: folder)
            #expect(run.exit == .code(2), "\(wrong): \(run.errors)")
        }
        let role = try await CommandRun.run(
            ["tokens", "create", "x", "--role", "king", "--offline"], in: folder)
        #expect(role.exit == .code(2))
        let store = try await CommandRun.run(
            ["tokens", "create", "x", "--role", "admin", "--store", "postgres://h/d"], in: folder)
        #expect(store.exit == .code(2))
    }
}
