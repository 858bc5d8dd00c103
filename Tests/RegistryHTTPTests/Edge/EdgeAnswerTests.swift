import RegistryAPI
import RegistryHTTP
import RegistryModel
import RegistryService
import Testing

/// An agent has fewer endpoints than a registry, and answers those as a registry does.
@Suite("An agent", .whateverTheStore, .timeLimit(.minutes(15))) struct EdgeAnswerTests {
    /// A registry that lets everyone read, and an agent with the same table.
    private static func withBoth(
        _ body: (TwoServers, RunningEdge) async throws -> Void
    ) async throws {
        var options = HTTPOptions()
        options.accessLog = .off
        options.revisionWait = .milliseconds(20)
        options.allowsAnonymousReads = true
        try await withRegistry(.with { $0.http = options }) { registry in
            let names = [
                "acme.example.com", "hooli.example.com", "a-b.example.com", "x.example.jp",
            ]
            for name in names {
                try await registry.register(name, tenant: name.hasPrefix("a") ? "say é" : nil)
            }
            for (name, mode) in zip(names, ["read_only", "reject"]) {
                try await registry.send(
                    .PATCH, "/v1/domains/\(name)", json: #"{"mode":"\#(mode)"}"#)
            }
            // None of these is a token to a registry; to an agent nothing is.
            let world = LookupTraffic.World(
                known: names, revisions: Array(1...16),
                epoch: "\(try registry.service.position().epoch)",
                credentials: ["Basic eDp5", "", "Bearer x", "Bearer"])
            options.allowsAnonymousReads = false
            try await withEdge(options) { edge in
                try await edge.copy(registry)
                try await body(
                    TwoServers(early: registry, routed: edge.port, world: world), edge)
            }
        }
    }

    /// What an agent doesn't have, or has with fewer methods.
    private static func isOfTheRegistry(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        let others = [
            "/v1/stats", "/v1/domains?", "/v1/domains/batch", "/v1/domains/a.example.com?at=x",
            "/v1/domains HTTP", "/v1/domains/ HTTP",
        ]
        return others.contains { text.contains($0) }
            || text.contains("/v1/domains") && !text.hasPrefix("GET ") && !text.hasPrefix("HEAD ")
    }

    @Test(arguments: [UInt64(31), 32, 33])
    func `says what the registry says, byte by byte, to plain and odd and hostile requests`(
        seed: UInt64
    ) async throws {
        try await Self.withBoth { servers, _ in
            var traffic = LookupTraffic(servers.world, seed: seed)
            var compared = 0
            while compared < 600 {
                let request = traffic.request()
                guard !Self.isOfTheRegistry(request) else { continue }
                compared += 1
                let difference = try await servers.difference(request)
                #expect(difference == nil, "seed \(seed), request \(compared)")
                if difference != nil { return }
            }
        }
    }

    @Test(arguments: [
        #"{"fqdns":["acme.example.com","nobody.example.com","HOOLI.example.com.","a..b",""]}"#,
        #"{"fqdns":[]}"#, #"{"fqdns":"x"}"#, #"{"fqdns":["a.b"],"more":1}"#, "{", "[]", "",
        #"{"fqdns":["\u0000"]}"#, #"{"fqdns":["a.b"]} x"#,
    ])
    func `looks many up as the registry does`(body: String) async throws {
        try await Self.withBoth { servers, _ in
            for query in [
                "", "?min_revision=3", "?min_revision=999", "?min_revision=x", "?other=1",
            ] {
                let request = """
                    POST /v1/lookup\(query) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r
                    Content-Length: \(body.utf8.count)\r\nIdempotency-Key: k\r\n\r\n\(body)
                    """
                let difference = try await servers.difference(Array(request.utf8))
                #expect(difference == nil)
            }
        }
    }

    @Test func `asks nobody for a token, and looks at none`() async throws {
        try await Self.withBoth { _, edge in
            for field in ["Bearer trk_abc_def", "Bearer trk_", "Basic x"] {
                let answer = try await edge.raw(
                    "GET", "/v1/route?host=x.example.jp", headers: [("Authorization", field)])
                #expect(answer.status == 200)
                #expect(answer.header("X-Tenant-Location") == "japan")
                let many = try await edge.raw(
                    "POST", "/v1/lookup", headers: [("Authorization", field)],
                    body: #"{"fqdns":["x.example.jp"]}"#)
                #expect(many.status == 200)
            }
        }
    }

    @Test(arguments: [
        ("GET", "/v1/domains"), ("GET", "/v1/stats"), ("POST", "/v1/domains"),
        ("GET", "/v1/history"), ("GET", "/v1/migrations"), ("GET", "/v1/tokens"),
        ("GET", "/v1/locations"), ("GET", "/v1/changes"), ("GET", "/openapi.yaml"), ("GET", "/"),
        ("DELETE", "/v1/tokens/x"), ("GET", "/v1/domains/a.b/history"), ("GET", "/v1/whoami"),
    ])
    func `has nothing at a path that only a registry has`(method: String, path: String)
        async throws
    {
        try await Self.withBoth { _, edge in
            let answer = try await edge.raw(method, path)
            #expect(answer.isProblem(404, "not-found"), "\(answer.testDescription)")
        }
    }

    @Test(arguments: [
        ("DELETE", "/v1/domains/acme.example.com", "GET, HEAD"),
        ("PATCH", "/v1/domains/acme.example.com", "GET, HEAD"),
        ("GET", "/v1/lookup", "POST"), ("POST", "/v1/route", "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"),
    ])
    func `names the methods that a path has`(method: String, path: String, allowed: String)
        async throws
    {
        try await Self.withBoth { _, edge in
            let answer = try await edge.raw(method, path)
            #expect(answer.isProblem(405, "method-not-allowed"), "\(answer.testDescription)")
            #expect(answer.header("Allow") == allowed)
        }
    }

    @Test(arguments: ["at=2020-01-01T00:00:00Z", "revision=1"])
    func `sends who asks for the past to the registry`(query: String) async throws {
        try await Self.withBoth { _, edge in
            let one = try await edge.raw("GET", "/v1/domains/acme.example.com?\(query)")
            #expect(one.isProblem(501, "needs-registry"), "\(one.testDescription)")
            let many = try await edge.raw(
                "POST", "/v1/lookup?\(query)", body: #"{"fqdns":["a.b"]}"#)
            #expect(many.isProblem(501, "needs-registry"), "\(many.testDescription)")
        }
    }

    @Test func `answers resync to who asks for a revision of another epoch`()
        async throws
    {
        try await Self.withBoth { _, edge in
            let answer = try await edge.raw("GET", "/v1/domains/acme.example.com?revision=other.1")
            #expect(answer.isProblem(410, "resync"), "\(answer.testDescription)")
        }
    }

    @Test func `has the operations that are named as its own, health, and no others`() async throws
    {
        let lookups = EdgeEndpointID.allCases.map { EndpointID(rawValue: $0.rawValue) }
        let health: [EndpointID] = [.getLiveness, .getReadiness, .getMetrics, .getProblemPage]
        try await withEdge { edge in
            let served = Set(edge.server.operations.map(\.path))
            #expect(served == Set((lookups + health).map { $0?.declaration.path }))
        }
    }

    @Test(arguments: [
        "/v1/domains/acme.example.com", "/v1/domains/a..b", "/v1/route?host=acme.example.com",
        "/v1/route?host=", "/v1/route/forwarded", "/v1/route/forwarded/200",
        "/v1/route/authority/x",
        "/v1/tls-ask?domain=a.b", "/readyz",
    ])
    func `says 503, never unknown, while it has no table`(path: String) async throws {
        try await withEdge { edge in
            let answer = try await edge.raw("GET", path)
            #expect(answer.isProblem(503, "not-ready"), "\(answer.testDescription)")
            #expect(answer.header("Retry-After") == "1")
            let many = try await edge.raw("POST", "/v1/lookup", body: #"{"fqdns":["a.b"]}"#)
            #expect(many.isProblem(503, "not-ready"))
            #expect(try await edge.raw("GET", "/livez").status == 200)
            #expect(try await edge.raw("GET", "/metrics").text == "registry_test_metric 1\n")
        }
    }

    @Test func `tells its age where it's asked whether it's ready`() async throws {
        let members = [
            JSONValue.Member(key: "connected", value: .bool(false)),
            JSONValue.Member(key: "age_ms", value: .integer(1234)),
        ]
        try await withRegistry { registry in
            try await withEdge(readiness: members) { edge in
                try await edge.copy(registry)
                let answer = try await edge.raw("GET", "/readyz?verbose")
                #expect(answer.status == 200)
                #expect(answer["connected"]?.flag == false)
                #expect(answer["age_ms"]?.number == 1234)
                #expect(answer["status"]?.text == "ready")
                edge.drain.raise()
                #expect(try await edge.raw("GET", "/readyz").status == 503)
            }
        }
    }
}
