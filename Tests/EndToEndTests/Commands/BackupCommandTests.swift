import Foundation
import NIOHTTP1
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("tenant-registry backup and restore", .timeLimit(.minutes(15))) struct BackupCommandTests {
    private static func filled(_ count: Int = 200) async throws -> ServerProcess {
        let server = try await ServerProcess.start(in: TestFolder())
        let rows = (0..<count).map { "n\($0).example.com" }
        let file = try server.folder.write("fqdn\n" + rows.joined(separator: "\n"), to: "rows.csv")
        _ = try await server.succeed("import", file.path)
        return server
    }

    private static func restore(
        _ arguments: String..., in server: ServerProcess
    ) async throws -> CommandRun {
        try await CommandRun.run(["restore"] + arguments, in: server.folder)
    }

    @Test func `bring a registry back, with its tokens and another epoch`() async throws {
        let first = try await Self.filled()
        let head = try await first.client.historyHead()
        let file = first.folder.file("nightly.sqlite")
        let made = try await first.succeed("backup", file.path, "--output", "ndjson")
        let facts = try #require(try made.objects().first)
        #expect(facts["revision"] == "\(head.revision)" && facts["digest"] == head.digest)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        // What comes after it is lost: that's what the epoch tells.
        _ = try await first.client.register(
            DomainRegistration(fqdn: "lost.example.com"))

        let data = first.folder.file("restored")
        let restored = try await Self.restore(
            file.path, "--data-dir", data.path, "--output", "ndjson", in: first)
        try #require(restored.exit == .code(0), "\(restored.errors)")
        let report = try #require(try restored.objects().first)
        #expect(report["revision"] == "\(head.revision)" && report["epoch"] != head.epoch.text)

        try await first.crash()
        try FileManager.default.copyItem(
            at: first.data.appendingPathComponent("admin-token"),
            to: data.appendingPathComponent("admin-token"))
        let second = try await ServerProcess.start(in: first.folder, data: data)
        #expect(second.adminToken == first.adminToken)
        let now = try await second.client.historyHead()
        #expect(now.epoch.text == report["epoch"] && now.digest == head.digest)
        _ = try await second.client.register(
            DomainRegistration(fqdn: "next.example.com"))
        let found = try await second.succeed("verify", "--output", "ndjson").objects()
        #expect(found.first?["ok"] == "1")
        #expect(found.first?["revision"] == "\(head.revision.next)")
        #expect(try await second.client.domain("n7.example.com").value.revision > 0)
    }

    /// What `server` says to a question; 200 where it doesn't refuse.
    private static func status(
        _ server: ServerProcess, _ path: String, _ query: [(String, String?)] = [],
        by method: HTTPMethod = .GET, ifMatch tag: String? = nil
    ) async throws -> Int {
        do {
            return try await server.client.send(
                method, path, query: query,
                body: method == .PATCH ? Array(#"{"mode":"reject"}"#.utf8) : nil,
                headers: tag.map { [(method == .PATCH ? "If-Match" : "If-None-Match", $0)] } ?? []
            ).status
        } catch ClientError.refused(let refusal) {
            return refusal.status
        }
    }

    @Test func `leave nobody with a revision of before that now means another change`()
        async throws
    {
        let first = try await Self.filled(1)
        let file = first.folder.file("b.sqlite")
        _ = try await first.succeed("backup", file.path)
        let path = "/v1/domains/n0.example.com"
        let changed = try await first.client.change(
            "n0.example.com", DomainChangeRequest(PlacementText(mode: "read_only")))
        let before = "\(try #require(changed.position?.epoch)).\(changed.value.revision)"
        let number = "\(changed.value.revision)"
        #expect(try await Self.status(first, "/v1/changes", [("after", number)]) == 200)
        #expect(try await first.stop() == .code(0))
        let restored = try await Self.restore(
            file.path, "--data-dir", first.data.path, "--force", in: first)
        try #require(restored.exit == .code(0), "\(restored.errors)")

        let second = try await ServerProcess.start(in: first.folder, data: first.data)
        let anew = try await second.client.change(
            "n0.example.com", DomainChangeRequest(PlacementText(mode: "serve", tenant: "x")))
        // The same number, and another state.
        #expect(
            anew.value.revision == changed.value.revision
                && anew.position?.epoch != changed.position?.epoch)
        let tag = "\"\(before)\""
        #expect(try await Self.status(second, path, ifMatch: tag) == 200)
        #expect(try await Self.status(second, path, by: .PATCH, ifMatch: tag) == 412)
        for (place, name) in [
            (path, "min_revision"), (path, "revision"), ("/v1/history", "after"),
            ("/v1/convergence", "revision"), ("/v1/changes", "after"),
        ] {
            #expect(try await Self.status(second, place, [(name, "\(before)")]) == 410, "\(place)")
        }
        #expect(try await Self.status(second, "/v1/changes", [("after", number)]) == 410)
        #expect(try await Self.status(second, "/v1/changes", [("after", "0")]) == 200)
        let here = "\(anew.position?.epoch.text ?? "").\(anew.value.revision)"
        #expect(try await Self.status(second, "/v1/changes", [("after", here)]) == 200)

        for mark in ["\(before)", number] {
            let lost = try await second.run(
                "domains", "change", "n0.example.com", "--mode", "reject", "--if-revision", mark)
            #expect(lost.exit == .code(3), "\(lost.errors)")
        }
        let lagging = try await second.run("agents", "converged", "--revision", "\(before)")
        #expect(lagging.exit == .code(3))
        _ = try await second.succeed(
            "domains", "change", "n0.example.com", "--mode", "reject", "--if-revision", here)
        try await second.crash()
    }

    @Test func `say no rather than lose anything`() async throws {
        let server = try await Self.filled()
        let file = server.folder.file("b.sqlite")
        _ = try await server.succeed("backup", file.path)
        let twice = try await server.run("backup", file.path)
        #expect(twice.exit == .code(1) && twice.errors.contains("--force"))
        _ = try await server.succeed("backup", file.path, "--force")
        let live = server.data.appendingPathComponent("registry.sqlite").path
        let over = try await server.run("backup", live, "--force")
        #expect(over.exit == .code(1) && over.errors.contains("is a store that a service has"))

        for flags in [[], ["--force"]] {
            let running = try await CommandRun.run(
                ["restore", file.path, "--data-dir", server.data.path] + flags, in: server.folder)
            #expect(running.exit == .code(1))
            #expect(running.errors.contains("pid \(server.process.pid)"))
        }
        #expect(try await server.stop() == .code(0))
        let taken = try await Self.restore(
            file.path, "--data-dir", server.data.path, in: server)
        #expect(taken.exit == .code(1) && taken.errors.contains("--force"))
        let forced = try await Self.restore(
            file.path, "--data-dir", server.data.path, "--force", in: server)
        #expect(forced.exit == .code(0) && forced.errors.contains("what was there before is in"))
        let again = try await ServerProcess.start(in: server.folder, data: server.data)
        #expect(try await again.client.domain("n7.example.com").value.fqdn == "n7.example.com")
        try await again.crash()
    }

    @Test func `leave no file where the service isn't there, or says no`() async throws {
        let server = try await Self.filled(1)
        let reader = try await server.client.createToken(
            name: "r", role: "reader", expiresAt: nil, note: .init())
        let file = server.folder.file("b.sqlite")
        let refused = try await server.run(
            ["backup", file.path, "--token", try #require(reader.secret)])
        #expect(refused.exit == .code(3))
        try await server.crash()
        #expect(try await server.run("backup", file.path).exit == .code(4))
        let names = try FileManager.default.contentsOfDirectory(atPath: server.folder.url.path)
        #expect(!names.contains { $0.contains("b.sqlite") })
    }

    /// `kill -9` at ever later moments: the store is the old one or the new one, whole.
    @Test func `are all or nothing when the restore is killed`() async throws {
        let server = try await Self.filled(3000)
        let file = server.folder.file("b.sqlite")
        _ = try await server.succeed("backup", file.path)
        _ = try await server.client.register(
            DomainRegistration(fqdn: "newer.example.com"))
        let old = try await server.client.historyHead()
        try await server.crash()
        var outcomes: Set<String> = []
        for attempt in 0..<30 {
            let data = server.folder.file("data-\(attempt)")
            try FileManager.default.copyItem(at: server.data, to: data)
            let process = try ChildProcess(
                TenantRegistryBinary.url,
                ["restore", file.path, "--data-dir", data.path, "--force"],
                outputs: server.folder.url)
            // Not a wait for anything: any moment will do.
            try await Task.sleep(for: .milliseconds(attempt * 12))
            try await process.crash()
            let again = try await ServerProcess.start(in: server.folder, data: data)
            let head = try await again.client.historyHead()
            if head.revision == old.revision {
                #expect(head == old)
                outcomes.insert("old")
            } else {
                #expect(head.revision.next == old.revision && head.epoch != old.epoch)
                outcomes.insert("new")
            }
            try await again.crash()
            let verified = try await CommandRun.run(
                ["verify", "--data-dir", data.path], in: server.folder)
            #expect(verified.exit == .code(0), "\(verified.errors)")
            try FileManager.default.removeItem(at: data)
        }
        print("restores that were killed left: \(outcomes.sorted())")
    }
}
