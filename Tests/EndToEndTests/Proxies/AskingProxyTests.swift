import Testing

/// A real proxy with the configuration that comes with the service, which asks the registry on each request.
protocol AskingProxy: Sendable {
    static func start(before registry: ServerProcess) async throws -> Self
    static func start(before port: Int, token: String) async throws -> Self
    var visitor: Visitor { get }
    func stop() async throws
}

/// What all of them promise.
@Suite("A proxy that asks the registry") struct AskingProxyTests {
    enum Kind: String, CaseIterable {
        case caddy, envoy

        var proxy: any AskingProxy.Type {
            switch self {
            case .caddy: CaddyProcess.self
            case .envoy: EnvoyProcess.self
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `follows modes and moves at the next request`(kind: Kind) async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "japan")
        let proxy = try await kind.proxy.start(before: registry)
        let visitor = proxy.visitor
        #expect(try await visitor.visit("a.example.com", "POST").side == "japan japan serve")
        _ = try await registry.succeed("domains", "change", "a.example.com", "--mode", "read_only")
        #expect(try await visitor.visit("a.example.com").side == "japan japan read_only")
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
            #expect(try await visitor.visit("a.example.com", method).status == 503)
        }
        _ = try await registry.succeed("domains", "change", "a.example.com", "--mode", "reject")
        for method in ["GET", "POST"] {
            #expect(try await visitor.visit("a.example.com", method).status == 503)
        }
        _ = try await registry.succeed(
            "domains", "change", "a.example.com", "--mode", "serve", "--location", "aws")
        #expect(try await visitor.visit("a.example.com", "POST").side == "aws aws serve")
        try await proxy.stop()
        try await registry.crash()
    }

    @Test(arguments: Kind.allCases)
    func `hands on no answer of the registry but where to go, and that nobody is there`(
        kind: Kind
    ) async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await kind.proxy.start(before: registry.port, token: "trk_a_b")
        for status in [302, 304, 400, 401, 403, 405, 408, 410, 413, 421, 429, 431, 500, 503, 504] {
            let page = try await proxy.visitor.visit("\(status).example.com")
            #expect(page.status == 503, "\(status)")
            #expect(!page.body.contains("the registry's own"), "\(status): \(page.body)")
        }
        let unknown = try await proxy.visitor.visit("404.example.com")
        #expect(unknown.status == 404)
        #expect(!unknown.body.contains("the registry's own"))
        try await proxy.stop()
        try await registry.stop()
    }
}
