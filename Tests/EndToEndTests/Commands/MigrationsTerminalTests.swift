import Foundation
import Testing

/// util-linux's `script` gives a command a terminal.
enum Terminal {
    static let script = ["/usr/bin/script", "/bin/script"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}

@Suite("At a terminal", .runningServer, .enabled(if: Terminal.script != nil))
struct MigrationsTerminalTests {
    /// Types `text`, and returns what the terminal showed.
    private static func type(
        _ text: String, _ planned: Planned, _ arguments: String...
    ) async throws -> (exit: ChildProcess.Exit, shown: String) {
        let server = planned.server
        let command = [TenantRegistryBinary.url.path, "migrations"] + arguments
        let process = try ChildProcess(
            URL(fileURLWithPath: try #require(Terminal.script)),
            ["-qec", command.joined(separator: " "), "/dev/null"], outputs: server.folder.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path, "TERM": "xterm",
            ], input: try server.folder.write(text, to: UUID().uuidString))
        return (try await process.waitForExit(), process.output)
    }

    @Test func `a run asks for the migration's name`() async throws {
        let planned = try await Planned.make("typed", 3, on: RunningServer.current)
        let wrong = try await Self.type(
            "typo\n", planned, "run", planned.id, "--confirm-above", "2")
        #expect(wrong.exit == .code(1))
        #expect(wrong.shown.contains("Type the migration's name, typed, to go on"))
        #expect(wrong.shown.contains("nothing was done"))
        #expect(try await planned.states == "planned")
        let right = try await Self.type(
            "typed\n", planned, "run", planned.id, "--confirm-above", "2", "--bake", "1s")
        #expect(right.exit == .code(0), "\(right.shown)")
        #expect(right.shown.contains("3 of 3 domains; wave 1 bakes, 1 s left"))
        #expect(right.shown.contains("[##############################] 100 %"))
        #expect(try await planned.states == "moved")
    }

    @Test func `a watch draws the waves anew`() async throws {
        let planned = try await Planned.make("drawn", 2, on: RunningServer.current)
        async let watch = Self.type("", planned, "show", planned.id, "--watch")
        #expect(try await planned.run("run").exit == .code(0))
        #expect(try await planned.run("finalize").exit == .code(0))
        let (exit, shown) = try await watch
        #expect(exit == .code(0))
        #expect(shown.contains("\u{1B}[H\u{1B}[2J") && shown.contains("finalized"))
    }
}
