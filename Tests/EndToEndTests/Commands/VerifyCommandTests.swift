import Foundation
import RegistryAPI
import Testing

@Suite("tenant-registry verify") struct VerifyCommandTests {
    private static func filled() async throws -> ServerProcess {
        let server = try await ServerProcess.start(in: TestFolder())
        for number in 0..<20 {
            _ = try await server.client.register(
                DomainRegistration(
                    fqdn: "n\(number).example.com", placement: PlacementText(tenant: "t")))
        }
        return server
    }

    /// Without a server's address in the environment.
    private static func offline(
        _ arguments: String..., in server: ServerProcess
    ) async throws -> CommandRun {
        try await CommandRun.run(
            ["verify", "--data-dir", server.data.path, "--output", "ndjson"] + arguments,
            in: server.folder)
    }

    /// Python's own SQLite, as a person with a shell.
    private static func python(
        _ script: String, in server: ServerProcess, endsWith code: Int32 = 0
    ) async throws -> (output: String, errors: String) {
        let python = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["python3", "-c", script],
            outputs: server.folder.url, workingDirectory: server.folder.url)
        try #require(try await python.waitForExit() == .code(code), "\(python.errors)")
        return (python.output, python.errors)
    }

    @Test func `finds a good store good, running and stopped`() async throws {
        let server = try await Self.filled()
        let head = try await server.client.historyHead()
        let running = try await server.succeed(
            "verify", "--output", "ndjson", "--expect", "\(head.revision):\(head.digest)")
        let expected = [
            "ok": "1", "revision": "\(head.revision)", "digest": head.digest,
        ]
        #expect(try running.objects() == [expected])
        #expect(running.errors.contains("\(head.revision) of \(head.revision) revisions"))
        #expect(try await server.succeed("verify").output.contains(head.digest))

        // In use: asks the service, which listens elsewhere.
        let inUse = try await Self.offline(in: server)
        #expect(inUse.exit == .code(4))
        #expect(inUse.errors.contains("is in use (pid \(server.process.pid))"))
        #expect(try await server.stop() == .code(0))
        let stopped = try await Self.offline(in: server)
        #expect(stopped.exit == .code(0))
        #expect(try stopped.objects() == [expected])
        #expect(stopped.errors.contains("changes, 20 domains checked"))
    }

    /// The write-ahead log is still beside the file then.
    @Test func `reads a store whose service was killed`() async throws {
        let server = try await Self.filled()
        let head = try await server.client.historyHead()
        try await server.crash()
        let run = try await Self.offline(in: server)
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(try run.objects().first?["digest"] == head.digest)
        let again = try await ServerProcess.start(in: server.folder, data: server.data)
        #expect(try await again.client.historyHead() == head)
    }

    @Test func `names the first bad revision, and exits with 1`() async throws {
        let server = try await Self.filled()
        let head = try await server.client.historyHead()
        #expect(try await server.stop() == .code(0))
        _ = try await Self.python(
            """
            import sqlite3
            db = sqlite3.connect("data/registry.sqlite")
            db.execute("DROP TRIGGER change_log_is_not_updated")
            db.execute("UPDATE change_log SET after_tenant = 'evil' WHERE revision = 7")
            db.commit()
            """, in: server)
        let stopped = try await Self.offline(in: server)
        #expect(stopped.exit == .code(1))
        let found = try #require(try stopped.objects().first)
        #expect(found["ok"] == "0" && found["first_bad_revision"] == "7")
        #expect(
            found["what"]?.contains("revision 7 isn't what its digest was computed over") == true)
        #expect(found["what"]?.contains("trigger change_log_is_not_updated is missing") == true)
        #expect(stopped.errors.contains("tenant-registry: revision 7: "))

        let again = try await ServerProcess.start(in: server.folder, data: server.data)
        let running = try await again.run("verify", "--output", "ndjson")
        #expect(running.exit == .code(1))
        #expect(try running.objects() == [found])
        let noted = try await again.run(
            "verify", "--expect", "\(head.revision.number + 9):\(head.digest)")
        #expect(noted.exit == .code(1))
    }

    @Test func `says what it can't use`() async throws {
        let folder = try TestFolder()
        let nothing = try await CommandRun.run(
            ["verify", "--data-dir", folder.file("nothing").path], in: folder)
        #expect(nothing.exit == .code(1))
        #expect(nothing.errors.contains("holds no store"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("nothing").path))
        let expect = try await CommandRun.run(["verify", "--expect", "x"], in: folder)
        #expect(expect.exit == .code(2))
        #expect(expect.errors.contains("REVISION:DIGEST"))
    }

    /// The one in docs/history.md, so that the document can't drift from what the service writes.
    @Test func `isn't needed: the Python of the document comes to the same digest`() async throws {
        let server = try await Self.filled()
        _ = try await server.succeed(
            "domains", "change", "n3.example.com", "--location", "aws", "--allow-split", "--reason",
            "5:日本,~ \n\"x\""
        )
        _ = try await server.succeed("domains", "release", "n4.example.com")
        _ = try await server.succeed(
            "locations", "set", "mars", "--upstream", "https://mars.example")
        _ = try await server.succeed("tokens", "create", "näme", "--role", "reader")
        let head = try await server.client.historyHead()
        #expect(try await server.stop() == .code(0))

        let document = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../../docs/history.md").standardized, encoding: .utf8)
        let blocks = document.matches(of: /(?s)```python\n(.*?)```/).map { String($0.1) }
        let script = try #require(blocks.first)
        #expect(blocks.count == 1)
        let output = try await Self.python(script, in: server).output
        #expect(output.contains("the chain holds"))
        #expect(output.contains(head.digest))

        _ = try await Self.python(
            """
            import sqlite3
            db = sqlite3.connect("data/registry.sqlite")
            db.execute("DROP TRIGGER revision_log_is_not_updated")
            db.execute("UPDATE revision_log SET actor_name = 'evil' WHERE revision = 7")
            db.commit()
            """, in: server)
        let found = try await Self.python(script, in: server, endsWith: 1)
        #expect(found.errors.contains("revision 7 doesn't fit"))
    }
}
