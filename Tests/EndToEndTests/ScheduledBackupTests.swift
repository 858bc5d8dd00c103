import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("serve --backup-to", .timeLimit(.minutes(10))) struct ScheduledBackupTests {
    private static func start(
        _ folder: TestFolder, to backups: URL, keep: Int = 3, every: String = "1s"
    ) async throws -> ServerProcess {
        try await ServerProcess.start(
            in: folder,
            arguments: [
                "--backup-to", backups.path, "--backup-every", every, "--keep", "\(keep)",
            ])
    }

    private static func folder(in folder: TestFolder) throws -> URL {
        let url = folder.file("backups")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        return url
    }

    private static func names(_ url: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
    }

    private static func numbers(_ url: URL) throws -> [Int] {
        try names(url).compactMap { name in
            let parts = name.split(separator: "-")
            return parts.count == 3 && parts[0] == "registry" ? Int(parts[1]) : nil
        }
    }

    private static func waitForNumber(_ number: Int, in url: URL) async throws {
        _ = try await poll("backup \(number)", within: .seconds(120)) {
            try numbers(url).contains { $0 >= number && $0 < 1_000 } ? true : nil
        }
    }

    private static func metric(_ name: String, of server: ServerProcess) async throws -> Double? {
        let answer = try await server.client.send(.GET, "/metrics")
        return String(buffer: answer.body).split(separator: "\n")
            .first { $0.hasPrefix("\(name) ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    @Test func `keeps the newest ones, each a registry, and leaves what others have put there`()
        async throws
    {
        let folder = try TestFolder()
        let backups = try Self.folder(in: folder)
        let others = [
            "registry-1-20200101T000000Z.sqlite", "registry-000001.sqlite", "notes.txt",
            // No number that any backup has; and one that no backup is.
            "registry-9223372036854775807-20261130T184200Z.sqlite",
            "registry-000002-20200101T000000Z.sqlite",
        ]
        for name in others.dropLast() { try Data().write(to: backups.appendingPathComponent(name)) }
        try FileManager.default.createDirectory(
            at: backups.appendingPathComponent(others.last ?? ""),
            withIntermediateDirectories: false
        )
        let server = try await Self.start(folder, to: backups)
        try await server.client.registerAll((0..<50).map { "t\($0).example.com" })
        let head = try await server.client.historyHead()
        let first = try Self.numbers(backups).filter { $0 < 1_000 }.max() ?? 0
        // Whatever was under way when the names came, the second from here has them.
        try await Self.waitForNumber(first + 5, in: backups)
        #expect(try await server.stop() == .code(0))
        let names = try Self.names(backups)
        #expect(names.filter { !others.contains($0) }.count == 3, "\(names)")
        #expect(Set(others).isSubset(of: names))
        let newest = try #require(names.last { !others.contains($0) })
        let mode = try FileManager.default.attributesOfItem(
            atPath: backups.appendingPathComponent(newest).path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        let restored = try await CommandRun.run(
            [
                "restore", backups.appendingPathComponent(newest).path, "--data-dir",
                folder.file("restored").path, "--output", "ndjson",
            ], in: folder)
        try #require(restored.exit == .code(0), "\(restored.errors)")
        #expect(try restored.objects().first?["revision"] == "\(head.revision)")
    }

    @Test func `goes on where the last start ended, whatever clock that had`() async throws {
        let folder = try TestFolder()
        let backups = try Self.folder(in: folder)
        // Of a time to come: it's the newest by its number, and yet another one is due.
        let odd = "registry-000007-20990101T000000Z.sqlite"
        try Data().write(to: backups.appendingPathComponent(odd))
        let server = try await Self.start(folder, to: backups, keep: 1, every: "1h")
        try await Self.waitForNumber(8, in: backups)
        _ = try await poll("the old one to go") {
            try Self.names(backups).contains(odd) ? nil : true
        }
        #expect(try await Self.metric("registry_backup_interval_seconds", of: server) == 3600)
        _ = try await poll("the metrics") {
            try await Self.metric("registry_backup_ok", of: server) == 1 ? true : nil
        }
        let taken = try #require(
            try await Self.metric("registry_backup_timestamp_seconds", of: server))
        #expect(taken > 1_700_000_000 && taken < 4_000_000_000)
        #expect(try #require(try await Self.metric("registry_backup_bytes", of: server)) > 1000)
        try await server.crash()

        // An hour hasn't passed, and it's known how old the newest one is.
        let again = try await Self.start(folder, to: backups, keep: 1, every: "1h")
        #expect(
            try await Self.metric("registry_backup_timestamp_seconds", of: again) == taken)
        #expect(try await Self.metric("registry_backup_ok", of: again) == 1)
        #expect(try Self.numbers(backups) == [8])
        try await again.crash()
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small tmpfs needs root"))
    func `says what's in its way, and keeps what it has`() async throws {
        let disk = try SmallDisk()
        defer { disk.unmount() }
        let folder = try TestFolder()
        let server = try await Self.start(folder, to: disk.url)
        try await Self.waitForNumber(3, in: disk.url)
        try disk.fill()
        _ = try await poll("a backup to fail") {
            try await Self.metric("registry_backup_ok", of: server) == 0 ? true : nil
        }
        let left = try Self.numbers(disk.url)
        #expect(left.count >= 2)
        #expect(server.process.errors.contains("a scheduled backup couldn't be made"))
        #expect(try await server.client.send(.GET, "/readyz").status == 200)
        try disk.makeRoom()
        try await Self.waitForNumber(try #require(left.max()) + 2, in: disk.url)
        _ = try await poll("the metric") {
            try await Self.metric("registry_backup_ok", of: server) == 1 ? true : nil
        }
        #expect(try await server.stop() == .code(0))
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting something on a file needs root"))
    func `says that an old one can't be removed, and removes the others`() async throws {
        let folder = try TestFolder()
        let backups = try Self.folder(in: folder)
        let stuck = backups.appendingPathComponent("registry-000001-20200101T000000Z.sqlite")
        let free = backups.appendingPathComponent("registry-000002-20200101T000000Z.sqlite")
        for file in [stuck, free] { try Data().write(to: file) }
        // Nobody can unlink what something is mounted on, root neither.
        try MountedFile.bind(stuck)
        defer { MountedFile.free(stuck) }
        let server = try await Self.start(folder, to: backups, keep: 1)
        func says(_ value: Double) async throws {
            _ = try await poll("prune_ok \(value)", within: .seconds(60)) {
                try await Self.metric("registry_backup_prune_ok", of: server) == value
                    ? true : nil
            }
        }
        let line = try await poll("the log to say so", within: .seconds(60)) {
            LogLine.all(in: server.process.errors).first { $0.message == "old backups stay" }
        }
        #expect(line.metadata["error"]?.contains(stuck.path) == true, "\(line.text)")
        try await says(0)
        #expect(try await Self.metric("registry_backup_ok", of: server) == 1)
        try await Self.waitForNumber(5, in: backups)
        #expect(try !Self.names(backups).contains(free.lastPathComponent))
        #expect(try Self.names(backups).contains(stuck.lastPathComponent))
        MountedFile.free(stuck)
        try await says(1)
        #expect(try !Self.names(backups).contains(stuck.lastPathComponent))
        #expect(try await server.stop() == .code(0))
    }

    /// A disk that comes late, or goes, keeps no registry down.
    @Test func `waits for a folder that isn't there, or isn't what it was`() async throws {
        let folder = try TestFolder()
        let backups = folder.file("backups")
        let server = try await Self.start(folder, to: backups)
        func says(_ ok: Double) async throws {
            _ = try await poll("backup_ok \(ok)", within: .seconds(60)) {
                try await Self.metric("registry_backup_ok", of: server) == ok ? true : nil
            }
        }
        _ = try await poll("the log to say so") {
            server.process.errors.contains("No such file") ? true : nil
        }
        try await says(0)
        try FileManager.default.createDirectory(at: backups, withIntermediateDirectories: false)
        try await Self.waitForNumber(2, in: backups)
        try await says(1)
        // Another folder at the same path: it's held as well, so that nobody else's backups get into it.
        try FileManager.default.moveItem(at: backups, to: folder.file("former"))
        try FileManager.default.createDirectory(at: backups, withIntermediateDirectories: false)
        try await Self.waitForNumber(1, in: backups)
        let other = try await CommandRun.run(
            [
                "serve", "--listen", "127.0.0.1:0", "--data-dir", folder.file("other").path,
                "--backup-to", backups.path,
            ], in: folder)
        #expect(other.exit == .code(2) && other.errors.contains("another service"))
        #expect(try await server.stop() == .code(0))
    }

    @Test(.enabled(if: SmallDisk.canMount, "mounting a small tmpfs needs root"))
    func `makes none on the bare mount point of a volume that is gone`() async throws {
        let disk = try SmallDisk()
        let folder = try TestFolder()
        let server = try await Self.start(folder, to: disk.url)
        try await Self.waitForNumber(2, in: disk.url)
        disk.unmount()
        _ = try await poll("the log to say so", within: .seconds(60)) {
            server.process.errors.contains("on another file system than before") ? true : nil
        }
        #expect(try Self.names(disk.url) == [])
        #expect(try await Self.metric("registry_backup_ok", of: server) == 0)
        #expect(try await server.stop() == .code(0))
    }

    @Test func `refuses a folder that isn't one for backups`() async throws {
        let folder = try TestFolder()
        let backups = try Self.folder(in: folder)
        func refusal(_ arguments: String...) async throws -> String {
            let run = try await CommandRun.run(
                ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder.file("other").path]
                    + arguments, in: folder)
            #expect(run.exit == .code(2), "\(arguments): \(run.errors)")
            return run.errors
        }
        let data = folder.file("other")
        try FileManager.default.createDirectory(
            at: data.appendingPathComponent("backups"), withIntermediateDirectories: true)
        #expect(try await refusal("--backup-to", data.path).contains("in the data folder"))
        #expect(
            try await refusal("--backup-to", data.path + "/backups").contains("in the data folder"))
        #expect(try await refusal("--backup-every", "1h").contains("without --backup-to"))
        #expect(try await refusal("--verify-every", "often").contains("--verify-every"))
        for wrong in ["0s", "-1h", "soon"] {
            #expect(
                try await refusal("--backup-to", backups.path, "--backup-every=\(wrong)")
                    .contains("--backup-every"))
        }
        #expect(
            try await refusal("--backup-to", backups.path, "--keep", "0").contains("--keep"))
        #expect(
            try await refusal(
                "--store", "postgres://nobody@127.0.0.1/none", "--backup-to", backups.path
            ).contains("pg_basebackup"))
        let server = try await Self.start(folder, to: backups, every: "1h")
        #expect(try await refusal("--backup-to", backups.path).contains("another service"))
        try await server.crash()
    }
}

@Suite("serve --verify-every", .timeLimit(.minutes(10))) struct ScheduledVerificationTests {
    @Test func `verifies by itself, and says when the store isn't what its log says`() async throws
    {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(
            in: folder, arguments: ["--verify-every", "1s"])
        try await server.client.registerAll(["a.example.com", "b.example.com"])
        let revision = try await server.revision()
        func line(_ words: String, _ also: String) -> LogLine? {
            LogLine.all(in: server.process.errors).first {
                $0.text.contains(words) && $0.text.contains(also)
            }
        }
        _ = try await poll("a verification", within: .seconds(60)) {
            line("the store is verified", "\(revision)")
        }
        let change = """
            import sqlite3, sys
            store = sqlite3.connect(sys.argv[1], timeout=60)
            store.execute("UPDATE domain SET mode = 'reject' WHERE fqdn = 'a.example.com'")
            store.commit()
            """
        let process = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/python3"),
            ["-c", change, server.data.appendingPathComponent("registry.sqlite").path],
            outputs: folder.url)
        #expect(try await process.waitForExit() == .code(0), "\(process.errors)")
        _ = try await poll("the flaw to be found", within: .seconds(60)) {
            line("the store doesn't fit its log", "a.example.com")
        }
        try await server.crash()
    }
}
