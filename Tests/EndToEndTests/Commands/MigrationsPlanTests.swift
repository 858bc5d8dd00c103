import Foundation
import RegistryAPI
import RegistryModel
import Testing

@Suite("migrations plan", .runningServer) struct MigrationsPlanTests {
    private static let journey = ["migrations", "plan", "--from", "japan", "--to", "aws"]

    private static func plan(
        _ arguments: String..., input: URL? = nil
    ) async throws -> CommandRun {
        try await RunningServer.current.run(journey + arguments, input: input)
    }

    private static func list(_ text: String) throws -> String {
        try RunningServer.current.folder.write(text, to: UUID().uuidString).path
    }

    @Test func `cuts a list into waves and says what it skipped`() async throws {
        let server = try RunningServer.current
        let names = try await Planned.register("cut", 20, on: server)
        let file = try Self.list(
            "# all of them\n" + names.joined(separator: "\n")
                + "\nnobody.cut.example.com\n\(names[0].uppercased())\n")
        let run = try await Self.plan(
            "--file", file, "--waves", "5,10%,rest", "--name", "cut", "--freeze", "read_only",
            "--reason", "second quarter", "--ticket", "OPS-1")
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(run.lines.count == 4)
        #expect(run.lines[0].hasPrefix("MIGRATION"))
        #expect(run.errors.contains("japan → aws, planned, freeze read_only"))
        #expect(run.errors.contains("22 selected, 20 eligible, 2 skipped; sha256:"))
        #expect(run.errors.contains("skipped: nobody.cut.example.com: unknown-domain"))
        #expect(run.errors.contains("skipped: \(names[0]): duplicate"))
        let id = try #require(run.lines[1].split(separator: " ").first).description
        #expect(run.errors.contains("migrations run \(id)"))

        let migration = try await server.client.migration(id).value
        #expect(migration.waves.map(\.size) == [5, 2, 13])
        #expect(migration.reason == "second quarter" && migration.ticket == "OPS-1")
        let shown = try await server.succeed("migrations", "show", id, "--output", "ndjson")
        #expect(try shown.objects().map { $0["size"] } == ["5", "2", "13"])
        let skipped = try await server.succeed(
            "migrations", "show", id, "--domains", "--status", "skipped", "--output", "csv")
        #expect(skipped.lines.count == 3 && skipped.lines.contains(",,") == false)
        #expect(skipped.output.contains("nobody.cut.example.com,,skipped,unknown-domain"))
        let second = try await server.succeed(
            "migrations", "show", id, "--domains", "--wave", "2", "--output", "ndjson")
        #expect(try second.objects().map { $0["fqdn"] } == Array(names[5..<7]))
    }

    @Test func `prints the whole migration as JSON, and writes it to a file`() async throws {
        let server = try RunningServer.current
        let names = try await Planned.register("whole", 3, on: server)
        let folder = try TestFolder()
        let file = folder.file("plan.json")
        let dry = try await Self.plan(
            "--file", Self.list(names.joined(separator: "\n")), "--dry-run", "--write-plan",
            file.path, "--output", "json")
        let preview = try dry.readOutput(Migration.self)
        #expect(preview.id.isEmpty && preview.waves.map(\.size) == [3])
        #expect(try String(contentsOf: file, encoding: .utf8) == dry.output)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 1)

        // Nothing was written: the same names can be planned, and the plan is the same.
        let real = try await Self.plan(
            "--file", Self.list(names.joined(separator: "\n")), "--output", "json"
        ).readOutput(Migration.self)
        #expect(!real.id.isEmpty && real.digestText == preview.digestText)
        #expect(
            try await Self.plan("--suffix", "whole.example.com", "--write-plan", "/nowhere/x").exit
                == .code(1))
    }

    @Test func `names bad lines and plans nothing`() async throws {
        let run = try await Self.plan(
            "--name", "bad-lines", "--file",
            Self.list("ok.bad.example.com\n\na_b.bad.example.com\nlonely\n"))
        #expect(run.exit == .code(1))
        #expect(run.errors.contains("line 3: a_b.bad.example.com: a label holds letters"))
        #expect(run.errors.contains("line 4: lonely: a name has at least two labels"))
        #expect(run.output == "")
        let list = try await RunningServer.current.client.migrations(state: nil, limit: 1000)
        #expect(!list.items.contains { $0.name == "bad-lines" })
    }

    @Test func `reads CSV and standard input`() async throws {
        let server = try RunningServer.current
        let names = try await Planned.register("pipe", 2, on: server)
        let csv = try server.folder.write(
            "tenant,fqdn\na,\(names[0])\nb,\(names[1])\n", to: UUID().uuidString)
        let run = try await Self.plan("--file", "-", "--output", "json", input: csv)
        let migration = try run.readOutput(Migration.self)
        #expect(migration.counts.eligible == 2 && migration.name == "japan-to-aws")
    }

    @Test func `selects by what domains are`() async throws {
        let server = try RunningServer.current
        _ = try await Planned.register("where", 200, on: server)
        _ = try await server.client.register(
            DomainRegistration(
                fqdn: "x.where.example.com",
                placement: PlacementText(location: "japan", tenant: "acme-planned")))
        func eligible(_ arguments: String...) async throws -> Int {
            let run = try await server.run(
                Self.journey + ["--dry-run", "--output", "json"] + arguments)
            try #require(run.exit == .code(0), "\(run.errors)")
            return try run.readOutput(Migration.self).counts.eligible
        }
        #expect(try await eligible("--suffix", "where.example.com") == 201)
        #expect(
            try await eligible("--suffix", "where.example.com", "--tenant", "acme-planned") == 1)
        #expect(try await eligible("--suffix", "where.example.com", "--prefix", "t0000") == 9)
        #expect(try await eligible("--contains", "0007.where.e") == 1)
        #expect(
            try await eligible(
                "--suffix", "where.example.com", "--registered-before", "2000-01-01T00:00:00Z") == 0
        )
        let listed = try await server.run(
            Self.journey + [
                "--dry-run", "--domains", "--contains", "0007.where.e", "--output", "csv",
            ])
        #expect(listed.output == "fqdn,wave,status,code\r\nt00007.where.example.com,1,planned,\r\n")
        let sample = try await eligible("--suffix", "where.example.com", "--sample-percent", "25")
        #expect(sample > 10 && sample < 110)
        #expect(try await eligible("--all") >= 201)
    }

    @Test func `is refused with the server's own words`() async throws {
        let unknown = try await RunningServer.current.run(
            "migrations", "plan", "--from", "japan", "--to", "mars", "--all")
        #expect(unknown.exit == .code(3))
        #expect(unknown.errors.contains("unknown-location"))
        let missing = try await RunningServer.current.run("migrations", "show", "m-none")
        #expect(missing.exit == .code(3))
        #expect(missing.errors.contains("unknown-migration"))
    }

    @Test func `is listed, by state too`() async throws {
        let server = try RunningServer.current
        let planned = try await Planned.make("listed", 3, on: server, "--waves", "1,rest")
        let list = try await server.succeed(
            "migrations", "list", "--state", "planned", "--output", "ndjson")
        let mine = try #require(
            try list.lines.map { try Migration(json: $0.utf8) }.first { $0.id == planned.id })
        #expect(mine.waves.map(\.size) == [1, 2] && mine.createdBy.name == "first-admin")
        let table = try await server.succeed("migrations", "list", "--output", "csv")
        #expect(table.lines[0].contains(",domains,waves,waves_moved,"))
        #expect(table.lines.contains { $0.hasPrefix(planned.id) && $0.contains(",3,2,0,") })
        let others = try await server.succeed("migrations", "list", "--state", "finalized")
        #expect(!others.output.contains(planned.id))
        let first = try await server.succeed(
            "migrations", "list", "--limit", "1", "--output", "csv")
        #expect(first.lines.count == 2)
        #expect(try await server.run("migrations", "list", "--state", "lost").exit == .code(3))
        let stats = try await server.succeed("stats")
        #expect(!stats.errors.contains(" 0 open migrations"))
    }

    @Test(arguments: [
        ([], "Which domains?"),
        (["--all", "--file", "x"], "either --file"),
        (["--all", "--suffix", "example.com"], "--all is without"),
        (["--all", "--waves", "rest,5"], "--waves"),
        (["--all", "--waves", "0"], "--waves"),
        (["--all", "--sample-percent", "0"], "--sample-percent"),
        (["--all", "--freeze", "solid"], "--freeze"),
        (["--file", "/nowhere/list"], "/nowhere/list"),
    ])
    func `that is wrong exits with 2`(arguments: [String], what: String) async throws {
        let run = try await RunningServer.current.run(Self.journey + arguments)
        #expect(run.exit == .code(2))
        #expect(run.errors.contains(what), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test func `of an empty list exits with 2`() async throws {
        let run = try await Self.plan("--file", Self.list("# nobody\n"))
        #expect(run.exit == .code(2))
        #expect(run.errors.contains("has no names"))
    }
}
