import Foundation
import RegistryClient
import Testing

@Suite("Tables of a replicator", .timeLimit(.minutes(15))) struct ForeignTablesTests {
    private static let names = "_litestream_lock, _litestream_seq"

    /// As Litestream makes them, in a store that a service has.
    private static let tables = """
        CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
        CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);
        INSERT INTO _litestream_seq (id, seq) VALUES (1, 1)
            ON CONFLICT (id) DO UPDATE SET seq = seq + 1
        """

    private static func expect(
        _ run: CommandRun, location: SourceLocation = #_sourceLocation
    ) {
        #expect(run.exit == .code(0), "\(run.errors)", sourceLocation: location)
        #expect(
            run.errors.contains("not the registry's own, and left alone: \(names)\n"),
            "\(run.errors)", sourceLocation: location)
    }

    @Test func `are named by every command that goes through a store, and go along with it`()
        async throws
    {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        _ = try await server.client.register("a.example.com")
        _ = try await RefusedStart.shell(Self.tables, server.data, in: folder)
        _ = try await server.client.register("b.example.com")
        let head = try await server.client.historyHead()

        let running = try await server.succeed("verify", "--output", "ndjson")
        Self.expect(running)
        #expect(try running.objects().first?["ok"] == "1")
        let backup = folder.file("backup.sqlite")
        Self.expect(try await server.succeed("backup", backup.path))
        #expect(try await server.stop() == .code(0))

        let stopped = try await CommandRun.run(
            ["verify", "--data-dir", server.data.path], in: folder)
        Self.expect(stopped)
        let restored = folder.file("restored")
        Self.expect(
            try await CommandRun.run(
                ["restore", backup.path, "--data-dir", restored.path], in: folder))
        #expect(
            try await RefusedStart.shell("SELECT seq FROM _litestream_seq", restored, in: folder)
                == "1")
        let copied = folder.file("copied")
        Self.expect(
            try await CommandRun.run(
                ["copy", "--from", server.data.path, "--to", copied.path], in: folder))

        // All of them are stores to go on with.
        for data in [server.data, restored, copied] {
            let token = data.appendingPathComponent("admin-token")
            if data != server.data {
                try FileManager.default.copyItem(
                    at: server.data.appendingPathComponent("admin-token"), to: token)
            }
            let next = try await ServerProcess.start(in: folder, data: data)
            #expect(try await next.client.historyHead().digest == head.digest)
            _ = try await next.client.register("c.example.com")
            #expect(try await next.client.verify(expecting: nil) { _ in }.isGood)
            #expect(try await next.stop() == .code(0))
        }
    }
}
