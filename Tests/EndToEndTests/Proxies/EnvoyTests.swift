import Testing

@Suite("Envoy in front of the registry") struct EnvoyTests {
    @Test func `tells the registry nothing of a visitor but the host`() async throws {
        let registry = try await StubRegistry.start()
        let proxy = try await EnvoyProcess.start(before: registry.port, token: "trk_a_b")
        let page = try await proxy.visitor.send(
            "POST",
            Crowd.lies(against: "japan").filter { !$0.hasPrefix("Connection") } + [
                "Host: 200.example.com", "Cookie: session=secret", "X-Secret: secret",
                "Referer: http://secret.example", "Content-Length: 0",
            ])
        #expect(page.side == "japan japan serve")
        let asked = try #require(registry.requests.last)
        #expect(asked.first == "GET /v1/route/forwarded/200 HTTP/1.1")
        // Envoy adds the others by itself, whoever asks.
        let names = Set(asked.dropFirst().map { $0.lowercased().prefix { $0 != ":" } })
        #expect(
            names == [
                "host", "authorization", "content-length", "x-forwarded-host", "x-envoy-internal",
                "x-envoy-expected-rq-timeout-ms",
            ])
        let fields = Set(asked.dropFirst().map { $0.lowercased() })
        #expect(
            fields.isSuperset(of: [
                "authorization: bearer trk_a_b", "host: 200.example.com",
                "x-forwarded-host: 200.example.com",
            ]))
        try await proxy.stop()
        try await registry.stop()
    }
}
