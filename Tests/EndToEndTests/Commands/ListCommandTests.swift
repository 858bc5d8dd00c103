import Foundation
import RegistryAPI
import RegistryModel
import Testing

@Suite("The other commands", .runningServer) struct ListCommandTests {
    @Test func `create, list and revoke tokens`() async throws {
        let server = try RunningServer.current
        let made = try await server.succeed(
            "tokens", "create", "robot", "--role", "reader", "--expires-at", "2099-01-01T00:00:00Z")
        let token = made.output.trimmingCharacters(in: .newlines)
        // Nothing else on stdout: TOKEN=$(tenant-registry tokens create …) has to work.
        #expect(token.hasPrefix("trk_") && !token.contains(where: \.isWhitespace))
        let id = String(token.split(separator: "_")[1])
        #expect(made.errors.contains(id) && !made.errors.contains(token))

        let reader = server.client(token: token)
        #expect(try await reader.statistics().revision > 0)
        for format in ["table", "json", "ndjson", "csv"] {
            let list = try await server.succeed("tokens", "list", "--output", format)
            #expect(list.output.contains(id) && list.output.contains("robot"))
            #expect(!list.output.contains(token))
        }
        #expect(try await server.succeed("tokens").output.contains("first-admin"))
        let asReader = try await CommandRun.run(
            ["tokens", "list", "--server", server.url.absoluteString, "--token", token],
            in: server.folder)
        #expect(asReader.exit == .code(3))
        #expect(asReader.errors.contains("forbidden"))

        _ = try await server.succeed("tokens", "revoke", id, "--reason", "done")
        await #expect(throws: (any Error).self) { try await reader.statistics() }
        #expect(!(try await server.succeed("tokens").output.contains(id)))
        #expect(try await server.run("tokens", "revoke", id).exit == .code(3))
        #expect(try await server.run("tokens", "create", "x", "--role", "king").exit == .code(3))
    }

    @Test func `count domains, now and over time`() async throws {
        let server = try RunningServer.current
        for name in ["counted-1.example", "counted-2.example"] {
            _ = try await server.succeed("domains", "register", name, "--location", "japan")
        }
        _ = try await server.succeed("domains", "change", "counted-2.example", "--location", "aws")
        for command in [["stats"], ["stats", "now"]] {
            let now = try await server.run(command + ["--output", "csv"])
            #expect(now.output.hasPrefix("location,domains,frozen,suspended\r\naws,"))
        }

        let whole = try await server.succeed(
            "stats", "history", "--step", "hour", "--output", "csv")
        let lines = whole.output.split(whereSeparator: \.isNewline).map { $0.split(separator: ",") }
        #expect(lines.first == ["at", "revision", "location", "domains"])
        #expect(lines.allSatisfy { $0.count == 4 })
        // Other tests write meanwhile, but nobody takes these away.
        for location in ["aws", "japan"] {
            let last = try #require(lines.last { $0[2] == location })
            #expect((Int(last[3]) ?? 0) > 0)
        }
        #expect(whole.errors.contains("the last at revision \(lines.last?[1] ?? "")"))
        for format in ["table", "json", "ndjson"] {
            let found = try await server.succeed(
                "stats", "history", "--since", "2020-01-01T00:00:00Z", "--until",
                "2020-01-15T12:00:00Z", "--step", "week", "--output", format)
            #expect(found.errors.hasPrefix("3 moments, the last at revision 0"))
            #expect(
                found.output
                    == (format == "json"
                        ? "[]\n" : format == "table" ? "AT  REVISION  LOCATION  DOMAINS\n" : ""))
        }
        let one = try await server.succeed(
            "stats", "history", "--since", "2020-01-01T00:00:00Z", "--until",
            "2020-01-01T12:00:00Z", "--step", "week")
        #expect(one.errors.hasPrefix("1 moment, the last at revision 0"))
        let refused = try await server.run("stats", "history", "--step", "month")
        #expect(refused.exit == .code(3) && refused.errors.contains("hour, day, week"))
    }

    @Test func `say how the DNS leads to a location`() async throws {
        let server = try RunningServer.current
        func set(_ options: String...) async throws -> String? {
            let run = try await server.run(["locations", "set", "pluto"] + options)
            #expect(run.exit == .code(0), "\(options): \(run.errors)")
            let lines = try await server.succeed("locations", "--output", "csv").output
                .split(whereSeparator: \.isNewline)
            #expect(lines.first?.hasSuffix(",dns") == true)
            return lines.first { $0.hasPrefix("pluto,") }?.split(
                separator: ",", omittingEmptySubsequences: false
            ).last.map(String.init)
        }
        #expect(try await set("--upstream", "https://pluto.example") == "")
        #expect(
            try await set("--dns-a", "192.0.2.11", "--dns-a", "192.0.2.2")
                == "192.0.2.2 192.0.2.11")
        #expect(try await set("--dns-aaaa", "2001:DB8::0:1") == "192.0.2.2 192.0.2.11 2001:db8::1")
        #expect(try await set("--no-accepts-signups") == "192.0.2.2 192.0.2.11 2001:db8::1")
        #expect(try await set("--dns-a", "192.0.2.9") == "192.0.2.9 2001:db8::1")
        #expect(try await set("--no-dns-aaaa") == "192.0.2.9")
        let json = try await server.succeed("locations", "--output", "json").output
        #expect(json.contains(#""dns":{"a":["192.0.2.9"]}"#))
        #expect(try await server.succeed("locations").output.contains("192.0.2.9\n"))
        #expect(try await set("--dns-cname", "LB.example.net.") == "lb.example.net")
        let history = try await server.succeed("history").output
        #expect(history.contains("dns 192.0.2.9 → dns lb.example.net"))
        #expect(try await set("--dns-alias", "Z1/lb.example.net") == "Z1/lb.example.net")
        #expect(try await set("--dns-aaaa", "::1") == "::1", "another form takes its place")
        #expect(try await set("--no-dns") == "")
        #expect(try await set("--dns-aaaa", "::1", "--no-dns-a") == "::1")
        for (options, words) in [
            (["--dns-a", "192.0.2.1", "--dns-cname", "a.example"], "only one"),
            (["--no-dns", "--dns-aaaa", "::1"], "only one"), (["--dns-a", "192.0.2.010"], "IPv4"),
            (["--dns-aaaa", "fe80::1%eth0"], "IPv6"), (["--dns-cname", "localhost"], "two labels"),
            (["--dns-cname", "a_b.example"], "letters, digits and hyphens"),
            (["--dns-alias", "lb.example.net"], "ZONE-ID/NAME"),
            (["--dns-alias", "z1/lb.example.net"], "capitals and digits"),
            (["--dns-alias", "Z1/lb"], "two labels"),
            (["--dns-a", "192.0.2.1", "--no-dns-a"], "both given and taken away"),
            (["--no-dns-aaaa"], "no address would be left"),
            ((1...17).flatMap { ["--dns-a", "192.0.2.\($0)"] }, "at most 16"),
        ] {
            let run = try await server.run(["locations", "set", "pluto"] + options)
            #expect(run.exit == .code(2), "\(options)")
            #expect(run.errors.contains(words), "\(options): \(run.errors)")
        }
        _ = try await server.succeed("locations", "delete", "pluto")
    }

    @Test func `list, set and delete locations`() async throws {
        let server = try RunningServer.current
        func location(_ name: String) async throws -> [String: String]? {
            try await server.succeed("locations", "list", "--output", "ndjson").objects()
                .first { $0["name"] == name }
        }
        #expect(try await location("japan")?["default_for_signups"] == "1")
        #expect(try await server.run("locations", "set", "mars").exit == .code(2))

        _ = try await server.succeed(
            "locations", "set", "mars", "--upstream", "https://mars.example", "--no-accepts-signups"
        )
        #expect(try await location("mars")?["upstream"] == "https://mars.example")
        #expect(try await location("mars")?["accepts_signups"] == "0")
        // What isn't given stays.
        _ = try await server.succeed("locations", "set", "mars", "--accepts-signups")
        #expect(try await location("mars")?["upstream"] == "https://mars.example")
        #expect(try await location("mars")?["accepts_signups"] == "1")

        let used = ["domains", "register", "rover.example.com", "--location", "mars"]
        #expect(try await server.run(used).exit == .code(0))
        let inUse = try await server.run("locations", "delete", "mars")
        #expect(inUse.exit == .code(3))
        #expect(inUse.errors.contains("location-in-use"))
        _ = try await server.succeed(
            "locations", "set", "venus", "--upstream", "https://venus.example")
        _ = try await server.succeed("locations", "delete", "venus")
        #expect(try await location("venus") == nil)
        #expect(
            try await server.run("locations", "set", "x", "--upstream", "nonsense").exit == .code(3)
        )
        for format in ["table", "json", "csv"] {
            let list = try await server.succeed("locations", "--output", format)
            #expect(list.output.contains("mars"))
        }
    }

    /// As JSON everything is there that the service says, and nothing is squeezed into a column.
    @Test func `list tenants`() async throws {
        let server = try RunningServer.current
        for (name, place) in [("a", "japan"), ("b", "aws"), ("c", "japan")] {
            _ = try await server.succeed(
                "domains", "register", "\(name).listed.example.com", "--location", place,
                "--tenant", "listed", "--allow-split")
        }
        let lines = try await server.succeed("tenants", "list", "--split", "--output", "ndjson")
        let tenants = try lines.lines.map { try Tenant(json: $0.utf8) }
        let tenant = try #require(tenants.first { $0.name == "listed" })
        #expect(tenant.places.map { "\($0.key) \($0.value)" }.sorted() == ["aws 1", "japan 2"])
        let list = try await server.succeed("tenants", "list", "--split", "--output", "json")
        #expect(list.output.contains(#""locations":["aws","japan"]"#), "\(list.output)")
        let table = try await server.succeed("tenants", "list", "--split")
        #expect(table.lines.contains { $0.hasPrefix("listed") && $0.contains("aws") })

        let get = try await server.succeed("tenants", "get", "listed", "--output", "json")
        let whole = try get.readOutput(TenantResponse.self)
        #expect(whole.tenant.isSplit && whole.domains.count == 3)
        #expect(get.errors.isEmpty)
        let rows = try await server.succeed("tenants", "get", "listed", "--output", "csv")
        #expect(rows.lines.count == 4 && rows.errors.contains("1 at aws, 2 at japan: split"))
    }

    @Test func `filter history`() async throws {
        let server = try RunningServer.current
        let made = try await server.succeed("tokens", "create", "clerk", "--role", "operator")
        let token = made.output.trimmingCharacters(in: .newlines)
        let clerk = server.client(token: token)
        let first = try await clerk.register("h1.history.example.com")
        _ = try await clerk.change(
            "h1.history.example.com", DomainChangeRequest(PlacementText(location: "aws")))
        let second = try await clerk.register("h2.history.example.com")
        let id = String(token.split(separator: "_")[1])

        func actions(_ arguments: String...) async throws -> [String] {
            let run = try await server.run(
                ["history", "--actor", id, "--output", "ndjson"] + arguments)
            try #require(run.exit == .code(0), "\(run.errors)")
            return try run.objects().compactMap { $0["action"] }
        }
        #expect(try await actions() == ["registered", "moved", "registered"])
        #expect(try await actions("--order", "asc", "--limit", "2") == ["registered", "moved"])
        #expect(try await actions("--action", "moved") == ["moved"])
        #expect(try await actions("--location", "aws") == ["moved"])
        #expect(try await actions("--migration", "none") == [])
        #expect(try await actions("--since", "2099-01-01T00:00:00Z") == [])
        #expect(try await actions("--until", first.registeredAt.description) == [])
        #expect(try await actions("--since", first.registeredAt.description).count == 3)
        #expect(
            try await actions("--until", second.registeredAt.description).contains("registered"))

        let all = try await server.succeed("history", "--action", "token_created")
        #expect(all.output.contains("first-admin"))
        #expect(!all.output.contains(token))
        #expect(try await server.run("history", "--action", "eaten").exit == .code(3))
        #expect(try await server.run("history", "--since", "yesterday").exit == .code(3))
    }

    @Test func `count domains`() async throws {
        let server = try RunningServer.current
        _ = try await server.client.register("count.example.com")
        let stats = try await server.succeed("stats", "--output", "ndjson")
        let japan = try stats.objects().first { $0["location"] == "japan" }
        #expect(japan?["domains"].flatMap { Int($0) } ?? 0 >= 1)
        #expect(japan?["frozen"] == "0")
        #expect(stats.errors.contains("domains at revision"))
        for format in ["table", "json", "csv"] {
            #expect(try await server.succeed("stats", "--output", format).output.contains("japan"))
        }
    }
}
