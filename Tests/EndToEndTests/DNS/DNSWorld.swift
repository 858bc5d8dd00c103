import Foundation
import Testing

/// A registry with two locations, `japan` with both families and `aws` with IPv4 alone, and a zone that has a bit of everything.
final class DNSWorld: Sendable {
    static let zone = "kintone.com"

    /// What the operator has in the zone.
    static let base = """
        $ORIGIN kintone.com.
        $TTL 300
        @ IN SOA ns1 hostmaster 7 3600 600 1209600 60
        @ IN NS ns1
        @ IN MX 10 mail.example.net.
        ns1 IN A 192.0.2.53
        mine IN A 192.0.2.80
        _acme-challenge.globex IN TXT "token"

        """

    /// Who lives where.
    static let tenants = [
        "home.kintone.com,japan", "globex.kintone.com,japan", "acme.kintone.com,aws",
        "y.acme.kintone.com,japan", "a.b.kintone.com,aws", "mine.kintone.com,aws",
    ]

    /// What a server has to answer, for a name beside, at and below exceptions. `japan` and `aws` stand for their addresses.
    static let answers: [String: String] = [
        "home": "japan", "nobody": "japan", "x.nobody": "japan",
        "acme": "aws", "x.acme": "japan", "y.acme": "japan", "z.y.acme": "japan",
        "a.b": "aws", "b": "japan", "c.b": "japan", "x.a.b": "japan",
        "globex": "japan", "x.globex": "japan",
    ]

    let registry: ServerProcess
    let folder: TestFolder
    let base: URL

    /// One for all tests that only read.
    static var shared: DNSWorld {
        get async throws { try await made.value }
    }

    private static let made = Task { try await start() }

    static func start() async throws -> DNSWorld {
        let registry = try await ServerProcess.start(in: TestFolder())
        let world = try DNSWorld(registry)
        _ = try await registry.succeed(
            "locations", "set", "japan", "--dns-a", "192.0.2.10", "--dns-aaaa", "2001:db8::10")
        _ = try await registry.succeed("locations", "set", "aws", "--dns-a", "198.51.100.20")
        let file = try world.folder.write(
            (["fqdn,location"] + tenants).joined(separator: "\n"), to: "tenants.csv")
        _ = try await registry.succeed("import", "--allow-nested", file.path)
        return world
    }

    private init(_ registry: ServerProcess) throws {
        self.registry = registry
        folder = try TestFolder()
        base = try folder.write(Self.base, to: "base")
    }

    var arguments: [String] {
        ["--zone", Self.zone, "--default", "japan", "--ttl", "60", "--base", base.path]
    }

    func run(_ command: String, _ more: String...) async throws -> CommandRun {
        try await registry.run(["dns", command] + arguments + more)
    }

    /// The whole zone, as a master file.
    func export() async throws -> String {
        let run = try await run("export")
        try #require(run.exit == .code(0), "\(run.errors)")
        return run.output
    }

    func move(_ name: String, to location: String) async throws {
        _ = try await registry.succeed(
            "domains", "change", "\(name).\(Self.zone)", "--location", location, "--allow-split")
    }

    func check(_ server: NameServerProcess, _ more: String...) async throws -> CommandRun {
        try await registry.run(
            ["dns", "check"] + arguments + ["--dns-server", server.address] + more)
    }

    /// What makes the server's zone the registry's.
    func difference(_ server: NameServerProcess) async throws -> CommandRun {
        let served = try await server.transfer(to: "served")
        return try await run("diff", "--nsupdate", served.path)
    }
}
