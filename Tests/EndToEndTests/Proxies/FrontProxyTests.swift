import Foundation
import Testing

/// A real proxy in front of two sides.
protocol FrontProxy: Sendable {
    var visitor: Visitor { get }
    /// Ends it and starts it anew, on what it has kept.
    func restarted() async throws -> Self
    func stop() async throws
}

/// What all configurations promise that ask somebody where a host lives, whoever answers them.
@Suite("A proxy in front of tenants") struct FrontProxyTests {
    enum Kind: String, CaseIterable {
        case nginx, newestNginx, nginxBesideAgent, newestNginxBesideAgent
        case caddy, newestCaddy, envoy, traefik

        func start(before registry: StubRegistry) async throws -> any FrontProxy {
            let (port, token) = (registry.port, "trk_a_b")
            return switch self {
            case .nginx:
                try await NginxBeforeSides.start("tenant-registry.conf", before: port, token: token)
            case .newestNginx:
                try await NginxBeforeSides.start(
                    "tenant-registry.conf", before: port, token: token, .newest)
            case .nginxBesideAgent:
                try await NginxBeforeSides.start("agent.conf", before: port, token: token)
            case .newestNginxBesideAgent:
                try await NginxBeforeSides.start("agent.conf", before: port, token: token, .newest)
            case .newestCaddy:
                try await CaddyProcess.start(before: port, token: token, .newest)
            case .caddy: try await CaddyProcess.start(before: port, token: token)
            case .envoy: try await EnvoyProcess.start(before: port, token: token)
            case .traefik: try await TraefikProcess.start(before: port, token: token)
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `hands on no answer of the registry but where to go, and that nobody is there`(
        kind: Kind
    ) async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await kind.start(before: registry)
        let foreign =
            [
                302, 304, 400, 401, 403, 404, 405, 408, 410, 413, 421, 429, 431, 500, 502, 503, 504,
            ].map { "\($0).example.com" } + [
                "200.none.example.com", "200.new-mode.example.com", "200.serves.example.com",
                "404.serve.example.com", "404.new-mode.example.com", "403.reject.example.com",
                "500.unknown.example.com", "401.unknown.example.com",
            ]
        for host in foreign {
            let page = try await proxy.visitor.visit(host)
            #expect(page.status == 503 && page.retryAfter == "5", "\(host): \(page)")
            #expect(!page.text.contains("the registry's own"), "\(host): \(page)")
            #expect(!page.text.contains("the-registry-s-own"), "\(host): \(page)")
            #expect(!page.text.contains("x-tenant-"), "\(host): \(page)")
        }
        let unknown = try await proxy.visitor.visit("unknown.example.com")
        #expect(unknown.status == 404, "\(unknown)")
        #expect(!unknown.text.contains("the registry's own"))
        #expect(try await proxy.visitor.visit("200.example.com").side == "japan japan serve")
        for request in registry.requests {
            #expect(!request.contains { $0.lowercased().hasPrefix("cookie") })
        }
        try await proxy.stop()
        try await registry.stop()
    }

    @Test(arguments: Kind.allCases)
    func `tells a side nothing of tenants that a visitor says`(kind: Kind) async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await kind.start(before: registry)
        let lies = Crowd.lies(against: "japan").filter { lie in
            switch kind {
            // nginx removes by whole names alone: the registry's.
            case .nginx, .newestNginx, .nginxBesideAgent, .newestNginxBesideAgent:
                !lie.lowercased().hasPrefix("x-tenant-other")
            // Envoy refuses it by itself.
            case .envoy: !lie.hasPrefix("Connection")
            case .caddy, .newestCaddy, .traefik: true
            }
        }
        for fields in lies.map({ [$0] }) + [lies] {
            let page = try await proxy.visitor.visit("200.example.com", "GET", fields)
            #expect(page.side == "japan japan serve", "\(fields): \(page)")
            #expect(page.leaks == "" && !page.body.contains("evil"), "\(fields): \(page)")
        }
        try await proxy.stop()
        try await registry.stop()
    }

    @Test(arguments: Kind.allCases)
    func `lets no connection be upgraded in a freeze`(kind: Kind) async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await kind.start(before: registry)
        try await Upgrades.expectNoneInFreeze(
            proxy.visitor, frozen: "200.read-only.example.com", served: "200.example.com")
        try await proxy.stop()
        try await registry.stop()
    }

    /// A firewall's or another service's answers at the registry's address are no news of known sites.
    @Test(arguments: ["403.example.com", "404.example.com", "200.none.example.com"])
    func `goes on with what its cache knows before somebody who isn't the registry`(
        answer: String
    ) async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await Kind.nginx.start(before: registry)
        let visitor = proxy.visitor
        #expect(try await visitor.visit("200.example.com").side == "japan japan serve")
        try registry.turn(to: answer)
        let before = registry.requests.count
        _ = try await poll("\(answer) was said more than once") {
            let page = try await visitor.visit("200.example.com")
            #expect(page.side == "japan japan serve", "\(page)")
            return registry.requests.count > before + 2 ? true : nil
        }
        try await proxy.stop()
        try await registry.stop()
    }
}
