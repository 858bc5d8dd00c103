import Foundation
import RegistryAPI
import RegistryModel
import TestRandom
import Testing

@Suite("What has changed in a zone, on real DNS servers", .timeLimit(.minutes(15)))
struct DNSChangesTests {
    /// A registry, a server that has its zone, and the file that says so.
    private struct Published {
        let world: DNSWorld
        let server: NameServerProcess
        let state: URL

        static func start(_ kind: NameServerKind, _ more: String = "") async throws -> Published {
            let world = try await DNSWorld.start()
            _ = try world.folder.write(DNSWorld.base + more, to: "base")
            let server = try await NameServerProcess.start(
                kind, DNSWorld.zone, try await world.export())
            let published = Published(
                world: world, server: server, state: world.folder.file("state"))
            let first = try await published.whole()
            #expect(first.exit == .code(0) && first.output == "", "\(first.errors)")
            try published.keep()
            return published
        }

        /// What makes the server's zone the registry's, from a transfer.
        func whole() async throws -> CommandRun {
            let served = try await server.transfer(to: "served")
            return try await world.run("diff", "--nsupdate", served.path, "--state", state.path)
        }

        /// The same from what has changed.
        func part(_ more: String...) async throws -> CommandRun {
            try await world.registry.run(
                ["dns", "diff"] + world.arguments
                    + ["--dns-server", server.address, "--state", state.path] + more)
        }

        func keep() throws {
            try Data(contentsOf: state.appendingPathExtension("next")).write(to: state)
        }

        /// Whether the server has what the registry exports.
        func isWhole() async throws -> Bool {
            let served = try String(
                contentsOf: try await server.transfer(to: "after"), encoding: .utf8)
            return ZoneLines.content(of: served)
                == ZoneLines.content(of: try await world.export())
        }

        func stop() async throws {
            try await server.stop()
            try await world.registry.crash()
        }
    }

    private func change(
        _ published: Published, _ names: inout Set<String>, _ random: inout SeededRandom
    ) async throws {
        let registry = published.world.registry.client
        let location = PlacementText(location: Bool.random(using: &random) ? "aws" : "japan")
        let known = names.sorted().randomElement(using: &random)
        if let known, Int.random(in: 0..<4, using: &random) > 0 {
            if Bool.random(using: &random) {
                _ = try await registry.change(
                    known, DomainChangeRequest(location, allowsNested: true, allowsSplit: true))
            } else {
                try await registry.release(known, note: Note())
                names.remove(known)
            }
            return
        }
        // A name that was released rests, so each has another last label.
        let labels = (0..<Int.random(in: 0...2, using: &random)).map { _ in
            ["a", "b"].randomElement(using: &random)!
        }
        let first = "n\(Int.random(in: 0..<1_000_000, using: &random))"
        let name = ([first] + labels).joined(separator: ".") + "." + DNSWorld.zone
        _ = try await registry.register(
            DomainRegistration(
                fqdn: name, placement: location, allowsNested: true, allowsSplit: true))
        names.insert(name)
    }

    @Test(arguments: NameServerKind.updatable)
    func `makes it the registry's, whatever changes`(kind: NameServerKind) async throws {
        let published = try await Published.start(
            kind, "* IN MX 10 mail.example.net.\n*.a IN A 203.0.113.5\n")
        var random = SeededRandom(seed: 11)
        var names = Set(
            ["home", "globex", "acme", "y.acme", "a.b"].map { "\($0).\(DNSWorld.zone)" })
        for round in 0..<10 {
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                try await change(published, &names, &random)
            }
            let part = try await published.part()
            #expect(part.exit == .code(0), "\(part.errors)")
            do {
                try await published.server.update(part.output)
            } catch is Tool.Failed {
                // What the wildcard has besides addresses may be there already, and nobody has looked.
                #expect(part.output.contains("prereq nxrrset "))
                try await published.server.update(try await published.whole().output)
            }
            let check = try await published.world.check(published.server)
            #expect(check.exit == .code(0), "round \(round): \(part.output) \(check.output)")
            try published.keep()
            guard round % 3 == 2 else { continue }
            // What only repeats the wildcard goes when all is compared.
            let whole = try await published.whole()
            #expect(!whole.output.contains("update add"), "\(whole.output)")
            try await published.server.update(whole.output)
            #expect(try await published.isWhole(), "round \(round): \(whole.output)")
            try published.keep()
        }
        try await published.server.update(try await published.whole().output)
        try published.keep()
        let nothing = try await published.whole()
        #expect(nothing.exit == .code(0) && nothing.output == "", "\(nothing.output)")
        let none = try await published.part()
        #expect(none.exit == .code(0) && none.output == "", "\(none.output)")
        try await published.stop()
    }

    @Test(arguments: NameServerKind.updatable)
    func `leaves the operator's records alone, and what they keep in the tree answered`(
        kind: NameServerKind
    ) async throws {
        let published = try await Published.start(kind)
        let world = published.world
        _ = try await world.registry.succeed(
            "domains", "register", "bob.kintone.com", "--location", "aws")
        _ = try await world.registry.succeed(
            "domains", "register", "kim.kintone.com", "--location", "japan")
        try await published.server.update(try await published.part().output)
        try published.keep()
        try await published.server.update(
            """
            zone kintone.com.
            update add _acme-challenge.bob.kintone.com. 60 TXT x
            update add _acme-challenge.kim.kintone.com. 60 TXT x
            update add theirs.kintone.com. 60 A 203.0.113.7
            send

            """)
        _ = try await world.registry.succeed(
            "domains", "register", "theirs.kintone.com", "--location", "aws")
        try await world.move("bob", to: "japan")
        let since = try await world.registry.client.domain("theirs.kintone.com").value.revision
        _ = try await world.registry.client.change(
            "kim.kintone.com", DomainChangeRequest(PlacementText(mode: "read_only")))
        let part = try await published.part()
        #expect(part.exit == .code(0), "\(part.errors)")
        #expect(
            part.errors.contains("left as it is: theirs.kintone.com has the operator's A"),
            "\(part.errors)")
        #expect(part.errors.contains("kept: kim.kintone.com: "), "\(part.errors)")
        #expect(!part.output.contains("delete theirs."))
        try await published.server.update(part.output)
        let names = ["bob", "x.bob", "kim", "x.kim", "theirs"]
        let answers = try await published.server.answers(names.map { "\($0).kintone.com A" })
        for name in names {
            let place = name == "theirs" ? "203.0.113.7" : "192.0.2.10"
            #expect(answers["\(name).kintone.com A"] == [place], "\(name)")
        }
        let whole = try await published.whole()
        #expect(whole.output == "", "\(whole.output)")
        // What is asked for is what a revision that is said has after it.
        let later = try await world.registry.run(
            ["dns", "diff"] + world.arguments
                + ["--dns-server", published.server.address, "--since", "\(since)"])
        #expect(later.exit == .code(0) && !later.errors.contains("theirs"), "\(later.errors)")
        try await published.stop()
    }

    @Test func `isn't enough where anything else may have changed`() async throws {
        let published = try await Published.start(.knot)
        let world = published.world
        let kept = try Data(contentsOf: published.state)
        // Nobody has published anything.
        try FileManager.default.removeItem(at: published.state)
        let first = try await published.part()
        #expect(first.exit == .code(1) && first.output == "", "\(first.errors)")
        try kept.write(to: published.state)
        // A base that has changed.
        _ = try world.folder.write(DNSWorld.base + "w IN A 192.0.2.81\n", to: "base")
        #expect(try await published.part().exit == .code(1))
        _ = try world.folder.write(DNSWorld.base, to: "base")
        #expect(try await published.part().exit == .code(0))
        // Somebody else's wildcard.
        try await published.server.update(
            "zone kintone.com.\nupdate add *.kintone.com. 60 A 192.0.2.99\nsend\n")
        let wildcard = try await published.part()
        #expect(
            wildcard.exit == .code(1) && wildcard.errors.contains("*.kintone.com"),
            "\(wildcard.errors)")
        _ = try await world.registry.succeed(
            "locations", "set", "aws", "--no-dns")
        let location = try await published.part()
        #expect(
            location.exit == .code(1) && location.errors.contains("a location has changed"),
            "\(location.errors)")
        for wrong in [
            ["--dns-server", published.server.address], ["--nsupdate", "x", "--since", "1"],
            ["--dns-server", "ns1.kintone.com", "--since", "1"],
        ] {
            let run = try await world.registry.run(["dns", "diff"] + world.arguments + wrong)
            #expect(run.exit == .code(2), "\(wrong) \(run.errors)")
        }
        try await published.stop()
    }

    @Test(arguments: NameServerKind.updatable)
    func `is published by an agent's --on-change`(kind: NameServerKind) async throws {
        let world = try await DNSWorld.start()
        let server = try await NameServerProcess.start(
            kind, DNSWorld.zone, try await world.export())
        let state = world.folder.file("state")
        let script = Repository.root.appendingPathComponent("deploy/dns/update").path
        let program = kind == .knot ? "knsupdate" : "nsupdate"
        // It notes each transfer of the whole zone.
        let transfers = world.folder.file("transfers")
        let dig = try world.folder.write(
            "#!/bin/sh\necho >> \(transfers.path)\nexec dig \"$@\"\n", to: "dig")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: dig.path)
        func transferCount() throws -> Int {
            try String(contentsOf: transfers, encoding: .utf8).utf8.count
        }
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: world.registry.url,
            arguments: [
                "--token", world.registry.adminToken, "--write",
                "nginx-map:\(world.folder.file("dns.map").path)", "--on-change",
                "\(script) \(DNSWorld.zone) japan \(world.base.path) \(state.path) 127.0.0.1 "
                    + "\(program) -v",
            ],
            environment: [
                "TENANT_REGISTRY": TenantRegistryBinary.url.path,
                "TENANT_REGISTRY_SERVER": world.registry.url.absoluteString,
                "TENANT_REGISTRY_TOKEN": world.registry.adminToken, "DNS_PORT": "\(server.port)",
                "DNS_DIG": dig.path,
            ])
        for place in ["aws", "japan", "aws"] {
            try await world.move("home", to: place)
            _ = try await world.registry.client.convergence(waitSeconds: 60)
            let check = try await world.check(server)
            #expect(check.exit == .code(0), "\(check.output)\(check.errors)")
            #expect(try transferCount() == 1, "nothing was published before the first")
        }
        // A location's addresses are every name's, so that all is compared.
        _ = try await world.registry.succeed(
            "locations", "set", "aws", "--dns-a", "198.51.100.20", "--dns-aaaa", "2001:db8::20")
        try await world.move("globex", to: "aws")
        _ = try await world.registry.client.convergence(waitSeconds: 60)
        let check = try await world.check(server)
        #expect(check.exit == .code(0), "\(check.output)\(check.errors)")
        #expect(try transferCount() == 2)
        _ = try await agent.stop()
        try await server.stop()
        try await world.registry.crash()
    }

    /// Somebody's records at and below tenants' names that aren't in the base: a part can't know of them.
    @Test(arguments: NameServerKind.updatable)
    func `leaves nobody unanswered because of records that nobody was told of`(
        kind: NameServerKind
    ) async throws {
        let world = try await DNSWorld.start()
        _ = try await world.registry.succeed(
            "locations", "set", "edge", "--upstream", "http://edge.example", "--dns-cname",
            "edge.example.net")
        let server = try await NameServerProcess.start(
            kind, DNSWorld.zone, try await world.export())
        let folder = try TestFolder()
        func publish() async throws {
            let script = try ChildProcess(
                Repository.root.appendingPathComponent("deploy/dns/update"),
                [
                    DNSWorld.zone, "japan", world.base.path, folder.file("state").path,
                    "127.0.0.1", kind == .knot ? "knsupdate" : "nsupdate", "-v",
                ], outputs: folder.url,
                environment: [
                    "TENANT_REGISTRY": TenantRegistryBinary.url.path,
                    "TENANT_REGISTRY_SERVER": world.registry.url.absoluteString,
                    "TENANT_REGISTRY_TOKEN": world.registry.adminToken,
                    "DNS_PORT": "\(server.port)",
                ])
            #expect(
                try await script.waitForExit(within: .seconds(60)) == .code(0), "\(script.errors)")
        }
        func place(_ name: String) async throws -> [String]? {
            let question = "\(name).\(DNSWorld.zone) A"
            return try await server.answers([question])[question]
        }
        func part() async throws -> CommandRun {
            try await world.registry.run(
                ["dns", "diff"] + world.arguments
                    + ["--dns-server", server.address, "--state", folder.file("state").path])
        }
        for name in ["home", "globex"] { try await world.move(name, to: "aws") }
        try await publish()
        try await server.update(
            """
            zone kintone.com.
            update add home.kintone.com. 60 TXT spf
            update add _dmarc.globex.kintone.com. 60 TXT dmarc
            send

            """)
        // Back: the messages themselves leave nobody without an address.
        for name in ["home", "globex"] { try await world.move(name, to: "japan") }
        try await server.update(try await part().output)
        for name in ["home", "x.home", "globex", "x.globex"] {
            #expect(try await place(name) == ["192.0.2.10"], "\(name)")
        }
        try await publish()
        // A CNAME can't stand beside it: the message is refused as a whole, and nobody is ever without an address.
        try await world.move("home", to: "edge")
        let refused = try await part()
        #expect(refused.exit == .code(0), "\(refused.errors)")
        await #expect(throws: (any Error).self) { try await server.update(refused.output) }
        #expect(try await place("home") == ["192.0.2.10"])
        try await publish()
        #expect(try await place("home") == ["192.0.2.10"])
        // What no message looks for is found by asking for what was sent.
        try await server.update(
            "zone kintone.com.\nupdate add globex.kintone.com. 60 EUI48 00-00-5e-00-53-2a\nsend\n")
        try await world.move("globex", to: "edge")
        try await publish()
        #expect(try await place("globex") == ["192.0.2.10"])
        // A location's address changes: what leads to the one before is still the registry's.
        _ = try await world.registry.succeed("locations", "set", "aws", "--dns-a", "198.51.100.77")
        try await publish()
        #expect(try await place("acme") == ["198.51.100.77"])
        // Where nothing stands beside it, it's a CNAME.
        try await world.move("a.b", to: "edge")
        try await publish()
        let found = try await server.answers(["a.b.kintone.com CNAME"])
        #expect(found["a.b.kintone.com CNAME"] == ["edge.example.net."])
        // What is published is one server's: another one's is compared whole.
        let kept = try String(contentsOf: folder.file("state.server"), encoding: .utf8)
        #expect(kept == "127.0.0.1:\(server.port)\n")
        try await server.stop()
        try await world.registry.crash()
    }
}
