import Testing

@Suite("Caddy in front of the registry") struct CaddyTests {
    @Test(arguments: ProxyRelease.allCases)
    func `tells the registry nothing of a visitor but the host`(release: ProxyRelease) async throws
    {
        let registry = try await StubRegistry.start()
        let proxy = try await CaddyProcess.start(
            before: registry.port, token: "trk_a_b", release)
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
}
