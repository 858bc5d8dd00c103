import RegistryModel
import Testing

@Suite("X-Request-ID", .timeLimit(.minutes(15))) struct RequestIDTests {
    @Test(arguments: [
        "a", "0f1c2a4b5b0c2f6a9d1e4c7f8a3b6d9e", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~",
        String(repeating: "x", count: 128),
    ])
    func `is the client's own where it's valid`(id: String) async throws {
        try await withRegistry { registry in
            for target in ["/v1/stats", "/v1/domains/nobody.example.com", "/nowhere", "/livez"] {
                let answer = try await registry.raw("GET", target, headers: [("X-Request-ID", id)])
                #expect(answer.header("X-Request-ID") == id)
            }
        }
    }

    @Test(arguments: ["", "a b", "é", String(repeating: "x", count: 129), "a\tb"])
    func `is a new one where the client's isn't valid`(id: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.raw("GET", "/v1/stats", headers: [("X-Request-ID", id)])
            let made = try #require(answer.header("X-Request-ID"))
            #expect(made.utf8.count == 32 && made != id)
        }
    }

    @Test func `is in the problem, in the log and in history`() async throws {
        try await withRegistry { registry in
            try await registry.send(
                .POST, "/v1/domains", json: #"{"fqdn":"a.example.com"}"#,
                headers: [("X-Request-ID", "first-write")])
            let history = try await registry.get("/v1/domains/a.example.com/history")
            #expect(history.items.first?["request_id"]?.text == "first-write")
            #expect(registry.log.lines.contains { $0.metadata["request_id"] == "first-write" })
        }
    }

    @Test func `comes with traceparent in the log`() async throws {
        try await withRegistry { registry in
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            try await registry.get(
                "/v1/stats", headers: [("traceparent", trace), ("X-Request-ID", "traced")])
            let line = registry.log.lines.first { $0.metadata["request_id"] == "traced" }
            #expect(line?.metadata["traceparent"] == trace)
        }
    }
}

@Suite("X-Registry-Revision", .timeLimit(.minutes(15))) struct RegistryRevisionTests {
    @Test func `is what the answer was read at`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let paths = [
                "/v1/domains", "/v1/stats", "/v1/locations", "/v1/history", "/v1/tokens",
                "/v1/route?host=x.example.com", "/v1/tls-ask?domain=x.example.com",
                "/v1/domains/x.example.com", "/v1/domains/x.example.com/availability", "/nowhere",
            ]
            for path in paths {
                let answer = try await registry.get(path)
                #expect(answer.revision == head, "\(path)")
            }
            let unauthenticated = try await registry.get("/v1/stats", as: .nobody)
            #expect(unauthenticated.revision == head)
        }
    }

    @Test func `is the write's own after a write, in one epoch`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let first = try await registry.register("a.example.com")
            let second = try await registry.register("b.example.com")
            #expect(first.revision == head + 1 && second.revision == head + 2)
            #expect(first["revision"]?.number == first.revision)
            #expect(first.epoch == second.epoch)
            let released = try await registry.send(.DELETE, "/v1/domains/a.example.com")
            #expect(released.revision == head + 3)
            let refused = try await registry.send(.DELETE, "/v1/domains/a.example.com")
            #expect(refused.revision == head + 3)
        }
    }

    @Test func `is the revision that a lookup of the past was read at`() async throws {
        try await withRegistry { registry in
            let first = try #require(try await registry.register("a.example.com").revision)
            try await registry.register("b.example.com")
            let past = try await registry.get("/v1/domains/a.example.com?revision=\(first)")
            #expect(past.revision == first)
        }
    }
}

@Suite("min_revision", .timeLimit(.minutes(15))) struct MinimumRevisionTests {
    private static let quick = RegistrySettings.with { $0.http.revisionWait = .milliseconds(20) }

    @Test func `is answered at once where the node has it`() async throws {
        try await withRegistry { registry in
            let made = try #require(try await registry.register("a.example.com").revision)
            for path in ["/v1/domains/a.example.com", "/v1/stats", "/v1/domains", "/v1/history"] {
                let answer = try await registry.get("\(path)?min_revision=\(made)")
                #expect(answer.status == 200)
                #expect(try #require(answer.revision) >= made)
            }
            let route = try await registry.get("/v1/route?min_revision=\(made)&host=a.example.com")
            #expect(route.status == 200)
            let zero = try await registry.get("/v1/stats?min_revision=0")
            #expect(zero.status == 200)
        }
    }

    @Test func `is answered when the write comes while it waits`() async throws {
        try await withRegistry { registry in
            let next = try await registry.head() + 1
            async let waiting = registry.get("/v1/domains/a.example.com?min_revision=\(next)")
            async let looking = registry.send(
                .POST, "/v1/lookup?min_revision=\(next)", json: #"{"fqdns":["a.example.com"]}"#)
            try await registry.register("a.example.com")
            #expect(try await waiting.status == 200)
            let found = try await looking
            #expect(found["results"]?.array.first?["location"] != nil)
        }
    }

    @Test func `is 504 where the node doesn't get there in time`() async throws {
        try await withRegistry(Self.quick) { registry in
            let far = try await registry.head() + 1_000_000
            for path in ["/v1/domains/a.example.com", "/v1/stats", "/v1/tokens"] {
                let answer = try await registry.get("\(path)?min_revision=\(far)")
                #expect(answer.isProblem(504, "revision-not-reached"))
            }
            let route = try await registry.get("/v1/route?min_revision=\(far)&host=a.example.com")
            #expect(route.isProblem(504, "revision-not-reached"))
            let lookup = try await registry.post("/v1/lookup?min_revision=\(far)", #"{"fqdns":[]}"#)
            #expect(lookup.isProblem(504, "revision-not-reached"))
        }
    }

    @Test func `holds a write back too`() async throws {
        try await withRegistry(Self.quick) { registry in
            let far = try await registry.head() + 1_000_000
            let head = try await registry.head()
            let write = try await registry.post(
                "/v1/domains?min_revision=\(far)", #"{"fqdn":"a.example.com"}"#)
            #expect(write.isProblem(504, "revision-not-reached"))
            #expect(try await registry.head() == head)
        }
    }

    @Test(arguments: ["-1", "x", "", "1.5", "99999999999999999999", "%00", "1%20"])
    func `that is no revision is 400`(value: String) async throws {
        try await withRegistry { registry in
            for path in ["/v1/stats?", "/v1/domains?", "/v1/domains/a.example.com?", "/v1/route?"] {
                let answer = try await registry.get("\(path)min_revision=\(value)")
                #expect(answer.isProblem(400, "invalid-request"))
                #expect(answer.complaints == ["?min_revision invalid"])
            }
            let post = try await registry.post("/v1/lookup?min_revision=\(value)", #"{"fqdns":[]}"#)
            #expect(post.complaints == ["?min_revision invalid"])
        }
    }
}
