import Foundation
import Testing

@Suite("An access token", .runningServer) struct SecretTests {
    private static let secret = "5ecre7aabbccddeeff00112233445566"

    /// What can't be a token, and isn't made one by taking blanks off its ends.
    static let impossible = [
        "", " \n", "trk_ab_\(secret)\nx", "trk_ab_\(secret) x", "trk_ab_\(secret)\u{7}",
        "trk_ab_\(secret)\r\nX-Evil: 1", "trk_ab_\(secret)ü", "trk_ab_\(secret)\u{202E}",
        "Bearer trk_ab_\(secret)", "trk_ab\(secret)", "trk__\(secret)", "trk_ab_", secret,
        "trk_ab_" + String(repeating: secret, count: 9), "\"trk_ab_\(secret)\"",
    ]

    private static func sources(_ token: String, _ folder: TestFolder) throws -> [(
        arguments: [String], environment: [String: String]
    )] {
        let file = try folder.write(token, to: "token").path
        let json = try JSONEncoder().encode(["token": token])
        let config = try folder.write(String(decoding: json, as: UTF8.self), to: "config").path
        return [
            (["--token", token], [:]), (["--token=\(token)"], [:]), (["--token-file", file], [:]),
            (["--config", config], [:]), ([], ["TENANT_REGISTRY_TOKEN": token]),
            ([], ["TENANT_REGISTRY_TOKEN_FILE": file]),
        ]
    }

    @Test(arguments: ["\n", "\r\n", " \t\n\n", "\u{FEFF}"])
    func `is taken with what surrounds it`(blanks: String) async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let token = (blanks == "\u{FEFF}" ? blanks : " ") + server.adminToken + blanks
        for (arguments, environment) in try Self.sources(token, folder) {
            let run = try await CommandRun.run(
                ["stats", "--server", server.url.absoluteString] + arguments, in: folder,
                environment: environment)
            #expect(run.exit == .code(0), "\(arguments.first ?? "environment"): \(run.errors)")
        }
    }

    @Test(arguments: impossible)
    func `that can't be one is refused before any request, and not shown`(
        token: String
    ) async throws {
        let folder = try TestFolder()
        for (arguments, environment) in try Self.sources(token, folder) {
            for command in [["stats", "--server"], ["agent", "--upstream"]] {
                // Nobody listens there: a request would be exit 4, and an agent would wait.
                let run = try await CommandRun.run(
                    command + ["http://127.0.0.1:9"] + arguments, in: folder,
                    environment: environment)
                #expect(run.exit == .code(2), "\(command[0]) \(arguments): \(run.errors)")
                #expect(run.errors.contains("can't be an access token"))
                #expect(!run.errors.contains(Self.secret.prefix(8)) && run.output == "")
            }
        }
    }

    @Test func `of the data folder is checked too`() async throws {
        let folder = try TestFolder()
        mkdir(folder.file("data").path, 0o700)
        _ = try folder.write("trk_ab_\(Self.secret) x", to: "data/admin-token")
        let run = try await CommandRun.run(["stats", "--server", "http://127.0.0.1:9"], in: folder)
        #expect(run.exit == .code(2) && run.errors.contains("data/admin-token"))
        #expect(!run.errors.contains(Self.secret))
        let missing = try await CommandRun.run(
            ["stats", "--server", "http://127.0.0.1:9", "--token-file", folder.url.path],
            in: folder)
        #expect(missing.exit == .code(2) && missing.errors.contains("can't be read"))
    }

    @Test(arguments: [
        ["stats", "--server", "http://user:\(secret)@127.0.0.1:9"],
        ["stats", "--server", "https://\(secret)@127.0.0.1:9/x"],
        ["stats", "--server", "ftp://user:\(secret)@127.0.0.1:9"],
        ["stats", "--server", "http://user:pa/\(secret)@127.0.0.1:9"],
        ["agent", "--upstream", "http://user:\(secret)@127.0.0.1:9"],
        ["serve", "--store", "postgres://user:pa/\(secret)@127.0.0.1:9/db"],
        ["serve", "--store", "postgres://user:pa@\(secret)@127.0.0.1:9/db"],
        ["serve", "--store", "postgres://user:\(secret)/x@127.0.0.1:9/db"],
        ["copy", "--from", "postgres://user:\(secret)/x@127.0.0.1:9/db", "--to", "x"],
    ])
    func `or password in a URL is never shown`(arguments: [String]) async throws {
        let run = try await CommandRun.run(arguments, in: TestFolder())
        #expect(!run.errors.contains(Self.secret) && run.output == "", "\(run.errors)")
        #expect(run.exit == .code(arguments[0] == "copy" ? 1 : 2), "\(run.errors)")
    }

    @Test(arguments: ["--server", "--upstream"])
    func `isn't sent to a port that can't be`(flag: String) async throws {
        let command = flag == "--server" ? "stats" : "agent"
        for port in ["0", "65536", "99999999999999999999", "-1", "x"] {
            let run = try await CommandRun.run(
                [command, flag, "http://127.0.0.1:\(port)"], in: TestFolder())
            #expect(run.exit == .code(2) && run.errors.contains(flag), "\(port): \(run.errors)")
        }
    }

    @Test(arguments: [["--token", "TOKEN"], ["--token=TOKEN"]])
    func `given as a flag leaves the list of processes`(flag: [String]) async throws {
        let server = try RunningServer.current
        let folder = try TestFolder()
        let process = try ChildProcess(
            TenantRegistryBinary.url,
            ["history", "--server", server.url.absoluteString, "--follow"]
                + flag.map { $0.replacing("TOKEN", with: server.adminToken) },
            outputs: folder.url)
        _ = try await poll("it follows") { process.output.isEmpty ? nil : true }
        let words = try String(contentsOfFile: "/proc/\(process.pid)/cmdline", encoding: .utf8)
        #expect(words.contains("--follow") && !words.contains("trk_") && !words.contains("--token"))
        process.signal(SIGKILL)
        _ = try await process.waitForExit()
    }
}
