import RegistryModel
import RegistryService
import Testing

@Suite("A token in use", .timeLimit(.minutes(15))) struct TokenUseTests {
    @Test func `is asked for with a challenge`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/stats", as: .nobody)
            #expect(answer.isProblem(401, "unauthenticated"))
            #expect(answer.header("WWW-Authenticate") == #"Bearer realm="tenant-registry""#)
        }
    }

    @Test func `names its scheme in any case of letters`() async throws {
        try await withRegistry { registry in
            for scheme in ["bearer", "BEARER", "Bearer"] {
                let sender = Sender.authorization("\(scheme) \(registry.token(.reader))")
                let answer = try await registry.get("/v1/stats", as: sender)
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `works until the moment at which it expires`() async throws {
        try await withRegistry { registry in
            let expiry = registry.clock.now.adding(.seconds(10))
            let made = try await registry.post(
                "/v1/tokens", #"{"name":"short","role":"reader","expires_at":"\#(expiry)"}"#)
            let sender = Sender.authorization("Bearer \(made["token"]?.text ?? "")")
            registry.clock.advance(by: .milliseconds(9_999))
            #expect(try await registry.get("/v1/stats", as: sender).status == 200)
            registry.clock.advance(by: .milliseconds(1))
            let answer = try await registry.get("/v1/stats", as: sender)
            #expect(answer.isProblem(401, "unauthenticated"))
        }
    }

    @Test func `works as soon as it is made and no longer once it is revoked`() async throws {
        try await withRegistry { registry in
            let made = try await registry.post("/v1/tokens", #"{"name":"ci","role":"reader"}"#)
            let sender = Sender.authorization("Bearer \(made["token"]?.text ?? "")")
            #expect(try await registry.get("/v1/stats", as: sender).status == 200)
            let id = try #require(made["id"]?.text)
            #expect(try await registry.send(.DELETE, "/v1/tokens/\(id)").status == 204)
            #expect(try await registry.get("/v1/stats", as: sender).status == 401)
        }
    }

    @Test func `is named in the log, and its secret is not`() async throws {
        try await withRegistry { registry in
            let made = try await registry.post("/v1/tokens", #"{"name":"ci","role":"reader"}"#)
            let token = try #require(made["token"]?.text)
            let id = try #require(made["id"]?.text)
            try await registry.get(
                "/v1/stats", as: .authorization("Bearer \(token)"),
                headers: [("X-Request-ID", "seen")])
            let line = try #require(registry.log.lines.last { $0.metadata["request_id"] == "seen" })
            #expect(line.metadata["token"] == id)
            for secret in [token] + registry.tokens.values {
                let parts = secret.split(separator: "_")
                #expect(!registry.log.text.contains(parts[2]))
            }
        }
    }

    @Test func `is named in history with the role that it had`() async throws {
        try await withRegistry { registry in
            try await registry.post(
                "/v1/domains", as: .role(.registrar), #"{"fqdn":"acme.example.com"}"#)
            let history = try await registry.get("/v1/domains/acme.example.com/history")
            let actor = history.items.first?["actor"]
            let id = registry.token(.registrar).split(separator: "_")[1]
            #expect(actor?["token"]?.text == String(id))
            #expect(actor?["name"]?.text == "test-registrar")
            #expect(actor?["role"]?.text == "registrar")
        }
    }

    @Test func `isn't needed for health, and is for metrics`() async throws {
        try await withRegistry { registry in
            for path in ["/livez", "/readyz", "/openapi.yaml"] {
                #expect(try await registry.get(path, as: .nobody).status == 200)
            }
            #expect(try await registry.get("/metrics", as: .nobody).status == 401)
            let metrics = try await registry.get("/metrics", as: .role(.reader))
            #expect(metrics.text == "registry_test_metric 1\n")
        }
    }
}
