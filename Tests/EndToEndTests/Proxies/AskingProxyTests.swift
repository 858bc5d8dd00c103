import Foundation
import Testing

/// A real proxy with the configuration that comes with the service, which asks the registry on each request.
protocol AskingProxy: FrontProxy {
    static func start(before port: Int, token: String) async throws -> Self
    /// One of the fields that visitors lie with, where the proxy refuses it by itself.
    static var refusedField: String? { get }
}

/// What all of them promise.
@Suite("A proxy that asks the registry") struct AskingProxyTests {
    enum Kind: String, CaseIterable {
        case caddy, newestCaddy, envoy, traefik

        func start(before port: Int, token: String) async throws -> any AskingProxy {
            self == .newestCaddy
                ? try await CaddyProcess.start(before: port, token: token, .newest)
                : try await proxy.start(before: port, token: token)
        }

        func start(before registry: ServerProcess) async throws -> any AskingProxy {
            let token = try await registry.succeed("tokens", "create", "proxy", "--role", "reader")
            return try await start(
                before: registry.port, token: token.output.trimmingCharacters(in: .newlines))
        }

        var proxy: any AskingProxy.Type {
            switch self {
            case .caddy, .newestCaddy: CaddyProcess.self
            case .envoy: EnvoyProcess.self
            case .traefik: TraefikProcess.self
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `sends a thousand tenants each to its side, whatever visitors say`(
        kind: Kind
    ) async throws {
        let registry = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--access-log", "off"])
        try await Crowd.register(with: registry)
        let proxy = try await kind.start(before: registry)
        try await Crowd.expectRightSides(proxy.visitor, without: kind.proxy.refusedField)
        try await Crowd.expectNoSideForStrangers(proxy.visitor)
        try await Crowd.expectOneTruthForDoubleHosts(proxy.visitor)
        try await proxy.stop()
        try await registry.crash()
    }

    @Test(arguments: Kind.allCases)
    func `follows modes and moves at the next request`(kind: Kind) async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "japan")
        let proxy = try await kind.start(before: registry)
        let visitor = proxy.visitor
        #expect(try await visitor.visit("a.example.com", "POST").side == "japan japan serve")
        _ = try await registry.succeed("domains", "change", "a.example.com", "--mode", "read_only")
        #expect(try await visitor.visit("a.example.com").side == "japan japan read_only")
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
            let page = try await visitor.visit("a.example.com", method)
            #expect(page.status == 503 && page.retryAfter == "30", "\(method): \(page)")
        }
        _ = try await registry.succeed("domains", "change", "a.example.com", "--mode", "reject")
        for method in ["GET", "POST"] {
            let page = try await visitor.visit("a.example.com", method)
            #expect(page.status == 503 && page.retryAfter == "30", "\(method): \(page)")
        }
        _ = try await registry.succeed(
            "domains", "change", "a.example.com", "--mode", "serve", "--location", "aws")
        #expect(try await visitor.visit("a.example.com", "POST").side == "aws aws serve")
        try await proxy.stop()
        try await registry.crash()
    }

    @Test(arguments: Kind.allCases)
    func `says 503 where nobody answers for the tenants`(kind: Kind) async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "japan")
        let proxy = try await kind.start(before: registry)
        func expectAway() async throws {
            let page = try await proxy.visitor.visit("a.example.com")
            #expect(page.status == 503 && page.retryAfter == "5", "\(page)")
        }
        /// A signal takes its time.
        func wait(for status: Int) async throws {
            _ = try await poll("\(status)") {
                try await proxy.visitor.visit("a.example.com").status == status ? true : nil
            }
        }
        try await wait(for: 200)
        registry.process.signal(SIGSTOP)
        try await wait(for: 503)
        try await expectAway()
        registry.process.signal(SIGCONT)
        try await wait(for: 200)
        let tokens = try await registry.succeed("tokens", "list", "--output", "ndjson").objects()
        let id = try #require(tokens.first { $0["name"] == "proxy" }?["id"])
        _ = try await registry.succeed("tokens", "revoke", id)
        try await expectAway()
        try await registry.crash()
        try await expectAway()
        try await proxy.stop()
    }

    @Test(arguments: Kind.allCases)
    func `starts without the registry where an agent is beside it`(kind: Kind) async throws {
        let registry = try await ServerProcess.startOpen()
        for (name, side) in [("a.example.com", "japan"), ("b.example.com", "aws")] {
            _ = try await registry.succeed("domains", "register", name, "--location", side)
        }
        let agent = try await AgentProcess.start(in: TestFolder(), upstream: registry.url)
        try await agent.reaches(registry.revision())
        try await registry.crash()
        for _ in ["started", "started anew"] {
            let proxy = try await kind.start(before: agent.port, token: "none")
            #expect(try await proxy.visitor.visit("a.example.com").side == "japan japan serve")
            #expect(try await proxy.visitor.visit("b.example.com").side == "aws aws serve")
            #expect(try await proxy.visitor.visit("c.example.com").status == 404)
            try await proxy.stop()
        }
    }

    @Test(arguments: Kind.allCases)
    func `doesn't send a tenant of a side that it doesn't know to another`(
        kind: Kind
    ) async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.client.putLocation(
            "mars", upstream: "http://mars.example", acceptsSignups: true, isDefault: false,
            note: .init())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "mars")
        let proxy = try await kind.start(before: registry)
        #expect(try await proxy.visitor.visit("a.example.com").status == 502)
        try await proxy.stop()
        try await registry.crash()
    }
}
