import Foundation
import RegistryAPI
import RegistryModel
import Testing

@testable import TenantRegistry

@Suite("tenant-registry history", .runningServer) struct HistoryCommandTests {
    /// A token of its own, so that the tests of a suite see only their own lines.
    private static func clerk(
        _ server: ServerProcess, _ name: String
    ) async throws -> (id: String, arguments: [String]) {
        let made = try await server.succeed("tokens", "create", name, "--role", "operator")
        let token = made.output.trimmingCharacters(in: .newlines)
        return (String(token.split(separator: "_")[1]), ["--token", token])
    }

    @Test func `shows one readable line a change`() async throws {
        let server = try RunningServer.current
        let clerk = try await Self.clerk(server, "ops-laptop")
        for arguments in [
            [
                "register", "line.example.com", "--tenant", "acme-line", "--reason",
                "signup\nof two lines",
            ],
            ["change", "line.example.com", "--location", "aws", "--ticket", "CHG-1234"],
            ["change", "line.example.com", "--mode", "read_only"],
            ["change", "line.example.com", "--clear-tenant"],
            ["release", "line.example.com"], ["restore", "line.example.com"],
        ] {
            let run = try await server.run(["domains"] + arguments + clerk.arguments)
            try #require(run.exit == .code(0), "\(run.errors)")
        }
        let run = try await server.succeed("history", "--actor", clerk.id, "--order", "asc")
        let name = "line.example.com"
        let expected = [
            "registered  \(name)  → japan (acme-line)  by ops-laptop  “signup of two lines”",
            "moved  \(name)  japan → aws  by ops-laptop  CHG-1234",
            "updated  \(name)  aws serve → aws read_only  by ops-laptop",
            "updated  \(name)  aws read_only (acme-line) → aws read_only (no tenant)  by ops-laptop",
            "released  \(name)  aws read_only →  by ops-laptop",
            "restored  \(name)  → aws read_only  by ops-laptop",
        ]
        #expect(run.lines.map { String($0.dropFirst("2020-06-21 00:00:03  ".count)) } == expected)
        let time = #/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  /#
        for line in run.lines { #expect(line.prefixMatch(of: time) != nil) }
        let domain = try await server.succeed("domains", "history", name, "--order", "asc")
        #expect(domain.output == run.output)
        let newest = try await server.succeed("history", "--actor", clerk.id, "--limit", "2")
        #expect(newest.lines == run.lines.suffix(2).reversed())
    }

    @Test func `names the wave and the migration of a line`() throws {
        let json = #"""
            {"revision":9,"at":"2020-06-21T00:00:03.123Z","fqdn":"acme.kintone.com","action":"moved",
            "before":{"location":"japan","mode":"serve"},"after":{"location":"aws","mode":"serve"},
            "actor":{"token":"a1b2c3","name":"ops-laptop","role":"operator"},"ticket":"CHG-1234",
            "migration":"2020-q2","wave":3,"request_id":"r"}
            """#
        let item = try HistoryEntry(json: json.utf8)
        #expect(
            HistoryLine(item).text
                == "2020-06-21 00:00:03  moved  acme.kintone.com  japan → aws  by ops-laptop  wave 3 of 2020-q2  CHG-1234"
        )
    }

    @Test func `writes what the service sends, all of it`() async throws {
        let server = try RunningServer.current
        let clerk = try await Self.clerk(server, "clerk")
        let rows = (0..<2_500).map { "n\($0).all.example.com" }.joined(separator: "\n")
        let file = try server.folder.write("fqdn\n\(rows)\n", to: "all.csv")
        let done = try await server.run(["import", file.path] + clerk.arguments)
        try #require(done.exit == .code(0), "\(done.errors)")

        func run(_ format: String, _ more: String...) async throws -> String {
            let run = try await server.run(
                ["history", "--actor", clerk.id, "--order", "asc", "--output", format] + more)
            try #require(run.exit == .code(0) && run.errors.isEmpty, "\(run.errors)")
            return run.output
        }
        let ndjson = try await run("ndjson")
        let lines = ndjson.split(separator: "\n")
        #expect(lines.count == 2_500)
        #expect(
            try await server.client.send(
                .GET, "/v1/history", query: [("actor", clerk.id), ("order", "asc")],
                headers: [("Accept", "application/x-ndjson")]
            ).body.readableBytesView.elementsEqual(ndjson.utf8))
        #expect(try await run("json") == "[" + lines.joined(separator: ",\n ") + "]\n")
        let csv = try await run("csv")
        #expect(csv.components(separatedBy: "\r\n").count == 2_502)
        #expect(
            csv.hasPrefix(HistoryEntry.tableColumns.map(\.name).joined(separator: ",") + "\r\n"))
        #expect(
            try await run("ndjson", "--limit", "7") == lines[..<7].joined(separator: "\n") + "\n")
        #expect(try await run("table").split(separator: "\n").count == 100)
        #expect(try await run("table", "--limit", "2400").split(separator: "\n").count == 2_400)
        #expect(try await run("json", "--action", "frozen") == "[]\n")
        let last = try #require(lines.last)
        let revision = try HistoryEntry(json: last.utf8)
            .revision
        #expect(try await run("ndjson", "--after", "\(revision)") == "")
    }

    @Test(arguments: ["table", "ndjson"])
    func `follows what is written from then on`(format: String) async throws {
        let server = try RunningServer.current
        let clerk = try await Self.clerk(server, "follow-\(format)")
        func register(_ number: Int) async throws {
            let run = try await server.run(
                ["domains", "register", "n\(number).\(format).follow.example.com"] + clerk.arguments
            )
            try #require(run.exit == .code(0), "\(run.errors)")
        }
        for number in 0..<3 { try await register(number) }
        let process = try ChildProcess(
            TenantRegistryBinary.url,
            ["history", "--actor", clerk.id, "--follow", "--limit", "2", "--output", format],
            outputs: server.folder.url,
            environment: [
                "TENANT_REGISTRY_SERVER": server.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        func names() -> [Int] {
            process.output.matches(of: /n(\d+)\.\w+\.follow/).compactMap { Int($0.1) }
        }
        _ = try await poll("the last two lines") { names() == [1, 2] ? true : nil }
        for number in 3..<6 { try await register(number) }
        _ = try await poll("new lines: \(process.errors)") {
            names() == [1, 2, 3, 4, 5] ? true : nil
        }
        #expect(process.errors == "")
        process.signal(SIGTERM)
        _ = try await process.waitForExit()
    }

    @Test(arguments: [
        ["--follow", "--output", "csv"], ["--follow", "--output", "json"],
        ["--follow", "--order", "asc"], ["--follow", "--until", "2020-01-01T00:00:00Z"],
        ["--limit", "0"], ["--output", "xml"],
    ])
    func `refuses options that make no sense together`(arguments: [String]) async throws {
        let run = try await RunningServer.current.run(["history"] + arguments)
        #expect(run.exit == .code(2))
        #expect(run.output == "" && !run.errors.isEmpty)
    }

    @Test func `explains a host in every state that it can be in`() async throws {
        let server = try RunningServer.current
        func explain(_ host: String, _ more: String...) async throws -> [String: String] {
            let run = try await server.run(
                ["domains", "explain", host, "--output", "ndjson"] + more)
            try #require(run.exit == .code(0), "\(run.errors)")
            return try #require(try run.objects().first)
        }
        let name = "explain.example.com"
        let free = try await explain("Explain.Example.COM.:8443")
        #expect(free["input"] == "Explain.Example.COM.:8443" && free["fqdn"] == name)
        #expect(free["available"] == "yes" && free["rule"]?.hasPrefix("unknown") == true)
        _ = try await server.succeed("domains", "register", name, "--tenant", "acme-explained")
        _ = try await server.succeed(
            "domains", "change", name, "--location", "aws", "--reason", "why", "--ticket", "T-1")
        let live = try await explain(name)
        #expect(
            live["location"] == "aws" && live["mode"] == "serve"
                && live["tenant"] == "acme-explained")
        #expect(live["rule"] == "registered: proxies get aws, serve" && live["available"] == "no")
        #expect(live["last_action"] == "moved" && live["last_reason"] == "why")
        #expect(live["last_by"]?.hasPrefix("first-admin (admin") == true)
        _ = try await server.succeed("domains", "release", name)
        let released = try await explain(name)
        #expect(released["rule"]?.hasPrefix("released: its name rests until ") == true)
        #expect(released["location"] == nil && released["last_action"] == "released")
        #expect(try await explain("www.example.com")["rule"]?.hasPrefix("reserved") == true)
        let malformed = try await explain("a_b.example.com")
        #expect(malformed["rule"]?.hasPrefix("malformed: ") == true && malformed["fqdn"] == nil)
        #expect(try await explain("münchen.example.com")["fqdn"] == "xn--mnchen-3ya.example.com")

        let reader = try await server.succeed("tokens", "create", "r", "--role", "reader")
        let token = reader.output.trimmingCharacters(in: .newlines)
        let table = try await server.run("domains", "explain", name, "--token", token)
        #expect(table.exit == .code(0))
        #expect(table.lines.contains("rule   unknown to lookups and proxies"))
        #expect(table.errors.contains("not shown: who changed it last (forbidden)"))
    }

    @Test func `exports the domains of a moment`() async throws {
        let server = try RunningServer.current
        let names = (0..<1_500).map { "n\($0).then.example.com" }.sorted()
        let file = try server.folder.write(
            "fqdn\n" + names.joined(separator: "\n") + "\n", to: "then.csv")
        _ = try await server.succeed("import", file.path)
        let head = try await server.client.historyHead()
        let time = try await server.client.domain(names[0]).value.changedAt.description
        _ = try await server.succeed("domains", "change", names[0], "--location", "aws")
        _ = try await server.succeed("domains", "release", names[1])
        let now = try await server.succeed("export", "--suffix", "then.example.com")
        #expect(now.lines.count == 1_500)
        #expect(now.lines.contains("\(names[0]),aws,,serve"))
        let then = try await server.succeed(
            "export", "--suffix", "then.example.com", "--revision", "\(head.revision)")
        #expect(then.lines.dropFirst().map { $0.split(separator: ",")[0] } == names.map { $0[...] })
        #expect(then.lines.contains("\(names[0]),japan,,serve"))
        let at = try await server.succeed("export", "--suffix", "then.example.com", "--at", time)
        #expect(at.lines.count >= 1_500)
        let list = try await server.succeed(
            "domains", "list", "--prefix", names[1], "--revision", "\(head.revision)")
        #expect(list.output.contains(names[1]))
        #expect(try await server.run("export", "--revision", "999999").exit == .code(3))
        #expect(try await server.run("export", "--at", "2099-01-01T00:00:00Z").exit == .code(3))
    }
}
