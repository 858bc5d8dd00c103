import Testing

@Suite("What nginx makes of the registry's answers") struct NginxAnswersTests {
    private static func expectNoneHandedOn(_ visitor: Visitor, _ place: String) async throws {
        for status in [302, 304, 400, 401, 404, 405, 408, 410, 421, 429, 431, 500, 503, 504] {
            let page = try await visitor.visit("\(status).example.com")
            #expect(page.status == 503, "\(place): \(status)")
            #expect(page.body == "Please try again in a moment.\n", "\(place): \(status)")
        }
        // What `unknown=403` asks for.
        let unknown = try await visitor.visit("403.example.com")
        #expect(unknown.status == 404)
        #expect(unknown.body == "There is no site at this address.\n")
    }

    @Test func `are none of a visitor's business, but where to go`() async throws {
        let registry = try await StubRegistry.start()
        let nginx = try await NginxProcess.start(before: registry.port, token: "trk_a_b")
        try await Self.expectNoneHandedOn(Visitor(port: nginx.port), "the registry")
        let backends = try await RecordingBackends.start()
        let edge = try await EdgeNginx.start(agent: registry.port, backends)
        try await Self.expectNoneHandedOn(Visitor(port: edge.port), "an agent")
        for request in registry.requests {
            #expect(!request.contains { $0.lowercased().hasPrefix("cookie") })
        }
        try await registry.stop()
    }
}
