import Foundation
import RegistryAPI
import RegistryModel
import Testing

@Suite("tenant-registry webhooks", .runningServer("--allow-plain-webhooks"))
struct WebhooksCommandTests {
    private static func put(
        _ name: String, at url: String, on server: ServerProcess, _ more: String...
    ) async throws -> CommandRun {
        try await server.run(
            ["webhooks", "put", name, "--url", url, "--action", "moved", "--action", "frozen"]
                + more)
    }

    private static func shown(
        _ name: String, on server: ServerProcess
    ) async throws -> [String: String] {
        let run = try await server.succeed("webhooks", "get", name, "--output", "ndjson")
        return try #require(try run.objects().first)
    }

    /// The receiver's code is Python's, and verifies what the registry has signed.
    @Test func `make one, whose receiver is told of a freeze and a cutover`() async throws {
        let server = try RunningServer.current
        let receiver = try await WebhookReceiver.start(secret: .random())
        let made = try await Self.put(
            "chat", at: receiver.url, on: server, "--reason", "the channel", "--ticket", "OPS-1")
        #expect(made.exit == .code(0), "\(made.errors)")
        // The secret alone, so that it can be sent into a file.
        let secret = try #require(made.lines.first)
        #expect(made.lines.count == 1 && WebhookSecret(secret) != nil)
        #expect(made.errors == "webhook chat created; its secret is shown this once\n")
        _ = try receiver.folder.write(secret, to: "secret")

        let planned = try await Planned.make("hooks", 3, on: server, "--freeze", "read_only")
        for step in [["freeze", "--wave", "1", "--deadline", "10m"], ["cutover", "--wave", "1"]] {
            let run = try await server.run(
                ["migrations", step[0], planned.id] + step.dropFirst() + ["--reason", "wave one"])
            #expect(run.exit == .code(0), "\(run.errors)")
        }
        let taken = try await receiver.taken(2)
        #expect(taken.map(\.event.notice.actions) == [[.frozen], [.moved]])
        #expect(taken.map(\.isVerified) == [true, true])
        for notice in taken.map(\.event.notice) {
            #expect(notice.header.migration == planned.id && notice.header.wave == 1)
            #expect(notice.names.map(\.text) == planned.names)
            #expect(notice.header.note.reason == "wave one")
        }
        let last = try #require(taken.last?.event.notice.header.revision)
        _ = try await poll("nothing is left") {
            try await Self.shown("chat", on: server)["delivered_revision"] == "\(last)"
                ? true : nil
        }

        // Set again as it is, it keeps its secret, and nobody is shown it.
        let same = try await Self.put("chat", at: receiver.url, on: server)
        #expect(same.exit == .code(0) && same.output == "" && same.errors == "")
        // Another one signs from now on.
        let file = try receiver.folder.write(WebhookSecret.random().text + "\n", to: "secret")
        let changed = try await Self.put(
            "chat", at: receiver.url, on: server, "--secret-file", file.path)
        #expect(changed.exit == .code(0) && changed.output == "", "\(changed.errors)")
        let rollback = try await planned.run("rollback", "--wave", "1")
        #expect(rollback.exit == .code(0), "\(rollback.errors)")
        let moved = try await server.run(
            "domains", "change", planned.names[0], "--location", "aws")
        #expect(moved.exit == .code(0), "\(moved.errors)")
        #expect(try await receiver.taken(3).last?.isVerified == true)

        let history = try await server.succeed(
            "history", "--action", "webhook_changed", "--output", "ndjson"
        ).objects()
        #expect(history.last { $0["subject"] == "chat" }?["reason"] == "the channel")
        #expect(history.last { $0["subject"] == "chat" }?["ticket"] == "OPS-1")
        let deleted = try await server.run("webhooks", "delete", "chat", "--reason", "over")
        #expect(deleted.exit == .code(0) && deleted.output == "", "\(deleted.errors)")
        #expect(try await server.run("webhooks", "get", "chat").exit == .code(3))
    }

    /// So that it lies nowhere: a vault's command writes it.
    @Test(arguments: ["<(printf %s \"$SECRET\")", "/dev/stdin <<<\"$SECRET\""])
    func `take a secret that a command writes`(source: String) async throws {
        let server = try RunningServer.current
        let secret = WebhookSecret.random()
        let receiver = try await WebhookReceiver.start(secret: secret)
        let name = source.hasPrefix("<") ? "piped" : "typed"
        let script = """
            exec "$0" webhooks put \(name) --url "$1" --action released --secret-file \(source)
            """
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["bash", "-c", script, TenantRegistryBinary.url.path, receiver.url],
            outputs: server.folder.url,
            environment: [
                "SECRET": secret.text, "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        #expect(try await shell.waitForExit() == .code(0), "\(shell.errors)")
        #expect(shell.output == "")
        let domain = "\(name).hooks-secret.example.com"
        _ = try await server.client.register(domain)
        #expect(try await server.run("domains", "release", domain).exit == .code(0))
        #expect(try await Set(receiver.taken(1).map(\.isVerified)) == [true])
        #expect(try await server.run("webhooks", "delete", name).exit == .code(0))
    }

    @Test func `list them by name, how far each has come, and never a secret`() async throws {
        let server = try RunningServer.current
        var secrets: [String] = []
        for name in ["list-b", "list-a"] {
            let made = try await Self.put(name, at: "http://127.0.0.1:1/in", on: server)
            secrets.append(try #require(made.lines.first, "\(made.errors)"))
        }
        let listed = try await server.succeed("webhooks", "list", "--output", "ndjson")
        let names = try listed.objects().compactMap { $0["name"] }.filter {
            $0.hasPrefix("list-")
        }
        #expect(names == ["list-a", "list-b"])
        let first = try #require(try listed.objects().first { $0["name"] == "list-a" })
        #expect(first["behind"] == "0" && first["given_up"] == "0")
        #expect(first["url"] == "http://127.0.0.1:1/in" && first["secret"] == nil)
        let table = try await server.succeed("webhooks")
        let csv = try await server.succeed("webhooks", "list", "--output", "csv")
        for run in [listed, table, csv] {
            #expect(run.output.contains("list-a") && run.errors == "")
            #expect(secrets.allSatisfy { !run.output.contains($0) })
        }
    }

    @Test(
        arguments: [
            (["put", "x", "--action", "moved"], 2, "--url"),
            (["put", "x", "--url", "https://chat.example"], 2, "--action"),
            (["get"], 2, "<name>"), (["delete"], 2, "<name>"), (["test", "x"], 2, "unexpected"),
            (
                [
                    "put", "x", "--url", "https://chat.example", "--action", "moved",
                    "--secret-file",
                    "/nowhere/at/all",
                ], 2, "/nowhere/at/all can't be read"
            ),
            (
                ["put", "x", "--url", "nonsense", "--action", "moved"], 3,
                "an absolute URL that begins with https:// is expected"
            ),
            (
                ["put", "x", "--url", "http://chat.example", "--action", "moved"], 3,
                "webhook-forbidden"
            ),
            (
                ["put", "x", "--url", "https://169.254.169.254/", "--action", "moved"], 3,
                "webhook-forbidden"
            ),
            (
                ["put", "x", "--url", "https://chat.example", "--action", "walked"], 3,
                "there is no action walked"
            ),
            (
                [
                    "put", "x", "--url", "https://chat.example", "--action", "moved",
                    "--secret-file",
                    "/dev/null",
                ], 3, "whsec_ and the base64"
            ),
            (
                ["put", "Not_So", "--url", "https://chat.example", "--action", "moved"], 3,
                "lower-case letters"
            ),
            (["get", "nobody"], 3, "unknown-webhook"),
            (["delete", "nobody"], 3, "unknown-webhook"),
            (["list", "--server", "http://127.0.0.1:1"], 4, "connection refused"),
        ] as [([String], Int32, String)])
    func `say what's wrong, change nothing, and exit by whose fault it is`(
        arguments: [String], code: Int32, words: String
    ) async throws {
        let server = try RunningServer.current
        let run = try await server.run(["webhooks"] + arguments)
        #expect(run.exit == .code(code), "\(run.errors)")
        #expect(run.output == "" && run.errors.contains(words), "\(run.errors)")
        let names = try await server.client.webhooks().items.map(\.name)
        #expect(!names.contains("x") && !names.contains("Not_So"))
    }

    @Test func `are an admin's alone`() async throws {
        let server = try RunningServer.current
        let token = try await server.succeed("tokens", "create", "op", "--role", "operator")
        let run = try await CommandRun.run(
            ["webhooks", "list"], in: server.folder,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_TOKEN": token.output.trimmingCharacters(in: .newlines),
            ])
        #expect(run.exit == .code(3) && run.errors.contains("forbidden"), "\(run.errors)")
    }
}
