import Foundation
import Testing

@Suite("tenant-registry domains", .runningServer) struct DomainsCommandTests {
    static let columns = [
        "fqdn", "location", "mode", "tenant", "revision", "registered_at", "changed_at", "fence",
    ]

    @Test func `takes a domain through its whole life`() async throws {
        let server = try RunningServer.current
        let name = "life.example.com"
        func state(_ arguments: String...) async throws -> [String: String] {
            let run = try await server.run(arguments + ["--output", "ndjson"])
            try #require(run.exit == .code(0), "\(run.errors)")
            return try #require(try run.objects().first)
        }

        let made = try await state("domains", "register", name, "--tenant", "acme-domains")
        #expect(made["location"] == "japan")
        #expect(made["mode"] == "serve")
        #expect(made["tenant"] == "acme-domains")
        let moved = try await state(
            "domains", "change", name, "--location", "aws", "--mode", "read_only",
            "--if-revision", try #require(made["revision"]), "--reason", "it moves",
            "--ticket", "OPS-1")
        #expect(moved["location"] == "aws")
        #expect(moved["mode"] == "read_only")
        #expect(moved["registered_at"] == made["registered_at"])
        let cleared = try await state("domains", "change", name, "--clear-tenant")
        #expect(cleared["tenant"] == nil)
        #expect(try await state("domains", "get", name) == cleared)
        #expect(
            try await state("domains", "get", name, "--revision", made["revision"]!)["location"]
                == "japan")
        #expect(
            try await state("domains", "get", name, "--at", moved["changed_at"]!)["location"]
                == "aws")

        let release = try await server.succeed("domains", "release", name, "--reason", "gone")
        #expect(release.output == "")
        #expect(try await server.run("domains", "get", name).exit == .code(3))
        let restored = try await state("domains", "restore", name)
        #expect(restored["location"] == "aws")

        let history = try await server.succeed(
            "domains", "history", name, "--order", "asc", "--output", "ndjson")
        let items = try history.objects()
        #expect(
            items.map { $0["action"] } == [
                "registered", "moved", "updated", "released", "restored",
            ])
        #expect(items[1]["reason"] == "it moves")
        #expect(items[1]["ticket"] == "OPS-1")
        #expect(items[1]["before"]?.contains("japan") == true)
        let table = try await server.succeed("domains", "history", name, "--limit", "3")
        #expect(
            table.lines[2].contains(
                "updated  \(name)  aws read_only (acme-domains) → aws read_only (no tenant)"))
    }

    @Test func `shows the same in four formats, on stdout alone`() async throws {
        let server = try RunningServer.current
        _ = try await server.succeed(
            "domains", "register", "b.four.example.com", "--tenant", #"say "hi", now"#)
        _ = try await server.succeed(
            "domains", "register", "a.four.example.com", "--location", "aws")
        func list(_ format: String) async throws -> CommandRun {
            let run = try await server.succeed(
                "domains", "list", "--suffix", "four.example.com", "--output", format)
            #expect(run.errors == "")
            return run
        }

        let table = try await list("table").lines
        #expect(table.count == 3)
        #expect(table[0].split(separator: " ").map { $0.lowercased() } == Self.columns)
        #expect(table[1].hasPrefix("a.four.example.com  aws"))
        #expect(table[2].contains(#"say "hi", now"#))

        let ndjson = try await list("ndjson").objects()
        #expect(ndjson.map { $0["fqdn"] } == ["a.four.example.com", "b.four.example.com"])
        #expect(ndjson[0]["tenant"] == nil)

        let json = try await list("json").output
        let array = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]]
        #expect(array?.map { $0.mapValues { "\($0)" } } == ndjson)

        let csv = try await list("csv").output.components(separatedBy: "\r\n")
        #expect(csv[0] == Self.columns.joined(separator: ","))
        #expect(csv[1].hasPrefix("a.four.example.com,aws,serve,,"))
        #expect(csv[2].hasPrefix(#"b.four.example.com,japan,serve,"say ""hi"", now","#))
        #expect(csv[3...] == [""])
    }

    @Test func `lists what the filters say, and no more than the limit`() async throws {
        let server = try RunningServer.current
        for (name, location, tenant) in [
            ("x1", "japan", "one"), ("x2", "aws", "one"), ("x3", "aws", "two"),
            ("y1", "aws", "one"),
        ] {
            _ = try await server.succeed(
                "domains", "register", "\(name).list.example.com", "--location", location,
                "--tenant", tenant, "--allow-split")
        }
        _ = try await server.succeed(
            "domains", "change", "x3.list.example.com", "--mode", "reject")
        func names(_ arguments: String...) async throws -> [String] {
            let run = try await server.run(
                ["domains", "list", "--suffix", "list.example.com", "--output", "ndjson"]
                    + arguments)
            try #require(run.exit == .code(0), "\(run.errors)")
            return try run.objects().compactMap { $0["fqdn"]?.split(separator: ".").first }
                .map(String.init)
        }
        #expect(try await names() == ["x1", "x2", "x3", "y1"])
        #expect(try await names("--location", "aws") == ["x2", "x3", "y1"])
        #expect(try await names("--tenant", "one", "--prefix", "x") == ["x1", "x2"])
        #expect(try await names("--tenant", "one", "--contains", "X2.") == ["x2"])
        #expect(try await names("--mode", "reject") == ["x3"])
        #expect(try await names("--limit", "2") == ["x1", "x2"])
    }

    @Test func `prints nothing but a head where there is nothing`() async throws {
        let server = try RunningServer.current
        let nothing = ["domains", "list", "--suffix", "nothing.example.net", "--output"]
        #expect(try await server.run(nothing + ["json"]).output == "[]\n")
        #expect(try await server.run(nothing + ["ndjson"]).output == "")
        #expect(try await server.run(nothing + ["table"]).lines.count == 1)
        #expect(try await server.run(nothing + ["csv"]).lines.count == 1)
    }

    @Test func `says why the server refused, and exits with 3`() async throws {
        let server = try RunningServer.current
        _ = try await server.succeed("domains", "register", "taken.example.com")
        for (arguments, code) in [
            (["register", "taken.example.com"], "domain-taken"),
            (["register", "www.example.com"], "domain-reserved"),
            (["register", "a.example.com", "--location", "moon"], "unknown-location"),
            (["register", "not a name"], "invalid-fqdn"),
            (["get", "unknown.example.com"], "unknown-domain"),
            (["get", "../tokens"], "invalid-fqdn"),
            (["change", "taken.example.com", "--mode", "asleep"], "mode"),
            (
                ["change", "taken.example.com", "--mode", "reject", "--if-revision", "1"],
                "revision-mismatch"
            ),
            (["restore", "taken.example.com"], "domain-taken"),
            (["history", "unknown.example.com"], "unknown-domain"),
        ] {
            let run = try await server.run(["domains"] + arguments)
            #expect(run.exit == .code(3), "\(arguments)")
            #expect(run.errors.contains(code), "\(arguments): \(run.errors)")
            #expect(run.output == "")
        }
    }
}
