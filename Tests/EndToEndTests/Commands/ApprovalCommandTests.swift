import Foundation
import RegistryAPI
import RegistryModel
import Testing

@Suite("Two people at the command line", .runningServer("--approve-above", "2"))
struct ApprovalCommandTests {
    /// Another token of the planner's name.
    private static func namesake(on server: ServerProcess) async throws -> String {
        let made = try await server.succeed("tokens", "create", "first-admin", "--role", "operator")
        return made.output.trimmingCharacters(in: .newlines)
    }

    private static func run(
        as token: String, _ arguments: String..., on server: ServerProcess
    ) async throws -> CommandRun {
        try await CommandRun.run(
            arguments, in: server.folder,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_TOKEN": token,
            ])
    }

    @Test(arguments: ["read_only", "none"])
    func `stop a run before a wave that nobody else has approved, and let it go on then`(
        freeze: String
    ) async throws {
        let server = try RunningServer.current
        let planned = try await Planned.make(
            "two-\(freeze.prefix(4))", 8, on: server, "--waves", "2,3,rest", "--freeze", freeze)
        let lead = try await Self.namesake(on: server)
        let marks = server.folder.file(UUID().uuidString).path
        let copy = ["--before-cutover", "echo $TENANT_REGISTRY_WAVE >>\(marks)"]
        let first = try await server.run(
            ["migrations", "run", planned.id, "--output", "ndjson"] + copy)
        #expect(first.exit == .code(5), "\(first.errors)")
        let lines = try RunLine.all(in: first.output)
        #expect(lines.last?.event == "failed" && lines.last?.wave == 2)
        #expect(lines.last?.code == "approval-required")
        #expect(try await planned.states == "moved planned planned")
        // What is copied is copied of waves that may move.
        #expect(try String(contentsOfFile: marks, encoding: .utf8) == "1\n")
        let planner = String(server.adminToken.split(separator: "_")[1])
        let digest = try await server.client.migration(planned.id).value.digestText
        let command =
            "tenant-registry migrations approve \(planned.id) --wave 2 --plan-digest \(digest)"
        for words in [
            "waves 2, 3 wait for the approval", "planned by first-admin (token \(planner))",
            command,
            "Another person",
            "migrations run \(planned.id) --resume --before-cutover='echo $TENANT_REGISTRY_WAVE >>",
        ] {
            #expect(first.errors.contains(words), "\(words) in \(first.errors)")
        }

        let again = try await server.run(["migrations", "run", planned.id, "--resume"] + copy)
        #expect(again.exit == .code(5))
        let blind = try await planned.run("approve", "--wave", "2")
        #expect(blind.exit == .code(2) && blind.errors.contains("--plan FILE"), "\(blind.errors)")
        let own = try await planned.run("approve", "--wave", "2", "--plan-digest", digest)
        #expect(own.exit == .code(3) && own.errors.contains("self-approval"), "\(own.errors)")
        for wave in ["2", "3"] {
            let approved = try await Self.run(
                as: lead, "migrations", "approve", planned.id, "--wave", wave, "--plan-digest",
                digest, "--reason", "looked at", on: server)
            #expect(approved.exit == .code(0), "\(approved.errors)")
            #expect(approved.lines[0].contains("APPROVED_BY"))
            #expect(approved.lines[1].contains(String(lead.split(separator: "_")[1])))
        }
        let resumed = try await server.run(
            ["migrations", "run", planned.id, "--resume", "--output", "ndjson"] + copy)
        #expect(resumed.exit == .code(0), "\(resumed.errors)")
        #expect(try await planned.states == "moved moved moved")
        #expect(try String(contentsOfFile: marks, encoding: .utf8) == "1\n2\n3\n")
    }

    @Test func `see what is approved, and what waits`() async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let file = folder.file("plan.json").path
        let planned = try await Planned.make(
            "show", 6, on: server, "--waves", "3,rest", "--write-plan", file)
        let otherFile = folder.file("other.json").path
        _ = try await Planned.make("shown", 3, on: server, "--write-plan", otherFile)
        let lead = try await Self.namesake(on: server)
        let wrong = try await Self.run(
            as: lead, "migrations", "approve", planned.id, "--wave", "1", "--plan-digest",
            "sha256:00", on: server)
        #expect(wrong.exit == .code(3) && wrong.errors.contains("plan-mismatch"))
        let mixedUp = try await Self.run(
            as: lead, "migrations", "approve", planned.id, "--wave", "1", "--plan", otherFile,
            on: server)
        #expect(mixedUp.exit == .code(1) && mixedUp.errors.contains("nothing was done"))
        let json = try await Self.run(
            as: lead, "migrations", "approve", "show", "--wave", "1", "--plan", file, "--output",
            "json", on: server)
        #expect(json.errors.contains("approve wave 1, 3 domains"), "\(json.errors)")
        let approval = try json.readOutput(ApprovalOutcome.self).approval

        let shown = try await planned.run("show")
        #expect(shown.lines[0].contains("APPROVED_BY  APPROVED_AT               NEEDS_APPROVAL"))
        #expect(shown.lines[1].contains("first-admin  \(approval.at)"))
        #expect(shown.lines[2].contains("true"))
        #expect(shown.errors.contains("wave 2 waits for the approval"), "\(shown.errors)")
        let csv = try await planned.run("show", "--output", "csv")
        #expect(csv.lines[0].contains(",revision,approved_by,approved_at,needs_approval"))
        let whole = try await planned.run("show", "--output", "json")
        let waves = try whole.readOutput(Migration.self).waves
        #expect(waves.map(\.approval) == [approval, nil])
        #expect(waves.map(\.needsApproval) == [false, true])

        let history = try await server.succeed("history", "--migration", planned.id)
        #expect(
            history.lines[0].contains("wave_approved  \(planned.id)")
                && history.lines[0].contains("wave 1 of \(planned.id)"))
        let step = try await planned.run("cutover", "--wave", "2")
        #expect(step.exit == .code(5) && step.errors.contains("approval-required"))
        #expect(try await server.succeed("verify").exit == .code(0))
    }

    @Test func `warn whoever plans, dry or not`() async throws {
        let server = try RunningServer.current
        _ = try await Planned.register("warn", 3, on: server)
        for more in [["--dry-run"], []] {
            let plan = try await server.run(
                [
                    "migrations", "plan", "--from", "japan", "--to", "aws", "--suffix",
                    "warn.example.com",
                ] + more)
            #expect(plan.exit == .code(0))
            #expect(plan.errors.contains("warning: wave 1: the wave has 3 domains; above 2"))
            #expect(plan.errors.contains("(approval-required)"))
        }
    }

    @Test func `know which token they have`() async throws {
        let server = try RunningServer.current
        let lead = try await Self.namesake(on: server)
        let table = try await Self.run(as: lead, "whoami", on: server)
        #expect(table.exit == .code(0), "\(table.errors)")
        let id = String(lead.split(separator: "_")[1])
        #expect(table.lines[1].hasPrefix("\(id)  first-admin  operator"))
        #expect(table.lines[1].hasSuffix("allow_nested allow_split"))
        let json = try await Self.run(as: lead, "whoami", "--output", "json", on: server)
        let who = try json.readOutput(Whoami.self)
        #expect(who.actor == Actor(token: id, name: "first-admin", role: .operator_))
        #expect(who.may.contains("approveWave") && !who.may.contains("createToken"))
        let nobody = try await Self.run(as: lead + "x", "whoami", on: server)
        #expect(nobody.exit == .code(3))
    }
}

@Suite("--approve-above") struct ApproveAboveTests {
    @Test func `comes from the environment too, and is off unless somebody says so`() async throws {
        for (value, needsApproval) in [("0", true), ("1000000", false), (nil, false)] {
            let server = try await ServerProcess.start(
                in: TestFolder(),
                environment: value.map { ["TENANT_REGISTRY_APPROVE_ABOVE": $0] } ?? [:])
            let planned = try await Planned.make("one", 1, on: server)
            let wave = try await server.client.migration(planned.id).value.waves[0]
            #expect(wave.needsApproval == needsApproval, "\(value ?? "unset")")
            #expect(try await server.stop() == .code(0))
        }
    }

    @Test(arguments: ["-1", "1000001", "many"])
    func `is a number in its range`(value: String) async throws {
        let run = try await CommandRun.run(
            ["serve", "--approve-above=\(value)", "--listen", "127.0.0.1:0"], in: TestFolder())
        #expect(run.exit == .code(2), "\(run.errors)")
        #expect(run.errors.contains("--approve-above"))
    }
}
