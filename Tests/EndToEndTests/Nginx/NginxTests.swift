import Foundation
import Synchronization
import Testing

/// Whether the registry has been told of a move.
private final class Move: Sendable {
    private let flag = Atomic(false)

    var isDone: Bool { flag.load(ordering: .acquiring) }

    func finish() { flag.store(true, ordering: .releasing) }
}

@Suite("nginx in front of the registry") struct NginxTests {
    /// A registry with these tenants, and nginx before it.
    private func start(_ tenants: [(String, String)]) async throws -> (ServerProcess, NginxProcess)
    {
        let registry = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--access-log", "off"])
        let lines = ["fqdn,location"] + tenants.map { "\($0.0),\($0.1)" }
        let file = try registry.folder.write(lines.joined(separator: "\n"), to: "tenants.csv")
        _ = try await registry.succeed("import", file.path)
        return (registry, try await NginxProcess.start(before: registry))
    }

    @Test func `sends a thousand tenants each to its side`() async throws {
        let tenants = (0..<1000).map {
            ("t\($0).kintone.com", $0.isMultiple(of: 3) ? "aws" : "japan")
        }
        let (registry, nginx) = try await start(tenants)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 {
                group.addTask {
                    for index in stride(from: part, to: tenants.count, by: 4) {
                        let (host, side) = tenants[index]
                        let page = try await nginx.visit(host)
                        #expect(page.status == 200)
                        #expect(page.body == "\(side) \(host) \(side)")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await nginx.visit("nobody.kintone.com").status == 404)
        try await registry.crash()
    }

    @Test func `follows a tenant that moves, and no request fails or goes back`() async throws {
        let (registry, nginx) = try await start([
            ("acme.kintone.com", "japan"), ("stays.kintone.com", "japan"),
        ])
        let move = Move()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    // The side may change once, from japan to aws, and never back.
                    var seen = "japan"
                    while !move.isDone || seen != "aws" {
                        let page = try await nginx.visit("acme.kintone.com")
                        try #require(page.status == 200)
                        try #require(page.side == "japan" && seen == "japan" || page.side == "aws")
                        seen = String(page.side)
                        try #require(try await nginx.visit("stays.kintone.com").side == "japan")
                    }
                }
            }
            _ = try await registry.succeed(
                "domains", "change", "acme.kintone.com", "--location", "aws", "--reason", "test")
            move.finish()
            try await group.waitForAll()
        }
        let history = try await registry.succeed(
            "domains", "history", "acme.kintone.com")
        #expect(
            history.output.contains("moved  acme.kintone.com  japan → aws  by first-admin  “test”"))
        try await registry.crash()
    }

    @Test func `keeps known sites up without the registry, also across its own restart`()
        async throws
    {
        let (registry, first) = try await start([
            ("acme.kintone.com", "aws"), ("quiet.kintone.com", "japan"),
        ])
        #expect(try await first.visit("acme.kintone.com").side == "aws")
        try await registry.crash()
        for _ in 0..<20 { #expect(try await first.visit("acme.kintone.com").side == "aws") }

        let second = try await first.restarted()
        for _ in 0..<20 { #expect(try await second.visit("acme.kintone.com").side == "aws") }
        // Nobody ever asked for this one: nginx can't know, and says so.
        let unseen = try await second.visit("quiet.kintone.com")
        #expect(unseen.status == 503)
        #expect(unseen.retryAfter == "5")
    }

    @Test func `keeps known sites up when its token is revoked`() async throws {
        let (registry, nginx) = try await start([
            ("acme.kintone.com", "aws"), ("quiet.kintone.com", "japan"),
        ])
        #expect(try await nginx.visit("acme.kintone.com").side == "aws")
        let tokens = try await registry.succeed("tokens", "list", "--output", "ndjson").objects()
        let id = try #require(tokens.first { $0["name"] == "nginx" }?["id"])
        _ = try await registry.succeed("tokens", "revoke", id)

        // Nobody asked for this one before: as soon as it fails, the token is known to be bad.
        let unseen = try await nginx.visit("quiet.kintone.com")
        #expect(unseen.status == 503)
        for _ in 0..<50 {
            #expect(try await nginx.visit("acme.kintone.com").side == "aws")
        }
        try await registry.crash()
    }

    @Test func `takes up a registry that comes back`() async throws {
        let (registry, nginx) = try await start([("acme.kintone.com", "japan")])
        #expect(try await nginx.visit("acme.kintone.com").side == "japan")
        try await registry.crash()
        #expect(try await nginx.visit("acme.kintone.com").side == "japan")

        let again = try await ServerProcess.start(
            in: registry.folder, data: registry.data, port: registry.port)
        _ = try await again.succeed("domains", "change", "acme.kintone.com", "--location", "aws")
        _ = try await poll("the new side") {
            try await nginx.visit("acme.kintone.com").side == "aws" ? true : nil
        }
        try await again.crash()
    }

    @Test func `lets a read-only tenant read, and a rejected one nothing`() async throws {
        let (registry, nginx) = try await start([
            ("frozen.kintone.com", "japan"), ("closed.kintone.com", "japan"),
        ])
        _ = try await registry.succeed(
            "domains", "change", "frozen.kintone.com", "--mode", "read_only")
        _ = try await registry.succeed(
            "domains", "change", "closed.kintone.com", "--mode", "reject")

        #expect(try await nginx.visit("frozen.kintone.com").side == "japan")
        #expect(try await nginx.visit("frozen.kintone.com", .HEAD).status == 200)
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
            let page = try await nginx.visit("frozen.kintone.com", .init(rawValue: method))
            #expect(page.status == 503, "\(method)")
            #expect(page.retryAfter == "30")
        }
        #expect(try await nginx.visit("closed.kintone.com").status == 503)
        #expect(try await nginx.visit("closed.kintone.com", .POST).status == 503)
        try await registry.crash()
    }

    @Test func `doesn't let a visitor choose the side`() async throws {
        let (registry, nginx) = try await start([
            ("acme.kintone.com", "japan"), ("other.kintone.com", "aws"),
        ])
        let spoofed = [
            ("X-Tenant-Location", "aws"), ("X-Tenant-Mode", "serve"),
            ("X-Tenant-Upstream", "http://evil"),
            ("X-Forwarded-Host", "other.kintone.com"), ("X-Original-Host", "other.kintone.com"),
            ("X-Host", "other.kintone.com"), ("Forwarded", "host=other.kintone.com"),
            ("Authorization", "Bearer trk_a_b"), ("If-None-Match", "\"2\""),
            ("Accept", "text/html"),
            ("Content-Type", "text/html"),
        ]
        for header in spoofed {
            let page = try await nginx.visit("acme.kintone.com", headers: [header])
            #expect(page == .init(status: 200, body: "japan acme.kintone.com japan"), "\(header)")
        }
        let unknown = try await nginx.visit("nobody.kintone.com", headers: spoofed)
        #expect(unknown.status == 404)
        try await registry.crash()
    }

    @Test(arguments: [
        "nobody.kintone.com&unknown=200", "acme.kintone.com&host=other.kintone.com",
        "a&min_revision=99",
        "acme.kintone.com%00", "acme.kintone.com%2e", "acme.kintone.com#x", "\"acme\".kintone.com",
        "äcme.kintone.com",
        "acme..kintone.com", "*.kintone.com", "_acme.kintone.com", "127.0.0.1", "[::1]",
        "localhost",
        String(repeating: "a", count: 300) + ".com", "acme.kintone.com?unknown=200",
        "a+b.kintone.com",
        "acme.kintone.com;x", "xn--a.kintone.com",
    ])
    func `calls a strange host unknown, and never fails over it`(host: String) async throws {
        let (registry, nginx) = try await Self.shared.value
        _ = registry
        #expect(["404", "400"].contains(try await nginx.status(ofRawHost: host)))
        // 400 is nginx's own, of a host that it can't read; the registry never makes one of it.
    }

    @Test(arguments: ["acme.kintone.com:443", "ACME.KINTONE.COM", "acme.kintone.com."])
    func `knows a host in other spellings`(host: String) async throws {
        let (_, nginx) = try await Self.shared.value
        #expect(try await nginx.status(ofRawHost: host) == "200")
    }

    /// One pair for all the strange hosts.
    private static let shared = Task {
        try await NginxTests().start([("acme.kintone.com", "japan"), ("other.kintone.com", "aws")])
    }
}
