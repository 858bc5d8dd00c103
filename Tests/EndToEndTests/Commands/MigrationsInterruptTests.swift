import Foundation
import Testing

@Suite("A run that is interrupted", .runningServer) struct MigrationsInterruptTests {
    /// A command that says it is there, and takes a minute.
    private static func slow(_ mark: URL, _ before: String = "") -> String {
        "\(before) echo $$ >\(mark.path); exec sleep 60"
    }

    private static func present(_ mark: URL) async throws -> pid_t {
        try await poll("the command") {
            pid_t(
                ((try? String(contentsOf: mark, encoding: .utf8)) ?? "")
                    .trimmingCharacters(in: .newlines))
        }
    }

    private static func isGone(_ pid: pid_t) -> Bool {
        // Nobody may have buried it: then it's a zombie. Its command line is empty as well while it becomes another program.
        guard let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else {
            return true
        }
        // `pid (name) state …`
        let rest = String(decoding: stat, as: UTF8.self).split(separator: ")").last ?? ""
        return rest.hasPrefix(" Z")
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `thaws what hasn't moved, and ends the copying`(signal: Int32) async throws {
        let planned = try await Planned.make(
            "signal\(signal)", 2, on: RunningServer.current, "--freeze", "read_only")
        let mark = planned.server.folder.file(UUID().uuidString)
        let run = try planned.start(
            "run", "--before-cutover", Self.slow(mark), "--output", "ndjson")
        let copying = try await Self.present(mark)
        #expect(try await planned.places == ["japan read_only"])
        run.signal(signal)
        #expect(try await run.waitForExit() == .code(1))
        #expect(run.errors.contains("wave 1 is thawed"))
        #expect(run.errors.contains("migrations run \(planned.id) --resume"))
        #expect(
            try RunLine.all(in: run.output).map(\.event)
                == ["started", "frozen", "interrupted", "thawed"])
        #expect(try await planned.states == "planned")
        #expect(try await planned.places == ["japan serve"])
        #expect(Self.isGone(copying))
        #expect(try await planned.run("run", "--resume").exit == .code(0))
    }

    @Test func `leaves a wave alone that has moved`() async throws {
        let planned = try await Planned.make(
            "baked", 2, on: RunningServer.current, "--waves", "1,1", "--freeze", "read_only")
        let run = try planned.start(
            "run", "--bake", "10m", "--check", "exit 1", "--on-failure", "rollback")
        _ = try await poll("the bake") { run.output.contains("baking") ? true : nil }
        run.signal(SIGINT)
        #expect(try await run.waitForExit() == .code(1))
        #expect(run.errors.contains("while wave 1, which is moved, bakes"))
        #expect(try await planned.states == "moved planned")
    }

    @Test func `doesn't roll back what the interrupt itself made fail`() async throws {
        let planned = try await Planned.make("checked", 1, on: RunningServer.current)
        let mark = planned.server.folder.file(UUID().uuidString)
        let run = try planned.start("run", "--check", Self.slow(mark), "--on-failure", "rollback")
        _ = try await Self.present(mark)
        run.signal(SIGTERM)
        #expect(try await run.waitForExit() == .code(1))
        #expect(run.errors.contains("during the check of wave 1"))
        #expect(try await planned.states == "moved")
    }

    @Test func `stops in a pause`() async throws {
        let planned = try await Planned.make(
            "paused", 2, on: RunningServer.current, "--waves", "1,1")
        let run = try planned.start("run", "--pause", "10m")
        _ = try await poll("the pause") { run.output.contains("pausing") ? true : nil }
        run.signal(SIGTERM)
        #expect(try await run.waitForExit() == .code(1))
        #expect(try await planned.states == "moved planned")
    }

    @Test func `a second time ends at once, and says what it left`() async throws {
        let planned = try await Planned.make(
            "twice", 1, on: RunningServer.current, "--freeze", "read_only")
        let mark = planned.server.folder.file(UUID().uuidString)
        // It doesn't listen.
        let run = try planned.start(
            "run", "--before-cutover", Self.slow(mark, "trap '' INT TERM;"))
        let copying = try await Self.present(mark)
        run.signal(SIGINT)
        _ = try await poll("the first") { run.errors.contains("stopping in order") ? true : nil }
        #expect(!Self.isGone(copying))
        run.signal(SIGINT)
        #expect(try await run.waitForExit() == .code(1))
        #expect(run.errors.contains("wave 1 is frozen, and thaws by itself at"))
        #expect(run.errors.contains("migrations thaw \(planned.id) --wave 1"))
        #expect(try await planned.states == "frozen")
        _ = try await poll("the end of the command") { Self.isGone(copying) ? true : nil }
        #expect(try await planned.run("thaw", "--wave", "1").exit == .code(0))
    }

    @Test func `isn't by a signal that was ignored from the start`() async throws {
        let planned = try await Planned.make(
            "nohup", 1, on: RunningServer.current, "--freeze", "read_only")
        let server = planned.server
        let (mark, go) = (
            server.folder.file(UUID().uuidString), server.folder.file(UUID().uuidString)
        )
        let run = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                "nohup", TenantRegistryBinary.url.path, "migrations", "run", planned.id,
                "--before-cutover",
                "echo $$ >\(mark.path); until test -e \(go.path); do sleep 0.05; done",
            ], outputs: server.folder.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        let copying = try await Self.present(mark)
        run.signal(SIGHUP)
        // A terminal that closes tells the whole group.
        kill(copying, SIGHUP)
        try Data().write(to: go)
        #expect(try await run.waitForExit() == .code(0), "\(run.errors)")
        #expect(try await planned.states == "moved")
    }
}
