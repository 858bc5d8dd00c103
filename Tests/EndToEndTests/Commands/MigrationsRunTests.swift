import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("migrations run", .runningServer) struct MigrationsRunTests {
    @Test func `goes wave by wave, freezing first`() async throws {
        let planned = try await Planned.make(
            "waves", 20, on: RunningServer.current, "--waves", "5,10%,rest", "--freeze", "reject")
        let file = planned.server.folder.file(UUID().uuidString).path
        let run = try await planned.run(
            "run", "--output", "ndjson", "--reason", "q2", "--ticket", "OPS-1", "--before-cutover",
            "echo $TENANT_REGISTRY_MIGRATION $TENANT_REGISTRY_WAVE $TENANT_REGISTRY_STEP >>\(file)",
            "--check", "echo $TENANT_REGISTRY_STEP >>\(file); echo well")
        #expect(run.exit == .code(0), "\(run.errors)")
        let lines = try RunLine.all(in: run.output)
        let perWave = ["frozen", "before_cutover_succeeded", "moved", "check_succeeded"]
        #expect(lines.map(\.event) == ["started"] + perWave + perWave + perWave + ["finished"])
        #expect(lines.filter { $0.event == "moved" }.map(\.count) == [5, 2, 13])
        #expect(lines.filter { $0.event == "moved" }.map(\.wave) == [1, 2, 3])
        #expect(lines.allSatisfy { $0.migration == planned.id && $0.time.hasSuffix("Z") })
        let revisions = lines.compactMap(\.revision)
        #expect(revisions == revisions.sorted() && revisions.count == 6)
        // What the commands write isn't data of ours.
        #expect(run.errors.contains("\nwell\n") && !run.output.contains("well"))
        let told = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(told.first == "\(planned.id) 1 before-cutover" && told.last == "check")
        #expect(told.count == 6)
        #expect(try await planned.states == "moved moved moved")
        #expect(try await planned.places == ["aws serve"])
        let history = try await planned.server.succeed(
            "history", "--migration", planned.id, "--action", "moved", "--output", "ndjson")
        #expect(
            try history.objects().allSatisfy { $0["reason"] == "q2" && $0["ticket"] == "OPS-1" })
        #expect(run.errors.contains("migrations finalize \(planned.id)"))
    }

    @Test func `shows a table, and pauses and bakes`() async throws {
        let planned = try await Planned.make(
            "table", 3, on: RunningServer.current, "--waves", "1,1,1")
        let run = try await planned.run("run", "--pause", "1s", "--bake", "1s")
        #expect(run.exit == .code(0), "\(run.errors)")
        let events = run.lines.dropFirst().map { line in
            line.split(separator: " ").first { !$0.contains(where: \.isNumber) } ?? ""
        }
        let wave = ["moved", "baking"]
        #expect(
            events.map(String.init) == ["started"] + wave + ["pausing"] + wave + ["pausing"] + wave
                + ["finished"])
        #expect(run.lines[0].hasPrefix("TIME") && !run.output.contains("\u{1B}"))
        #expect(!run.errors.contains("\u{1B}"))
    }

    @Test func `stops where a check fails, and resumes`() async throws {
        let planned = try await Planned.make(
            "check", 4, on: RunningServer.current, "--waves", "1,1,rest")
        let flag = planned.server.folder.file(UUID().uuidString).path
        let stopped = try await planned.run(
            "run", "--check", "test $TENANT_REGISTRY_WAVE -lt 2 || test -e \(flag)")
        #expect(stopped.exit == .code(1))
        #expect(stopped.errors.contains("wave 2: its check ended with 1"))
        #expect(stopped.errors.contains("migrations rollback \(planned.id) --wave 2"))
        #expect(try await planned.states == "moved moved planned")

        let again = try await planned.run("run")
        #expect(again.exit == .code(2))
        #expect(again.errors.contains("wave 1 is moved, wave 2 is moved already"))
        #expect(again.errors.contains("--resume"))
        let resumed = try await planned.run("run", "--resume", "--output", "ndjson")
        #expect(resumed.exit == .code(0), "\(resumed.errors)")
        #expect(
            try RunLine.all(in: resumed.output).map(\.event) == ["started", "moved", "finished"])
        #expect(try await planned.states == "moved moved moved")
        let nothing = try await planned.run("run", "--resume")
        #expect(nothing.exit == .code(0))
        #expect(nothing.errors.contains("no wave is left"))
    }

    @Test func `rolls a wave back whose check fails`() async throws {
        let planned = try await Planned.make(
            "undo", 4, on: RunningServer.current, "--waves", "1,rest", "--freeze", "read_only")
        let run = try await planned.run(
            "run", "--check", "test $TENANT_REGISTRY_WAVE = 1", "--on-failure", "rollback",
            "--output", "ndjson")
        #expect(run.exit == .code(1))
        #expect(run.errors.contains("and it was rolled back"))
        let last = try #require(try RunLine.all(in: run.output).last)
        #expect(last.event == "rolled_back" && last.wave == 2 && last.count == 3)
        #expect(try await planned.states == "moved rolled_back")
        #expect(try await planned.places == ["aws serve", "japan serve"])
    }

    @Test func `thaws where the copying fails`() async throws {
        let planned = try await Planned.make(
            "copy", 2, on: RunningServer.current, "--freeze", "read_only")
        let run = try await planned.run(
            "run", "--before-cutover", "exit 7", "--output", "ndjson")
        #expect(run.exit == .code(1))
        #expect(run.errors.contains("the command before the cutover ended with 7"))
        #expect(run.errors.contains("wave 1 is thawed"))
        #expect(
            try RunLine.all(in: run.output).map(\.event)
                == ["started", "frozen", "before_cutover_failed", "thawed"])
        #expect(try await planned.states == "planned")
        #expect(try await planned.places == ["japan serve"])
    }

    @Test func `moves only the waves that it is told to`() async throws {
        let planned = try await Planned.make(
            "subset", 3, on: RunningServer.current, "--waves", "1,1,1")
        let second = try await planned.run("run", "--wave", "2")
        #expect(second.exit == .code(0), "\(second.errors)")
        #expect(second.errors.contains("left: wave 1, 3"))
        #expect(try await planned.states == "planned moved planned")
        #expect(try await planned.run("run", "--wave", "3", "--wave", "1").exit == .code(0))
        #expect(try await planned.states == "moved moved moved")
    }

    @Test func `takes a frozen wave up where it stands`() async throws {
        let planned = try await Planned.make(
            "upon", 2, on: RunningServer.current, "--waves", "1,1", "--freeze", "read_only")
        _ = try await planned.run("freeze", "--wave", "1", "--deadline", "1h")
        #expect(try await planned.run("run").exit == .code(2))
        let run = try await planned.run("run", "--resume", "--output", "ndjson")
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(
            try RunLine.all(in: run.output).map(\.event)
                == ["started", "moved", "frozen", "moved", "finished"])
    }

    @Test func `waits for the agents, and moves no wave before they have its freeze`()
        async throws
    {
        let planned = try await Planned.make(
            "agents", 2, on: RunningServer.current, "--waves", "1,1", "--freeze", "read_only")
        let run = try await planned.run("run", "--wait-converged", "--timeout", "2s")
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(try await planned.states == "moved moved")
    }

    @Test func `stops at a conflict and names the domains`() async throws {
        let planned = try await Planned.make("clash", 3, on: RunningServer.current)
        _ = try await planned.server.succeed(
            "domains", "change", planned.names[2], "--mode", "reject")
        let run = try await planned.run("run", "--output", "ndjson")
        #expect(run.exit == .code(3))
        let lines = try RunLine.all(in: run.output)
        #expect(lines.map(\.event) == ["started", "conflict", "failed"])
        #expect(lines[1].fqdn == planned.names[2])
        #expect(lines[2].code == "wave-conflict" && lines[2].count == 1)
        #expect(run.errors.contains("--resume"))
    }

    @Test func `stops where somebody else was first`() async throws {
        let planned = try await Planned.make(
            "first", 2, on: RunningServer.current, "--waves", "1,1", "--freeze", "read_only")
        // Another hand moves the wave while the data is copied.
        let other = "\(TenantRegistryBinary.url.path) migrations cutover \(planned.id) --wave 1"
        let run = try await planned.run("run", "--before-cutover", other)
        #expect(run.exit == .code(3))
        #expect(run.errors.contains("wrong-state"))
        #expect(run.errors.contains("got there first"))
        #expect(try await planned.states == "moved planned")
    }

    @Test func `doesn't move what has thawed by itself`() async throws {
        let planned = try await Planned.make(
            "late", 1, on: RunningServer.current, "--freeze", "read_only")
        let show = "\(TenantRegistryBinary.url.path) migrations show \(planned.id) --output csv"
        let run = try await planned.run(
            "run", "--deadline", "1s", "--before-cutover",
            "until \(show) | grep -q ',planned,'; do sleep 0.1; done")
        #expect(run.exit == .code(3))
        #expect(run.errors.contains("wrong-state") && run.errors.contains("deadline"))
        #expect(try await planned.states == "planned")
        #expect(try await planned.places == ["japan serve"])
    }

    @Test func `of many domains needs a yes, and nobody is asked without a terminal`()
        async throws
    {
        let planned = try await Planned.make("noted", 101, on: RunningServer.current)
        let refused = try await planned.run("run")
        #expect(refused.exit == .code(2))
        #expect(refused.errors.contains("--yes") && refused.output == "")
        #expect(try await planned.states == "planned")
        #expect(try await planned.run("run", "--confirm-above", "101").exit == .code(0))
    }

    @Test func `goes on where nobody reads what it says`() async throws {
        let planned = try await Planned.make(
            "unread", 3, on: RunningServer.current, "--waves", "1,1,1", "--freeze", "read_only")
        let server = planned.server
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                // A pipe whose reader is gone.
                "bash", "-c", "exec 3> >(true); wait $!; \"$@\" >&3 2>&3", "-",
                TenantRegistryBinary.url.path, "migrations", "run", planned.id,
            ], outputs: server.folder.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        #expect(try await shell.waitForExit() == .code(0))
        #expect(try await planned.states == "moved moved moved")
    }

    @Test func `is followed by a watch until the end`() async throws {
        let planned = try await Planned.make(
            "watch", 2, on: RunningServer.current, "--waves", "1,1")
        let watch = try planned.start("show", "--watch", "--output", "csv")
        _ = try await poll("the first look") { watch.output.contains(",planned,") ? true : nil }
        #expect(try await planned.run("run").exit == .code(0))
        _ = try await poll("the moves") {
            watch.output.components(separatedBy: ",moved,").count == 3 ? true : nil
        }
        #expect(try await planned.run("finalize").exit == .code(0))
        #expect(try await watch.waitForExit() == .code(0))
        #expect(watch.output.hasPrefix("migration,wave"))
        #expect(watch.output.components(separatedBy: "migration,wave").count == 2)
        #expect(watch.errors.contains("the migration is finalized"))
    }

    @Test func `ends a watch by Ctrl-C with 0`() async throws {
        let planned = try await Planned.make("look", 1, on: RunningServer.current)
        let watch = try planned.start("show", "--watch")
        _ = try await poll("the first look") { watch.output.contains("planned") ? true : nil }
        watch.signal(SIGINT)
        #expect(try await watch.waitForExit() == .code(0))
    }
}
