import Foundation
import PostgresServer
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("A copy into another engine", .timeLimit(.minutes(15))) struct CopyTests {
    @Test func `and back keeps everything, and both go on from there`() async throws {
        let postgres = try await PostgresServer.shared()
        let database = "copy_\(UUID().uuidString)"
        try await postgres.makeDatabase(database)
        let folder = try TestFolder()
        let first = try await ServerProcess.start(in: folder)
        let head = try await Self.fill(first)
        let before = try await Self.everything(first)
        #expect(try await first.stop() == .code(0))

        let there = try await Self.copy(first.data.path, postgres.url(database), in: folder)
        #expect(there.contains(head.digest))
        let second = try await ServerProcess.start(
            in: folder, data: try Self.data("second", token: first.adminToken, in: folder),
            arguments: ["--store", postgres.url(database)])
        #expect(try await second.client.historyHead() == head)
        #expect(try await Self.everything(second) == before)
        // The plan that came along goes on, and a key is still known.
        let plans = try await second.client.migrations(state: nil, limit: 10).items
        #expect(plans.count == 1 && plans[0].waves[0].state == .frozen)
        #expect(plans[0].waves[0].approval?.actor.name == "lead")
        let replay = try await second.client.send(
            .POST, "/v1/domains", body: Array(#"{"fqdn":"keyed.example.com"}"#.utf8),
            headers: [("Idempotency-Key", "a-key")])
        #expect(replay.headers.first(name: "Idempotency-Replayed") == "true")
        _ = try await second.client.take(.cutover, of: plans[0])
        let later = try await second.client.historyHead()
        #expect(later.revision == head.revision.next)
        let after = try await Self.everything(second)
        #expect(try await second.stop() == .code(0))

        let back = folder.file("back").path
        let again = try await Self.copy(postgres.url(database), back, in: folder)
        #expect(again.contains(later.digest))
        let third = try await ServerProcess.start(
            in: folder, data: try Self.data("back", token: first.adminToken, in: folder))
        #expect(try await third.client.historyHead() == later)
        #expect(try await Self.everything(third) == after)
        #expect(try await third.client.verify(expecting: nil) { _ in }.isGood)
        _ = try await third.client.register("new.example.com")
        #expect(try await third.stop() == .code(0))
        try await postgres.dropDatabase(database)
    }

    @Test func `is refused where something is there already, and leaves it`() async throws {
        let postgres = try await PostgresServer.shared()
        let database = "copy_\(UUID().uuidString)"
        try await postgres.makeDatabase(database)
        let folder = try TestFolder()
        let first = try await ServerProcess.start(in: folder)
        _ = try await first.client.register("a.example.com")
        #expect(try await first.stop() == .code(0))
        _ = try await Self.copy(first.data.path, postgres.url(database), in: folder)
        for (source, target) in [
            (first.data.path, postgres.url(database)), (postgres.url(database), first.data.path),
            (folder.file("nothing").path, postgres.url(database)),
        ] {
            let process = try ChildProcess(
                TenantRegistryBinary.url, ["copy", "--from", source, "--to", target],
                outputs: folder.url)
            #expect(try await process.waitForExit() == .code(1), "\(process.errors)")
        }
        let process = try ChildProcess(
            TenantRegistryBinary.url,
            ["copy", "--from", first.data.path, "--to", "postgres://a:hidden@localhost/x"],
            outputs: folder.url)
        #expect(try await process.waitForExit() == .code(2))
        #expect(!process.errors.contains("hidden"))
        let again = try await ServerProcess.start(in: folder)
        #expect(try await again.client.domain("a.example.com").value.location == "japan")
        #expect(try await again.stop() == .code(0))
        try await postgres.dropDatabase(database)
    }

    /// A log with each kind of revision in it.
    private static func fill(_ server: ServerProcess) async throws -> HistoryHead {
        let client = server.client
        let names = (0..<6_000).map { "t\($0).example.com" }
        try await client.registerAll(names)
        for number in 0..<20 { _ = try await client.register("s\(number).example.com") }
        _ = try await client.send(
            .POST, "/v1/domains", body: Array(#"{"fqdn":"keyed.example.com"}"#.utf8),
            headers: [("Idempotency-Key", "a-key")])
        try await client.release("s1.example.com", note: .init(reason: "gone", ticket: "T-1"))
        _ = try await client.putLocation(
            "osaka", upstream: "http://osaka", acceptsSignups: true, isDefault: true,
            dns: .set(.addresses([IPv4Address("192.0.2.10")!], [])), note: .init())
        // Of what doesn't happen here: how far it is stays as it is.
        _ = try await client.putWebhook(
            "chat", WebhookRequest(url: "https://chat.example/in?key=1", actions: ["token_revoked"])
        )
        _ = try await client.createToken(
            name: "büro", role: "reader", expiresAt: nil, note: .init())
        let migration = try await client.plan(
            freeze: "read_only", names: Array(names.prefix(5_500)) + ["unknown.example.com"])
        let lead = try await client.createToken(
            name: "lead", role: "operator", expiresAt: nil, note: .init())
        _ = try await server.client(token: lead.secret).approve(
            migration: migration.id, wave: 1, planDigest: migration.digestText,
            call: .init(note: .init(reason: "looked at")))
        _ = try await client.take(.freeze, of: migration)
        return try await client.historyHead()
    }

    /// What can be read through the API, as text.
    private static func everything(_ server: ServerProcess) async throws -> [String] {
        var found: [String] = []
        for path in [
            "/v1/history", "/v1/domains", "/v1/locations", "/v1/migrations", "/v1/webhooks",
            "/v1/stats", "/v1/domains/s1.example.com/history",
            "/v1/domains/s1.example.com/availability", "/v1/history?action=frozen&location=japan",
        ] {
            let query = path.contains("history") ? [] : [("limit", "1000")]
            let answer = try await server.client.send(
                .GET, path,
                query: path.hasSuffix("availability") || path.hasSuffix("stats")
                    ? [] : query.map { ($0.0, Optional($0.1)) })
            found.append(String(buffer: answer.body))
        }
        return found
    }

    private static func data(
        _ name: String, token: String, in folder: TestFolder
    ) throws -> URL {
        let data = folder.file(name)
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        try Data(token.utf8).write(to: data.appendingPathComponent("admin-token"))
        return data
    }

    private static func copy(
        _ source: String, _ target: String, in folder: TestFolder
    ) async throws -> String {
        let process = try ChildProcess(
            TenantRegistryBinary.url,
            ["copy", "--from", source, "--to", target, "--output", "json"], outputs: folder.url)
        let exit = try await process.waitForExit(within: .seconds(120))
        try #require(exit == .code(0), "\(process.errors)")
        return process.output
    }
}
