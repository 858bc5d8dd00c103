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

    @Test func `tells the registry nothing of a visitor but the host`() async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await CaddyProcess.start(before: registry.port, token: "trk_a_b")
        let page = try await proxy.visitor.send(
            "POST",
            Crowd.lies(against: "japan") + [
                "Host: 200.example.com", "Cookie: session=secret", "X-Secret: secret",
                "Referer: http://secret.example", "TE: trailers", "Content-Length: 0",
            ])
        #expect(page.side == "japan japan serve")
        let asked = try #require(registry.requests.last)
        #expect(asked.first == "GET /v1/route/forwarded HTTP/1.1")
        let fields = asked.dropFirst().map { $0.lowercased() }
        // Go adds the last two by itself, whoever asks.
        let ours = [
            "authorization: bearer trk_a_b", "x-forwarded-host: 200.example.com",
            "host: tenant-registry",
            "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http",
            "user-agent: go-http-client/1.1",
            "accept-encoding: gzip",
        ]
        #expect(Set(fields).subtracting(ours).isEmpty, "\(fields)")
        #expect(Set(ours.prefix(3)).isSubset(of: fields), "\(fields)")
        try await proxy.stop()
        try await registry.stop()
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
