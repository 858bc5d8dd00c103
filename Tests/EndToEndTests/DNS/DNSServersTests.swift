import Foundation
import Testing

@Suite("The zone on real DNS servers", .timeLimit(.minutes(15))) struct DNSServersTests {
    @Test(arguments: NameServerKind.allCases)
    func `is answered as the registry has it, at, beside and below exceptions`(
        kind: NameServerKind
    ) async throws {
        let world = try await DNSWorld.shared
        let zone = try await world.export()
        let server = try await NameServerProcess.start(kind, DNSWorld.zone, zone)
        let names = DNSWorld.answers.mapValues { side in
            side == "japan" ? (["192.0.2.10"], ["2001:db8::10"]) : (["198.51.100.20"], [])
        }
        var wanted: [String: [String]] = [
            "mine.kintone.com A": ["192.0.2.80"], "mine.kintone.com AAAA": [],
            "kintone.com MX": ["10 mail.example.net."], "kintone.com A": [],
            "_acme-challenge.globex.kintone.com TXT": [#""token""#],
            "_acme-challenge.globex.kintone.com A": [],
        ]
        for (name, (ipv4, ipv6)) in names {
            wanted["\(name).kintone.com A"] = ipv4
            wanted["\(name).kintone.com AAAA"] = ipv6
        }
        let answers = try await server.answers(Array(wanted.keys))
        for (question, values) in wanted {
            #expect(answers[question] == values, "\(question)")
        }
        let check = try await world.check(server)
        #expect(check.exit == .code(0), "\(check.output)\(check.errors)")
        #expect(check.output == "" && check.errors.contains("published through revision"))
        try await server.stop()
    }

    @Test func `passes the checks that come with BIND and Knot DNS`() async throws {
        let world = try await DNSWorld.shared
        let file = world.folder.file("exported")
        let run = try await world.run("export", file.path)
        #expect(run.exit == .code(0) && run.output == "")
        // The operator has this name's address.
        #expect(run.errors.contains("left out: mine.kintone.com: "), "\(run.errors)")
        #expect(run.errors.contains("kintone.com through revision "))
        for checker in [
            ["named-checkzone", "-i", "local", DNSWorld.zone, file.path],
            ["kzonecheck", "-o", DNSWorld.zone, file.path],
        ] {
            _ = try await Tool.run(checker, in: world.folder, codes: [0])
        }
        let yaml = try await world.run("export", "--format", "octodns")
        #expect(yaml.exit == .code(0) && yaml.output.contains("'*.acme':"), "\(yaml.output)")
        let records = try await world.run("export", "--format", "records")
        #expect(
            records.lines.contains(
                #"{"name":"acme.kintone.com","type":"A","ttl":60,"values":["198.51.100.20"]}"#))
    }

    @Test(arguments: [NameServerKind.bind, .knot, .nsd])
    func `is published by an agent's --on-change, and never where it isn't right`(
        kind: NameServerKind
    ) async throws {
        let world = try await DNSWorld.start()
        let server = try await NameServerProcess.start(
            kind, DNSWorld.zone, try await world.export(), takesUpdates: false)
        // The operator's file, with something in it that ends the zone.
        let base = try world.folder.write(DNSWorld.base, to: "own")
        let publish = Repository.root.appendingPathComponent("deploy/dns/publish").path
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: world.registry.url,
            arguments: [
                "--token", world.registry.adminToken, "--write",
                "nginx-map:\(world.folder.file("dns.map").path)", "--on-change",
                "\(publish) \(DNSWorld.zone) japan \(base.path) \(server.zoneFile.path) "
                    + "kill -HUP \(server.pid)",
            ],
            environment: [
                "TENANT_REGISTRY": TenantRegistryBinary.url.path,
                "TENANT_REGISTRY_SERVER": world.registry.url.absoluteString,
                "TENANT_REGISTRY_TOKEN": world.registry.adminToken,
            ])
        for place in ["aws", "japan", "aws"] {
            try await world.move("home", to: place)
            _ = try await world.registry.client.convergence(waitSeconds: 60)
            // A signal isn't waited for.
            let check = try await poll("the zone is served") { () -> CommandRun? in
                let check = try await world.check(server)
                return check.exit == .code(0) ? check : nil
            }
            #expect(check.output == "")
        }
        _ = try world.folder.write(
            DNSWorld.base + "home IN CNAME a.\nhome IN A 192.0.2.1\n", to: "own")
        try await world.move("home", to: "japan")
        let lagging = try await world.registry.client.convergence(waitSeconds: 1).value
        #expect(lagging.converged == 0)
        let question = "home.kintone.com A"
        let kept = try await server.answers([question])
        #expect(kept == [question: ["198.51.100.20"]])
        _ = try world.folder.write(DNSWorld.base, to: "own")
        let mended = try await world.registry.client.convergence(waitSeconds: 60).value
        #expect(mended.converged == 1)
        _ = try await poll("the zone is served") {
            try await world.check(server).exit == .code(0) ? true : nil
        }
        _ = try await agent.stop()
        try await server.stop()
        try await world.registry.crash()
    }

    @Test(arguments: NameServerKind.updatable)
    func `follows a move there and back by dynamic updates, both families of addresses`(
        kind: NameServerKind
    ) async throws {
        let world = try await DNSWorld.start()
        let server = try await NameServerProcess.start(
            kind, DNSWorld.zone, try await world.export())
        let names = ["home", "globex", "y.acme", "c.d.e"]
        _ = try await world.registry.succeed(
            "domains", "register", "c.d.e.kintone.com", "--location", "japan")
        for (side, ipv4, ipv6) in [
            ("aws", ["198.51.100.20"], []), ("japan", ["192.0.2.10"], ["2001:db8::10"]),
            ("aws", ["198.51.100.20"], [String]()),
        ] {
            for name in names { try await world.move(name, to: side) }
            let difference = try await world.difference(server)
            #expect(difference.exit == .code(0), "\(difference.errors)")
            try await server.update(difference.output)
            let served = try String(
                contentsOf: try await server.transfer(to: "after"), encoding: .utf8)
            #expect(
                ZoneLines.content(of: served)
                    == ZoneLines.content(of: try await world.export()))
            let questions = names.map { "\($0).kintone.com" }
            let answers = try await server.answers(questions.flatMap { ["\($0) A", "\($0) AAAA"] })
            for question in questions {
                #expect(answers["\(question) A"] == ipv4, "\(question)")
                #expect(answers["\(question) AAAA"] == ipv6, "\(question)")
            }
            let nothing = try await world.difference(server)
            #expect(nothing.output == "" && nothing.exit == .code(0))
        }
        try await server.stop()
        try await world.registry.crash()
    }

    /// Servers keep the case of names, or don't; and what stands for the operator's wildcard isn't the operator's.
    @Test(arguments: NameServerKind.updatable)
    func `needs no change after it's loaded, and follows the operator's own wildcard`(
        kind: NameServerKind
    ) async throws {
        let world = try await DNSWorld.start()
        for name in ["w1.op", "q.w3.op", "bob"] {
            _ = try await world.registry.succeed(
                "domains", "register", "\(name).kintone.com", "--location",
                name == "bob" ? "japan" : "aws", "--allow-split")
        }
        let base =
            DNSWorld.base + """
                @ IN NS NS2.Example.net.
                @ IN MX 20 Mail2.Example.NET.
                _sip._tcp IN SRV 1 2 5060 Sip.Example.net.
                Docs IN CNAME Docs.Example.net.
                *.op IN A 203.0.113.5
                *.op IN MX 10 Mail.Example.net.

                """
        _ = try world.folder.write(base, to: "base")
        let server = try await NameServerProcess.start(
            kind, DNSWorld.zone, try await world.export())
        let nothing = try await world.difference(server)
        #expect(nothing.exit == .code(0) && nothing.output == "", "\(nothing.output)")
        #expect(nothing.errors.contains("left as they are: 0;"), "\(nothing.errors)")
        let check = try await world.check(server)
        #expect(check.exit == .code(0), "\(check.output)\(check.errors)")

        _ = try world.folder.write(base.replacing("203.0.113.5", with: "203.0.113.6"), to: "base")
        // Somebody else's tool proves that a name is its own.
        try await server.update(
            "zone kintone.com.\nupdate add _acme-challenge.bob.kintone.com. 60 TXT x\nsend\n")
        let lost = try await world.check(server, "--only", "bob.kintone.com")
        #expect(lost.output.contains("bob.kintone.com A: wants 192.0.2.10, has nothing"))
        let difference = try await world.difference(server)
        #expect(difference.errors.contains("kept: bob.kintone.com: "), "\(difference.errors)")
        try await server.update(difference.output)
        let names = ["bob", "x.bob", "x.op", "x.w1.op", "w3.op", "w1.op"]
        let answers = try await server.answers(names.map { "\($0).kintone.com A" })
        let places = ["192.0.2.10", "192.0.2.10"] + Array(repeating: "203.0.113.6", count: 3)
        for (name, place) in zip(names, places + ["198.51.100.20"]) {
            #expect(answers["\(name).kintone.com A"] == [place], "\(name)")
        }
        let after = try await world.difference(server)
        #expect(after.output == "" && after.errors.contains("left as they are: 0;"))
        for only in [[], ["--only", "bob.kintone.com"]] {
            let check = try await world.registry.run(
                ["dns", "check"] + world.arguments + ["--dns-server", server.address] + only)
            #expect(check.exit == .code(0), "\(check.output)\(check.errors)")
        }
        // The end of a transfer is its SOA.
        let served = try String(
            contentsOf: try await server.transfer(to: "whole"), encoding: .utf8)
        let part = served.split(separator: "\n").dropLast(1).joined(separator: "\n") + "\n"
        let cut = try await world.run(
            "diff", "--nsupdate", try world.folder.write(part, to: "part").path)
        #expect(cut.exit == .code(2) && cut.output == "", "\(cut.output)")
        try await server.stop()
        try await world.registry.crash()
    }

    /// A name that becomes a CNAME, a TTL that changes alone, and a location that gets another address.
    @Test(arguments: NameServerKind.updatable)
    func `follows what isn't a move too`(kind: NameServerKind) async throws {
        let world = try await DNSWorld.start()
        let server = try await NameServerProcess.start(
            kind, DNSWorld.zone, try await world.export())
        let arguments = world.arguments.map { $0 == "60" ? "90" : $0 }
        // All addresses of this one have no room in an answer over UDP.
        let long = String(repeating: "l", count: 60)
        _ = try await world.registry.succeed(
            "domains", "register", "\(long).kintone.com", "--location", "aws")
        let many = (1...16).flatMap { ["--dns-aaaa", "2001:db8::\($0)"] }
        for change in [
            ["--dns-cname", "edge.example.net"],
            ["--dns-a", "198.51.100.21", "--dns-aaaa", "2001:db8::21"], many,
        ] {
            _ = try await world.registry.succeed("locations", "set", "aws", "--no-dns")
            let set = try await world.registry.run(["locations", "set", "aws"] + change)
            #expect(set.exit == .code(0), "\(set.errors)")
            let served = try await server.transfer(to: "served")
            // What aws had before isn't the registry's any more, unless somebody says so.
            let difference = try await world.registry.run(
                ["dns", "diff"] + arguments
                    + [
                        "--nsupdate", served.path, "--former-target", "198.51.100.20",
                        "--former-target", "edge.example.net", "--former-target",
                        "198.51.100.21", "--former-target", "2001:db8::21",
                    ])
            #expect(difference.errors.contains("left as they are: 0"), "\(difference.errors)")
            try await server.update(difference.output)
            let after = try String(
                contentsOf: try await server.transfer(to: "after"), encoding: .utf8)
            let wanted = try await world.registry.run(["dns", "export"] + arguments)
            #expect(ZoneLines.content(of: after) == ZoneLines.content(of: wanted.output))
            let check = try await world.registry.run(
                ["dns", "check"] + arguments + ["--dns-server", server.address])
            #expect(check.exit == .code(0), "\(check.output)\(check.errors)")
        }
        try await server.stop()
        try await world.registry.crash()
    }

    /// Each by hand, in the file that the server is started with.
    @Test(arguments: NameServerKind.allCases)
    func `is found wrong by the check, name by name, where it is`(
        kind: NameServerKind
    ) async throws {
        let world = try await DNSWorld.shared
        let zone = ZoneLines.all(in: try await world.export()).compactMap { line -> String? in
            switch line {
            case "acme.kintone.com. 60 IN A 198.51.100.20": "acme.kintone.com. 60 IN A 203.0.113.9"
            // An address that a move has left behind, one that's missing, a TTL, a CNAME.
            case "a.b.kintone.com. 60 IN A 198.51.100.20":
                line + "\na.b.kintone.com. 60 IN AAAA 2001:db8::10"
            case "globex.kintone.com. 60 IN AAAA 2001:db8::10": nil
            case "*.globex.kintone.com. 60 IN A 192.0.2.10":
                "*.globex.kintone.com. 61 IN A 192.0.2.10"
            case "y.acme.kintone.com. 60 IN A 192.0.2.10":
                "y.acme.kintone.com. 60 IN CNAME elsewhere.example.net."
            case "y.acme.kintone.com. 60 IN AAAA 2001:db8::10": nil
            default: line
            }
        }
        let server = try await NameServerProcess.start(
            kind, DNSWorld.zone, zone.joined(separator: "\n") + "\n")
        let check = try await world.check(server)
        #expect(check.exit == .code(1))
        let made = try Regex(#"^dns-check-[a-z0-9]+\."#)
        let lines = check.lines.map { $0.replacing(made, with: "MADE-UP.") }
        #expect(
            Set(lines) == [
                "acme.kintone.com A: wants 198.51.100.20, has 203.0.113.9",
                "a.b.kintone.com AAAA: wants nothing, has 2001:db8::10",
                "globex.kintone.com AAAA: wants 2001:db8::10, has nothing",
                "*.globex.kintone.com A: wants TTL 60, has 61",
                "MADE-UP.globex.kintone.com (made up) A: wants TTL 60, has 61",
                "y.acme.kintone.com A: wants 192.0.2.10, has CNAME elsewhere.example.net.",
                "y.acme.kintone.com AAAA: wants 2001:db8::10, has CNAME elsewhere.example.net.",
            ], "\(lines)")
        #expect(check.errors.contains("7 differences"))
        let only = try await world.check(server, "--only", "home.kintone.com", "b.kintone.com")
        #expect(only.exit == .code(0), "\(only.output)\(only.errors)")
        try await server.stop()
    }

    @Test func `can't be checked where nobody serves it, each with a code of its own`()
        async throws
    {
        let world = try await DNSWorld.shared
        let server = try await NameServerProcess.start(
            .bind, "example.org",
            DNSWorld.base.replacing("kintone.com", with: "example.org"))
        let refused = try await world.check(server)
        #expect(refused.exit == .code(3) && refused.errors.contains("doesn't have the zone"))
        try await server.stop()
        let nobody = try await world.check(server)
        #expect(nobody.exit == .code(4) && nobody.errors.contains("nobody answers DNS questions"))
        #expect(try await world.check(server, "--only", "example.org").exit == .code(2))
        let name = try await world.registry.run(
            "dns", "check", "--zone", DNSWorld.zone, "--dns-server", "ns1.kintone.com")
        #expect(name.exit == .code(2))
    }
}
