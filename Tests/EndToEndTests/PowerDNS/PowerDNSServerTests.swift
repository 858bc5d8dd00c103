import Foundation
import Testing

/// PowerDNS from Debian, as it's delivered for, in front of a registry that runs.
@Suite("PowerDNS asks the registry", .timeLimit(.minutes(15))) struct PowerDNSServerTests {
    private static let base = """
        $ORIGIN kintone.com.
        $TTL 3600
        @ IN SOA ns1.example.net. hostmaster.example.net. 7 3600 600 1209600 60
        @ IN NS ns1.example.net.
        @ IN MX 10 mail.example.net.
        desk IN A 203.0.113.80
        alias IN CNAME desk
        _acme-challenge.acme IN TXT "token"
        _x._tcp.nobody IN TXT "far below"
        sub IN NS ns.sub
        ns.sub IN A 203.0.113.53

        """
    private static let wildcard = ["A 192.0.2.10", "AAAA 2001:db8::10"]
    private static let aws = ["A 198.51.100.7"]

    private struct Ground {
        let folder: TestFolder
        var server: ServerProcess
        let powerDNS: PowerDNSProcess
        /// Of the listener that PowerDNS asks.
        let asked: Int

        init(cacheSeconds: Int) async throws {
            folder = try TestFolder()
            _ = try folder.write(base, to: "base.zone")
            server = try await Self.serve(folder)
            asked = try await poll("the listener for PowerDNS") { [server] in
                server.log.first { $0.announces == "powerdns" }?.port
            }
            _ = try await server.succeed("locations", "set", "aws", "--dns-a", "198.51.100.7")
            _ = try await server.succeed(
                "locations", "set", "japan", "--dns-a", "192.0.2.10", "--dns-aaaa",
                "2001:db8::10")
            powerDNS = try await PowerDNSProcess.start(
                in: TestFolder(), asking: asked, cacheSeconds: cacheSeconds)
        }

        static func serve(
            _ folder: TestFolder, port: Int = 0, asked: Int = 0
        ) async throws -> ServerProcess {
            try await ServerProcess.start(
                in: folder, port: port,
                arguments: [
                    "--dns-zone", "kintone.com=japan", "--dns-base", folder.file("base.zone").path,
                    "--powerdns-listen", "127.0.0.1:\(asked)", "--drain-seconds", "0",
                ])
        }

        func register(_ name: String, _ location: String = "aws") async throws {
            _ = try await server.succeed("domains", "register", name, "--location", location)
        }

        func addresses(_ name: String) async throws -> [String] {
            let four = try await powerDNS.ask(name, "A")
            let six = try await powerDNS.ask(name, "AAAA")
            #expect(four.status == "NOERROR" && six.status == "NOERROR", "\(name)")
            return four.records + six.records
        }
    }

    private static func withPowerDNS(
        cacheSeconds: Int = 0, _ body: (inout Ground) async throws -> Void
    ) async throws {
        var ground = try await Ground(cacheSeconds: cacheSeconds)
        try await body(&ground)
        ground.powerDNS.process.signal(SIGTERM)
        try await ground.powerDNS.process.waitForExit()
        try await ground.server.crash()
    }

    @Test func `and answers at, beside and below exceptions as the zone would`() async throws {
        try await Self.withPowerDNS { ground in
            for name in ["acme.kintone.com", "a.b.kintone.com", "x.y.z.kintone.com"] {
                try await ground.register(name)
            }
            try await ground.register("stay.kintone.com", "japan")
            try await ground.register("c.z.kintone.com", "japan")
            for name in ["acme.kintone.com", "a.b.kintone.com", "x.y.z.kintone.com"] {
                #expect(try await ground.addresses(name) == Self.aws, "\(name)")
            }
            for name in [
                // The wildcard's, whether it says so or a record does.
                "stay.kintone.com", "new.kintone.com", "deep.new.kintone.com", "y.acme.kintone.com",
                "b.kintone.com", "c.b.kintone.com", "z.a.b.kintone.com", "z.kintone.com",
                "y.z.kintone.com", "c.z.kintone.com", "d.z.kintone.com", "d.y.z.kintone.com",
                // Below what the operator has, and above it.
                "nobody.kintone.com", "other.nobody.kintone.com",
            ] {
                #expect(try await ground.addresses(name) == Self.wildcard, "\(name)")
            }
            let dns = ground.powerDNS
            for (name, type, reply) in [
                ("_acme-challenge.acme.kintone.com", "TXT", .init("NOERROR", "TXT \"token\"")),
                ("_tcp.nobody.kintone.com", "A", .init("NOERROR")),
                ("acme.kintone.com", "TXT", .init("NOERROR")),
                ("kintone.com", "MX", .init("NOERROR", "MX 10 mail.example.net.")),
                ("kintone.com", "A", .init("NOERROR")),
                ("desk.kintone.com", "A", .init("NOERROR", "A 203.0.113.80")),
                ("x.desk.kintone.com", "A", .init("NXDOMAIN")),
                (
                    "alias.kintone.com", "A",
                    .init("NOERROR", "A 203.0.113.80", "CNAME desk.kintone.com.")
                ),
                ("x.sub.kintone.com", "A", .init("NOERROR")),
                ("kintone.net", "A", .init("REFUSED")),
            ] as [(String, String, PowerDNSProcess.Reply)] {
                #expect(try await dns.ask(name, type) == reply, "\(name) \(type)")
            }
        }
    }

    @Test func `and gives away the zone that the registry exports`() async throws {
        try await Self.withPowerDNS { made in
            let ground = made
            for name in ["acme.kintone.com", "a.b.kintone.com"] { try await ground.register(name) }
            let server = ground.server
            let exported = try await server.succeed(
                "dns", "export", "--zone", "kintone.com", "--default", "japan", "--ttl", "60",
                "--base", ground.folder.file("base.zone").path)
            let lines = ZoneLines.all(in: exported.output)
            // The serial follows within a moment, and PowerDNS ends with the SOA again.
            let served = try await poll("the serial") { () -> [String]? in
                let served = try await ground.powerDNS.transfer("kintone.com")
                return served.first == lines.first ? served : nil
            }
            #expect(served.last == lines.first)
            #expect(served.dropLast().sorted() == lines.sorted())
        }
    }

    @Test func `and follows a move there and back, both address families`() async throws {
        try await Self.withPowerDNS { ground in
            try await ground.register("acme.kintone.com", "japan")
            for turn in 0..<6 {
                let place = turn % 2 == 0 ? "aws" : "japan"
                _ = try await ground.server.move("acme.kintone.com", to: place)
                let wanted = place == "aws" ? Self.aws : Self.wildcard
                #expect(try await ground.addresses("acme.kintone.com") == wanted)
            }
        }
    }

    /// 404 would be "by the wildcard": the other place.
    @Test func `and says that it can't tell while the registry is away, and goes on after that`()
        async throws
    {
        try await Self.withPowerDNS { ground in
            try await ground.register("acme.kintone.com")
            let port = ground.server.port
            try await ground.server.crash()
            for name in ["acme.kintone.com", "new.kintone.com"] {
                #expect(try await ground.powerDNS.ask(name, "A") == .init("SERVFAIL"))
            }
            ground.server = try await Ground.serve(ground.folder, port: port, asked: ground.asked)
            #expect(try await ground.addresses("acme.kintone.com") == Self.aws)
            #expect(try await ground.addresses("new.kintone.com") == Self.wildcard)
        }
    }

    @Test func `and forgets what it keeps when an agent beside it hears of a change`() async throws
    {
        try await Self.withPowerDNS(cacheSeconds: 3600) { ground in
            try await ground.register("acme.kintone.com", "japan")
            #expect(try await ground.addresses("acme.kintone.com") == Self.wildcard)
            #expect(try await ground.addresses("y.acme.kintone.com") == Self.wildcard)
            let revision = try await ground.server.move("acme.kintone.com", to: "aws")
            #expect(try await ground.addresses("acme.kintone.com") == Self.wildcard, "it's kept")
            let control = "pdns_control --socket-dir=\(ground.powerDNS.folder.url.path)"
            let purge = Repository.root.appendingPathComponent("deploy/dns/purge").path
            let agent = try await AgentProcess.start(
                in: TestFolder(), upstream: ground.server.url,
                arguments: [
                    "--token", ground.server.adminToken, "--write",
                    "nginx-map:\(ground.folder.file("dns.map").path)", "--on-change",
                    "\(purge) kintone.com",
                ], environment: ["PDNS_CONTROL": control])
            try await agent.reaches(revision)
            _ = try await ground.server.client.convergence(waitSeconds: 30)
            #expect(try await ground.addresses("acme.kintone.com") == Self.aws)
            _ = try await ground.server.move("acme.kintone.com", to: "japan")
            let found = try await ground.server.client.convergence(waitSeconds: 30).value
            #expect(found.converged == 1)
            #expect(try await ground.addresses("acme.kintone.com") == Self.wildcard)
            _ = try await agent.stop()
        }
    }
}

extension PowerDNSProcess.Reply {
    init(_ status: String, _ records: String...) {
        self.init(status: status, records: records)
    }
}
