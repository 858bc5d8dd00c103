import Foundation
import Testing

@Suite("A start") struct StartTests {
    @Test func `on a folder that another process has ends at once, and names the folder`()
        async throws
    {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let second = try await Self.refusedStart(data: server.data, in: folder)
        #expect(second.contains(server.data.path))
        #expect(second.contains("in use by another tenant-registry process"))
        #expect(second.contains("pid \(server.process.pid)"))

        // The first one goes on as if nothing had been.
        _ = try await server.client.register("still-here.example.com")
        #expect(try await server.stop() == .code(0))
        let next = try await ServerProcess.start(in: folder)
        #expect(try await next.client.domain("still-here.example.com").value.location == "japan")
    }

    @Test func `refuses a data folder that can't be made`() async throws {
        let folder = try TestFolder()
        let file = try folder.write("", to: "a-file")
        let path = file.appendingPathComponent("data")
        let errors = try await Self.refusedStart(data: path, in: folder)
        #expect(errors.contains(path.path))
        #expect(errors.contains("can't be created"))
    }

    @Test func `refuses a data folder that is a file`() async throws {
        let folder = try TestFolder()
        let file = try folder.write("", to: "a-file")
        let errors = try await Self.refusedStart(data: file, in: folder)
        #expect(errors.contains(file.path))
    }

    @Test func `refuses a store that a newer version wrote`() async throws {
        let folder = try TestFolder()
        let errors = try await Self.startAfter(
            "INSERT INTO schema_migration VALUES (99, 'future', 'ff', 0)", in: folder)
        #expect(errors.contains("newer version"))
        #expect(errors.contains("99"))
    }

    @Test func `refuses a store whose migration file was edited since`() async throws {
        let folder = try TestFolder()
        let errors = try await Self.startAfter(
            "UPDATE schema_migration SET sha256 = 'ff' WHERE version = 1", in: folder)
        #expect(errors.contains("migration file 1"))
        #expect(errors.contains("must never change"))
    }

    @Test func `refuses a file that isn't a database`() async throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        _ = try folder.write(
            String(repeating: "no database ", count: 1000), to: "data/registry.sqlite")
        let errors = try await Self.refusedStart(data: data, in: folder)
        #expect(errors.contains("can't be opened"))
        #expect(errors.contains("not a database"))
    }

    @Test func `refuses another program's database`() async throws {
        let folder = try TestFolder()
        let data = folder.file("data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        try await Self.sqlite("CREATE TABLE other (id)", data: data, in: folder)
        let errors = try await Self.refusedStart(data: data, in: folder)
        #expect(errors.contains("isn't a tenant-registry store"))
    }

    @Test func `says which port is taken`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let run = try await CommandRun.run(
            [
                "serve", "--listen", "127.0.0.1:\(server.port)", "--data-dir",
                folder.file("other").path,
            ], in: folder)
        #expect(run.exit == .code(1))
        #expect(
            run.errors.contains("can't listen on 127.0.0.1:\(server.port): Address already in use"))
    }

    @Test func `makes one admin token, for its owner's eyes, and keeps it`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let file = server.data.appendingPathComponent("admin-token").path
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect((attributes[.posixPermissions] as? NSNumber)?.int16Value == 0o600)
        #expect(server.adminToken.hasPrefix("trk_"))
        #expect(server.log.count { $0.text.contains("admin token was written") } == 1)
        #expect(!server.process.errors.contains(server.adminToken))
        #expect(try await server.stop() == .code(0))

        let second = try await ServerProcess.start(in: folder)
        #expect(second.adminToken == server.adminToken)
        #expect(!second.process.errors.contains("admin token was written"))
        #expect(try await second.client.tokens().items.map(\.facts.name) == ["first-admin"])
        try FileManager.default.removeItem(atPath: file)
        #expect(try await second.stop() == .code(0))

        // Who took the file away meant it: no second admin appears by itself.
        let third = try ChildProcess(
            TenantRegistryBinary.url,
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", second.data.path],
            outputs: folder.url)
        _ = try await poll("listening") { third.errors.contains(#""listening""#) ? true : nil }
        #expect(!FileManager.default.fileExists(atPath: file))
        third.signal(SIGTERM)
        #expect(try await third.waitForExit() == .code(0))
    }

    @Test func `keeps the data folder to its owner`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        let attributes = try FileManager.default.attributesOfItem(atPath: server.data.path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.int16Value == 0o700)
    }

    @Test func `keeps epoch and revision over a restart`() async throws {
        let folder = try TestFolder()
        let first = try await ServerProcess.start(in: folder)
        _ = try await first.client.register("a.example.com")
        let position = try await first.client.send(.GET, "/v1/stats").position
        #expect(try await first.stop() == .code(0))
        let second = try await ServerProcess.start(in: folder)
        #expect(try await second.client.send(.GET, "/v1/stats").position == position)
    }

    // MARK: -

    /// - Returns: what a start that has to fail says.
    private static func refusedStart(data: URL, in folder: TestFolder) async throws -> String {
        let run = try await CommandRun.run(
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.path], in: folder)
        #expect(run.exit == .code(1))
        #expect(run.output == "")
        return run.errors
    }

    /// Starts and stops, changes the stopped store, and starts again in vain.
    private static func startAfter(_ sql: String, in folder: TestFolder) async throws -> String {
        let server = try await ServerProcess.start(in: folder)
        #expect(try await server.stop() == .code(0))
        try await sqlite(sql, data: server.data, in: folder)
        return try await refusedStart(data: server.data, in: folder)
    }

    private static func sqlite(_ sql: String, data: URL, in folder: TestFolder) async throws {
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["sqlite3", data.appendingPathComponent("registry.sqlite").path, sql],
            outputs: folder.url)
        try #require(try await shell.waitForExit() == .code(0), "\(shell.errors)")
    }
}
