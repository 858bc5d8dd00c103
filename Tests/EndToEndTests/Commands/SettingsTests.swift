import Foundation
import Testing

@Suite("Settings", .runningServer) struct SettingsTests {
    /// Runs `stats`, which says with its exit code whether it found the server and a token.
    private static func stats(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> CommandRun {
        // Not where the server's folder is: `data` there would be found by default.
        try await CommandRun.run(["stats"] + arguments, in: TestFolder(), environment: environment)
    }

    static let nobody = "http://127.0.0.1:9"

    @Test func `come from a flag, else the environment, else the file`() async throws {
        let server = try RunningServer.current
        let url = server.url.absoluteString
        let folder = try TestFolder()
        func config(_ server: String) throws -> [String] {
            [
                "--config",
                try folder.write(
                    #"{"server": "\#(server)", "data-dir": "\#(self.data())"}"#,
                    to: UUID().uuidString
                ).path,
            ]
        }
        let set = { (address: String) in ["TENANT_REGISTRY_SERVER": address] }

        #expect(try await Self.stats(config(url)).exit == .code(0))
        #expect(try await Self.stats(config(Self.nobody)).exit == .code(4))
        #expect(try await Self.stats(config(Self.nobody), environment: set(url)).exit == .code(0))
        #expect(try await Self.stats(config(url), environment: set(Self.nobody)).exit == .code(4))
        let flag = ["--server", url]
        #expect(
            try await Self.stats(config(Self.nobody) + flag, environment: set(Self.nobody)).exit
                == .code(0))
        #expect(
            try await Self.stats(
                config(url) + ["--server", Self.nobody], environment: set(url)
            ).exit == .code(4))
    }

    @Test func `name the config file in the environment too`() async throws {
        let file = try RunningServer.current.folder.write(
            #"{"server": "\#(RunningServer.current.url)", "data-dir": "\#(data())"}"#,
            to: "config.json")
        let run = try await Self.stats(environment: ["TENANT_REGISTRY_CONFIG": file.path])
        #expect(run.exit == .code(0), "\(run.errors)")
    }

    @Test func `find the token in a flag, the environment, a file, or the data folder`()
        async throws
    {
        let server = try RunningServer.current
        let base = ["--server", server.url.absoluteString]
        let folder = try TestFolder()
        let good = try folder.write("  \(server.adminToken)\n", to: "good").path
        let bad = try folder.write("trk_aaaa_bbbb\n", to: "bad").path
        let token = server.adminToken

        let tokenless = try await Self.stats(base)
        #expect(tokenless.exit == .code(3))
        #expect(tokenless.errors.contains("unauthenticated"))
        #expect(try await Self.stats(base + ["--data-dir", server.data.path]).exit == .code(0))
        #expect(try await Self.stats(base + ["--token-file", good]).exit == .code(0))
        #expect(try await Self.stats(base + ["--token", token]).exit == .code(0))
        #expect(
            try await Self.stats(base, environment: ["TENANT_REGISTRY_TOKEN": token]).exit
                == .code(0))
        #expect(
            try await Self.stats(base, environment: ["TENANT_REGISTRY_TOKEN_FILE": good]).exit
                == .code(0))
        #expect(
            try await Self.stats(
                base + ["--token-file", bad], environment: ["TENANT_REGISTRY_DATA_DIR": data()]
            ).exit == .code(3))
        #expect(try await Self.stats(base + ["--token-file", "/nowhere"]).exit == .code(2))
    }

    @Test func `of the service come from the same three places`() async throws {
        let folder = try TestFolder()
        let config = try folder.write(
            """
            {"listen": "127.0.0.1:0", "data-dir": "\(folder.file("from-file").path)",
             "anonymous-reads": true, "suffix": ["kintone.com", "example.com"],
             "quarantine-days": 0, "retry-after": 77}
            """, to: "config.json")
        // The fixture sends --listen and --data-dir: flags beat the file.
        let server = try await ServerProcess.start(
            in: folder, arguments: ["--config", config.path],
            environment: ["TENANT_REGISTRY_RETRY_AFTER": "55"])
        #expect(!FileManager.default.fileExists(atPath: folder.file("from-file").path))
        #expect(try await server.client(token: nil).statistics().total == 0)

        let refused = try await server.run("domains", "register", "a.example.org")
        #expect(refused.errors.contains("domain-outside-suffix"))
        _ = try await server.succeed("domains", "register", "a.kintone.com")
        _ = try await server.succeed("domains", "change", "a.kintone.com", "--mode", "reject")
        let route = try await server.client.send(.GET, "/v1/route?host=a.kintone.com")
        #expect(route.headers.first(name: "Retry-After") == "55")
        _ = try await server.succeed("domains", "release", "a.kintone.com")
        _ = try await server.succeed("domains", "register", "a.kintone.com")
    }

    @Test(arguments: [
        (["serve", "--listen", "nonsense"], "HOST:PORT"),
        (["serve", "--listen", "127.0.0.1:99999"], "HOST:PORT"),
        (["serve", "--quarantine-days", "-1"], "quarantine-days"),
        (["serve", "--drain-seconds", "9999"], "drain-seconds"),
        (["serve", "--log-level", "loud"], "log-level"),
        (["serve", "--suffix", "com"], "suffix"),
        (["serve", "--reserved-names", "/nowhere"], "reserved-names"),
        (["serve", "--config", "/nowhere"], "config"),
        (["stats", "--server", "nonsense"], "--server"),
        (["stats", "--server", "ftp://example.com"], "--server"),
        (["stats", "--output", "xml"], "--output"),
        (["stats", "--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["domains", "get"], "fqdn"),
        (["domains", "change", "a.example.com"], "Nothing to change"),
        (["domains", "list", "--limit", "0"], "--limit"),
        (["domains", "list", "--limit", "many"], "--limit"),
        (["completions", "tcsh"], "tcsh"),
    ])
    func `that are wrong exit with 2 and say which`(arguments: [String], what: String) async throws
    {
        let folder = try TestFolder()
        let run = try await CommandRun.run(arguments, in: folder)
        #expect(run.exit == .code(2))
        #expect(run.errors.contains(what), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test(arguments: [
        ("TENANT_REGISTRY_QUARANTINE_DAYS", "soon"), ("TENANT_REGISTRY_LOG_LEVEL", "loud"),
        ("TENANT_REGISTRY_ANONYMOUS_READS", "maybe"), ("TENANT_REGISTRY_ACCEPT_REWIND", "maybe"),
    ])
    func `that are wrong in the environment exit with 2 as well`(
        name: String, value: String
    ) async throws {
        let folder = try TestFolder()
        let run = try await CommandRun.run(
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder.file("d").path], in: folder,
            environment: [name: value])
        #expect(run.exit == .code(2))
        #expect(run.errors.contains(value))
    }

    @Test(arguments: [
        #"{"quarantine-days": "soon"}"#, #"{"anonymous-reads": "maybe"}"#, #"{"listen": 8080}"#,
        #"{"accept-rewind": "maybe"}"#, "[]", "{",
    ])
    func `that are wrong in the file exit with 2 as well`(text: String) async throws {
        let folder = try TestFolder()
        let run = try await CommandRun.run(
            [
                "serve", "--data-dir", folder.file("d").path, "--config",
                try folder.write(text, to: "config.json").path,
            ]
                + (text.contains("listen") ? [] : ["--listen", "127.0.0.1:0"]), in: folder)
        #expect(run.exit == .code(2))
    }

    private func data() throws -> String { try RunningServer.current.data.path }
}
