import Foundation
import PostgresServer
import RegistryAPI
import RegistryClient
import Testing

@Suite("tenant-registry epoch renew", .timeLimit(.minutes(15))) struct EpochCommandTests {
    private static func renew(_ arguments: [String], in folder: TestFolder) async throws
        -> CommandRun
    {
        try await CommandRun.run(
            ["epoch", "renew", "--output", "ndjson"] + arguments, in: folder)
    }

    /// Registers, stops, renews, starts again.
    private static func check(_ folder: TestFolder, serve: [String], renew: [String]?) async throws
    {
        let first = try await ServerProcess.start(in: folder, arguments: serve)
        let before = try await first.client.register(
            DomainRegistration(fqdn: "a.example.com"))
        let old = try await first.client.historyHead()
        let arguments = renew ?? ["--data-dir", first.data.path]
        #expect(try await first.stop() == .code(0))
        let renewed = try await Self.renew(arguments, in: folder)
        try #require(renewed.exit == .code(0), "\(renewed.errors)")
        let report = try #require(try renewed.objects().first)
        #expect(report["epoch"] != old.epoch.text)
        #expect(report["revision"] == "\(old.revision)" && report["digest"] == old.digest)

        let second = try await ServerProcess.start(
            in: folder, data: first.data, arguments: serve)
        let now = try await second.client.historyHead()
        #expect(now.epoch.text == report["epoch"] && now.revision == old.revision)
        #expect(try await second.client.verify(expecting: nil) { _ in }.isGood)
        let stale = try await second.run(
            "domains", "change", "a.example.com", "--mode", "reject", "--if-revision",
            "\(try #require(before.position?.epoch)).\(before.value.revision)")
        #expect(stale.exit == .code(3))
        let fresh = try await second.run(
            "domains", "change", "a.example.com", "--mode", "reject", "--if-revision",
            "\(now.epoch).\(before.value.revision)")
        #expect(fresh.exit == .code(0), "\(fresh.errors)")
        #expect(try await second.stop() == .code(0))
    }

    @Test func `begins the next lifetime of a stopped file`() async throws {
        try await Self.check(TestFolder(), serve: [], renew: nil)
    }

    @Test func `begins the next lifetime of a database`() async throws {
        let postgres = try await PostgresServer.shared()
        let database = "renew_\(UUID().uuidString)"
        try await postgres.makeDatabase(database)
        let store = ["--store", postgres.url(database)]
        try await Self.check(TestFolder(), serve: store, renew: store)
        try await postgres.dropDatabase(database)
    }

    @Test func `is refused where a service has the file, and where there is none`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        let head = try await server.client.historyHead()
        let running = try await Self.renew(
            ["--data-dir", server.data.path], in: server.folder)
        #expect(running.exit == .code(1))
        #expect(running.errors.contains("pid \(server.process.pid)"))
        #expect(try await server.client.historyHead() == head)
        let nowhere = try await Self.renew(
            ["--data-dir", server.folder.file("nowhere").path], in: server.folder)
        #expect(nowhere.exit == .code(1) && nowhere.errors.contains("holds no store"))
        #expect(try await Self.renew([], in: server.folder).exit == .code(2))
        try await server.crash()
    }
}
