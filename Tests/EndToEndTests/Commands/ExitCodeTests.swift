import Foundation
import Testing

@Suite("The command line") struct ExitCodeTests {
    @Test func `exits with 4 at once where nobody listens`() async throws {
        let folder = try TestFolder()
        // The shell's own clock: this process may be busy with other tests.
        let script = #"SECONDS=0; "$@"; code=$?; echo "seconds: $SECONDS" >&2; exit $code"#
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                "bash", "-c", script, "-", TenantRegistryBinary.url.path, "stats", "--server",
                "http://127.0.0.1:9",
            ], outputs: folder.url)
        #expect(try await shell.waitForExit() == .code(4))
        #expect(
            shell.errors.contains("can't be reached at http://127.0.0.1:9: connection refused\n"))
        #expect(shell.output == "")
        let seconds = shell.errors.firstMatch(of: /seconds: (\d+)/).flatMap { Int($0.1) }
        #expect(try #require(seconds) < 8)
    }

    @Test func `says in its own words that nobody speaks TLS there`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        let run = try await CommandRun.run(
            ["stats", "--server", "https://127.0.0.1:\(server.port)"], in: TestFolder())
        #expect(run.exit == .code(4))
        #expect(run.errors.contains("it doesn't speak TLS as this side does, or not at all"))
        #expect(!run.errors.contains("SSL") && !run.errors.contains(".cc"), "\(run.errors)")
    }

    @Test(arguments: [
        ["stats", "--server", "http://127.0.0.1:65536"],
        ["stats", "--server", "http://[::1]:99999/"],
        ["stats", "--server", "http://me:80@host:0"], ["stats", "--server", "https://host:8x"],
        ["stats", "--server", "http://host:99999999999999999999"],
        ["stats", "--server", "http://:8080"],
        ["agent", "--upstream", "http://127.0.0.1:65536"],
        ["agent", "--upstream", "http://127.0.0.1:8080", "--listen", "127.0.0.1:65536"],
        ["serve", "--listen", "127.0.0.1:65536"], ["serve", "--ops-listen", "127.0.0.1:-1"],
        ["serve", "--quarantine-days", "99999999999999999999"],
        ["serve", "--quarantine-days", "9223372036854775807"],
        ["agent", "--upstream", "http://127.0.0.1:8080", "--refresh", "9223372036854775807d"],
        ["migrations", "run", "m-1", "--yes", "--deadline", "99999999999h"],
        ["migrations", "run", "m-1", "--yes", "--bake", "9223372036854775807"],
        [
            "migrations", "freeze", "m-1", "--wave", "1", "--yes", "--deadline",
            "99999999999999999999s",
        ],
        ["migrations", "freeze", "m-1", "--wave", "99999999999999999999", "--deadline", "1m"],
    ])
    func `exits with 2 for numbers that can't be`(arguments: [String]) async throws {
        let run = try await CommandRun.run(arguments, in: TestFolder())
        #expect(run.exit == .code(2), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test(arguments: ["--help", "--version", "help"])
    func `explains itself on stdout`(argument: String) async throws {
        let run = try await CommandRun.run([argument], in: TestFolder())
        #expect(run.exit == .code(0))
        #expect(run.errors == "")
        #expect(argument == "--version" ? run.output.contains("0.") : run.output.contains("serve"))
    }

    @Test(arguments: [
        ("bash", "complete "), ("zsh", "#compdef tenant-registry"), ("fish", "complete -c"),
    ])
    func `completes itself in three shells`(shell: String, mark: String) async throws {
        let folder = try TestFolder()
        let run = try await CommandRun.run(["completions", shell], in: folder)
        #expect(run.exit == .code(0))
        #expect(run.errors == "")
        #expect(run.output.contains(mark))
        let commands = [
            "serve", "domains", "import", "export", "migrations", "cutover", "tokens", "locations",
            "history", "verify",
        ]
        for command in commands {
            #expect(run.output.contains(command))
        }
    }

    @Test func `gives the bash completion a syntax that bash takes`() async throws {
        let folder = try TestFolder()
        let script = try await CommandRun.run(["completions", "bash"], in: folder).output
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["bash", "-n", try folder.write(script, to: "completion").path], outputs: folder.url)
        #expect(try await shell.waitForExit() == .code(0), "\(shell.errors)")
    }

    @Test func `exits with 3 where something else than a registry answers`() async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--ops-listen", "127.0.0.1:0"])
        let ops = try #require(server.opsURL)
        let run = try await CommandRun.run(
            ["stats", "--server", ops.absoluteString], in: server.folder)
        #expect(run.exit == .code(3))
    }
}

@Suite("The log") struct LogTests {
    @Test func `holds no secret, even where it holds everything`() async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--log-level", "trace"])
        let made = try await server.succeed("tokens", "create", "robot", "--role", "operator")
        let token = made.output.trimmingCharacters(in: .newlines)
        _ = try await server.client(token: token).register("a.example.com")
        _ = try await server.run("domains", "get", "nobody.example.com")
        // A token in the wrong places, as people send them.
        _ = try? await server.client(token: nil).send(.GET, "/v1/stats?token=\(token)")
        _ = try? await server.client(token: nil).send(.GET, "/v1/domains/\(token)")
        _ = try? await server.client(token: token + "x").statistics()
        #expect(try await server.stop() == .code(0))

        let log = server.process.errors
        #expect(log.contains("/v1/domains"))
        for secret in [server.adminToken, token] {
            let parts = secret.split(separator: "_")
            #expect(!log.contains(parts[2]))
            #expect(log.contains(parts[1]))
        }
        #expect(server.process.output == "")
        #expect(server.log.allSatisfy { $0.level != nil && $0.message != nil })
    }
}
