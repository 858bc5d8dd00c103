import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("A wave by hand", .runningServer("--max-wave-domains", "50"))
struct MigrationsStepTests {
    @Test func `freezes, thaws, moves and comes back`() async throws {
        let planned = try await Planned.make(
            "hand", 4, on: RunningServer.current, "--waves", "2,rest", "--freeze", "read_only")
        let early = try await planned.run("cutover", "--wave", "1")
        #expect(early.exit == .code(3))
        #expect(early.errors.contains("wrong-state"))

        let frozen = try await planned.run("freeze", "--wave", "1", "--deadline", "15m")
        #expect(frozen.exit == .code(0), "\(frozen.errors)")
        #expect(frozen.errors.contains("freeze wave 1, 2 domains, for 15m at most"))
        #expect(frozen.errors.contains("sha256:"))
        #expect(frozen.lines[0].contains("FROZEN") && frozen.lines[1].contains(planned.id))
        #expect(try await planned.states == "frozen planned")
        let held = try await planned.server.run(
            "domains", "change", planned.names[0], "--location", "aws")
        #expect(held.exit == .code(3))
        #expect(held.errors.contains("domain-in-migration"))

        let thawed = try await planned.run("thaw", "--wave", "1", "--output", "json")
        #expect(try thawed.readOutput(WaveStepResponse.self).count == 2)
        #expect(try await planned.states == "planned planned")

        _ = try await planned.run("freeze", "--wave", "1", "--deadline", "60")
        let moved = try await planned.run("cutover", "--wave", "1", "--output", "ndjson")
        #expect(try moved.readOutput(WaveStepResponse.self).count == 2)
        #expect(try await planned.states == "moved planned")
        #expect(try await planned.places == ["aws serve", "japan serve"])

        let back = try await planned.run("rollback", "--wave", "1", "--output", "csv")
        #expect(back.lines[0].contains("rolled_back") && back.lines[1].contains(",2,"))
        #expect(try await planned.places == ["japan serve"])
        #expect(try await planned.run("rollback", "--wave", "1").exit == .code(3))
        #expect(try await planned.run("thaw", "--wave", "2").exit == .code(3))
    }

    @Test func `lists conflicts, as a table or JSON, and moves nothing`() async throws {
        let planned = try await Planned.make("conflict", 3, on: RunningServer.current)
        _ = try await planned.server.succeed(
            "domains", "change", planned.names[0], "--mode", "reject")
        _ = try await planned.server.succeed("domains", "release", planned.names[1])
        let table = try await planned.run("cutover", "--wave", "1")
        #expect(table.exit == .code(3))
        #expect(table.errors.contains("wave-conflict"))
        #expect(table.lines.count == 3)
        #expect(table.lines[0].hasPrefix("FQDN") && table.lines[1].contains("reject"))
        let json = try await planned.run("cutover", "--wave", "1", "--output", "json")
        #expect(json.exit == .code(3))
        let conflicts = try json.decodeOutput([[String: String]].self)
        #expect(conflicts.map { $0["fqdn"] } == [planned.names[0], planned.names[1]])
        #expect(conflicts.map { $0["found_mode"] } == ["reject", nil])
        #expect(conflicts.map { $0["reason"] } == ["changed", "released"])
        #expect(try await planned.states == "planned")
    }

    @Test func `comes back without what changed since`() async throws {
        let planned = try await Planned.make("since", 3, on: RunningServer.current)
        _ = try await planned.run("cutover", "--wave", "1")
        _ = try await planned.server.succeed(
            "domains", "change", planned.names[1], "--mode", "reject")
        let failed = try await planned.run("rollback", "--wave", "1")
        #expect(failed.exit == .code(3))
        #expect(failed.output.contains(planned.names[1]))
        let back = try await planned.run("rollback", "--wave", "1", "--on-conflict", "skip")
        #expect(back.exit == .code(0), "\(back.errors)")
        #expect(back.errors.contains("1 domain left alone"), "\(back.errors)")
        let cause = "\(planned.names[1]) is aws reject, expected aws serve"
        #expect(back.errors.contains("for the sake of:\n  \(cause)\n"), "\(back.errors)")
        #expect(try await planned.places == ["aws reject", "japan serve"])
    }

    @Test func `is held against a reviewed plan`() async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let file = folder.file("plan.json").path
        let planned = try await Planned.make("reviewed", 2, on: server, "--write-plan", file)
        let other = try await Planned.make("other", 2, on: server)
        let wrong = try await other.run("cutover", "--wave", "1", "--plan", file)
        #expect(wrong.exit == .code(1))
        #expect(wrong.errors.contains("nothing was done"))
        #expect(try await other.states == "planned")
        let junk = try folder.write("{}", to: "junk").path
        #expect(try await planned.run("cutover", "--wave", "1", "--plan", junk).exit == .code(2))
        #expect(try await planned.run("run", "--plan", junk).exit == .code(2))
        #expect(try await planned.run("cutover", "--wave", "1", "--plan", file).exit == .code(0))
    }

    @Test func `over the limit is warned of, refused, and overridden by an admin`() async throws {
        let server = try RunningServer.current
        let names = try await Planned.register("large", 60, on: server)
        let list = try server.folder.write(names.joined(separator: "\n"), to: UUID().uuidString)
        let plan = try await server.succeed(
            "migrations", "plan", "--from", "japan", "--to", "aws", "--file", list.path,
            "--output", "ndjson")
        #expect(plan.errors.contains("warning: wave 1"))
        #expect(plan.errors.contains("blast-radius"))
        let id = try #require(try plan.objects()[0]["migration"])
        let planned = Planned(server: server, id: id, names: names)
        let refused = try await planned.run("cutover", "--wave", "1")
        #expect(refused.exit == .code(3))
        #expect(refused.errors.contains("blast-radius"))
        let moved = try await planned.run(
            "cutover", "--wave", "1", "--override", "the data centre closes")
        #expect(moved.exit == .code(0), "\(moved.errors)")
    }

    @Test func `of many domains needs a yes, and nobody is asked without a terminal`()
        async throws
    {
        let planned = try await Planned.make("many", 3, on: RunningServer.current)
        let refused = try await planned.run("cutover", "--wave", "1", "--confirm-above", "2")
        #expect(refused.exit == .code(2))
        #expect(refused.errors.contains("--yes"))
        #expect(try await planned.states == "planned")
        let moved = try await planned.run(
            "cutover", "--wave", "1", "--confirm-above", "2", "--yes")
        #expect(moved.exit == .code(0))
    }

    @Test func `waits for the agents`() async throws {
        let planned = try await Planned.make("agents", 1, on: RunningServer.current)
        let moved = try await planned.run(
            "cutover", "--wave", "1", "--wait-converged", "--timeout", "5s", "--output", "json")
        #expect(moved.exit == .code(0), "\(moved.errors)")
        #expect(try moved.readOutput(WaveStepResponse.self).convergence?.lagging == [])
        #expect(moved.errors.contains("agents have it"))
    }

    @Test func `ends with its migration: finalized, or cancelled`() async throws {
        let planned = try await Planned.make(
            "ends", 4, on: RunningServer.current, "--waves", "1,1,rest")
        _ = try await planned.run("cutover", "--wave", "1")
        #expect(try await planned.run("finalize").exit == .code(3))
        let cancelled = try await planned.run("cancel", "--reason", "enough")
        #expect(cancelled.exit == .code(0), "\(cancelled.errors)")
        #expect(try await planned.states == "moved cancelled cancelled")
        let done = try await planned.run("finalize", "--output", "json")
        #expect(try done.readOutput(Migration.self).state == .finalized)
        #expect(try await planned.run("rollback", "--wave", "1").exit == .code(3))
        #expect(try await planned.run("run", "--resume").exit == .code(1))
    }

    @Test(arguments: [
        (["freeze", "m-1", "--wave", "1"], "--deadline"),
        (["freeze", "m-1", "--wave", "1", "--deadline", "8d"], "--deadline"),
        (["freeze", "m-1", "--wave", "1", "--deadline", "soon"], "--deadline"),
        (["cutover", "m-1"], "--wave"),
        (["cutover", "m-1", "--wave", "1", "--timeout", "5"], "--wait-converged"),
        (["cutover", "m-1", "--wave", "1", "--wait-converged", "--timeout", "10m"], "--timeout"),
        (["rollback", "m-1", "--wave", "1", "--on-conflict", "ignore"], "--on-conflict"),
        (["show", "m-1", "--wave", "1"], "--domains"),
        (["show", "m-1", "--domains", "--watch"], "--watch"),
        (["run", "m-1", "--deadline", "0"], "--deadline"),
        (["run", "m-1", "--pause", "soon"], "--pause"),
        (["run", "m-1", "--on-failure", "pray"], "--on-failure"),
        (["run", "m-1", "--output", "csv"], "--output"),
        (["run"], "migration"),
        (["approve", "m-1", "--wave", "1"], "--plan-digest"),
    ])
    func `that is wrong exits with 2`(arguments: [String], what: String) async throws {
        let run = try await CommandRun.run(["migrations"] + arguments, in: TestFolder())
        #expect(run.exit == .code(2))
        #expect(run.errors.contains(what), "\(run.errors)")
    }

    @Test func `is found by its migration's name, where that is unique`() async throws {
        let server = try RunningServer.current
        let planned = try await Planned.make("by-name", 2, on: server)
        let shown = try await server.run(["migrations", "show", "by-name", "--output", "json"])
        #expect(try shown.readOutput(Migration.self).id == planned.id, "\(shown.errors)")
        let moved = try await server.run(["migrations", "cutover", "by-name", "--wave", "1"])
        #expect(moved.exit == .code(0), "\(moved.errors)")
        // A name that is another one's id means that one.
        let decoy = try await server.run([
            "migrations", "plan", "--from", "aws", "--to", "japan", "--suffix",
            "by-name.example.com", "--name", planned.id, "--output", "json",
        ])
        #expect(decoy.exit == .code(0), "\(decoy.errors)")
        let same = try await server.run(["migrations", "show", planned.id, "--output", "json"])
        #expect(try same.readOutput(Migration.self).id == planned.id)

        _ = try await server.succeed(
            "migrations", "cancel", try decoy.readOutput(Migration.self).id)
        var ids: [String] = []
        for _ in 1...2 {
            let twin = try await server.run([
                "migrations", "plan", "--from", "aws", "--to", "japan", "--suffix",
                "by-name.example.com", "--name", "Twins / 2", "--output", "json",
            ])
            ids.append(try twin.readOutput(Migration.self).id)
            guard ids.count == 1 else { break }
            _ = try await server.succeed("migrations", "cancel", ids[0])
            let only = try await server.run(["migrations", "show", "Twins / 2"])
            #expect(only.exit == .code(0), "\(only.errors)")
        }
        let either = try await server.run(["migrations", "finalize", "Twins / 2"])
        #expect(either.exit == .code(2))
        for id in ids { #expect(either.errors.contains(id), "\(either.errors)") }
        for nothing in ["Nobody's", "nobody", ""] {
            let none = try await server.run(["migrations", "cancel", nothing])
            #expect(none.exit == .code(3), "\(nothing): \(none.errors)")
        }
    }

    @Test func `that isn't there is refused`() async throws {
        let planned = try await Planned.make("absent", 1, on: RunningServer.current)
        let run = try await planned.run("cutover", "--wave", "2")
        #expect(run.exit == .code(3))
        #expect(run.errors.contains("has 1 wave, and no 2"))
        #expect(try await planned.run("run", "--wave", "2").exit == .code(2))
    }
}
