import Testing

@Suite("Traefik in front of the registry") struct TraefikTests {
    @Test func `tells the registry nothing of a visitor but the host`() async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await TraefikProcess.start(before: registry.port, token: "trk_a_b")
        let page = try await proxy.visitor.send(
            "POST", to: "/secret?unknown=1",
            Crowd.lies(against: "japan") + [
                "Host: 200.example.com", "Cookie: session=secret", "X-Secret: secret",
                "Referer: http://secret.example", "TE: trailers", "X-Nothing-Else: secret",
                "X-Forwarded-For: 192.0.2.7", "X-Real-Ip: 192.0.2.7", "Content-Length: 0",
            ])
        #expect(page.side == "japan japan serve")
        let asked = try #require(registry.requests.last)
        #expect(asked.first == "GET /v1/route/forwarded/200 HTTP/1.1")
        let fields = Set(asked.dropFirst().map { $0.lowercased() })
        // Traefik adds the others by itself, whoever asks.
        #expect(
            fields == [
                "authorization: bearer trk_a_b", "x-forwarded-host: 200.example.com",
                "host: 127.0.0.1:\(registry.port)", "user-agent: go-http-client/1.1",
                "accept-encoding: gzip", "x-replaced-path: /ask",
            ])
        try await proxy.stop()
        try await registry.stop()
    }

    /// The field that a forwardAuth asks with would be a way in, if it went further than the gate.
    @Test func `lets nobody into the gate but itself`() async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await TraefikProcess.start(before: registry.port, token: "trk_a_b")
        let before = registry.requests.count
        for path in ["/ask", "/unknown", "/away", "/v1/route/forwarded"] {
            let page = try await proxy.visitor.send("GET", to: path, ["Host: 200.example.com"])
            #expect(page.side == "japan japan serve", "\(path)")
        }
        #expect(registry.requests.count == before + 4)
        try await proxy.stop()
        try await registry.stop()
    }
}
