import Testing

@Suite("Caddy in front of the registry") struct CaddyTests {
    @Test func `sends a thousand tenants each to its side, whatever visitors say`() async throws {
        let registry = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--access-log", "off"])
        try await Crowd.register(with: registry)
        let proxy = try await CaddyProcess.start(before: registry)
        try await Crowd.expectRightSides(proxy.visitor)
        try await Crowd.expectNoSideForStrangers(proxy.visitor)
        try await Crowd.expectOneTruthForDoubleHosts(proxy.visitor)
        try await proxy.stop()
        try await registry.crash()
    }

    @Test func `follows modes and moves at the next request`() async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "japan")
        let proxy = try await CaddyProcess.start(before: registry)
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

    @Test func `says 503 where nobody answers for the tenants`() async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "japan")
        let proxy = try await CaddyProcess.start(before: registry)
        let visitor = proxy.visitor
        let tokens = try await registry.succeed("tokens", "list", "--output", "ndjson").objects()
        let id = try #require(tokens.first { $0["name"] == "caddy" }?["id"])
        _ = try await registry.succeed("tokens", "revoke", id)
        #expect(try await visitor.visit("a.example.com").status == 503)
        try await registry.crash()
        #expect(try await visitor.visit("a.example.com").status == 503)
        try await proxy.stop()
    }

    @Test func `doesn't send a tenant of a side that it doesn't know to another`() async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.client.putLocation(
            "mars", upstream: "http://mars.example", acceptsSignups: true, isDefault: false,
            note: .init())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "mars")
        let proxy = try await CaddyProcess.start(before: registry)
        #expect(try await proxy.visitor.visit("a.example.com").status == 502)
        try await proxy.stop()
        try await registry.crash()
    }
}
