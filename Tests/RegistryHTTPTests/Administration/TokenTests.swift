import RegistryModel
import RegistryService
import Testing

@Suite("Tokens", .timeLimit(.minutes(15))) struct TokenTests {
    @Test(arguments: Role.allCases)
    func `are made with a role and a secret of 256 bits`(role: Role) async throws {
        try await withRegistry { registry in
            let until = registry.clock.now.adding(.days(1))
            let made = try await registry.post(
                "/v1/tokens",
                #"{"name":"n","role":"\#(role.rawValue)","expires_at":"\#(until)","reason":"r"}"#)
            #expect(made.status == 201)
            #expect(made["name"]?.text == "n" && made["role"]?.text == role.rawValue)
            #expect(made["expires_at"]?.text == "\(until)")
            let parts = (made["token"]?.text ?? "").split(separator: "_")
            #expect(parts.count == 3 && parts[0] == "trk" && String(parts[1]) == made["id"]?.text)
            #expect(parts[2].count == 64 && parts[2].allSatisfy(\.isHexDigit))
        }
    }

    @Test func `are listed without their secrets, with their last use`() async throws {
        try await withRegistry { registry in
            let made = try await registry.post("/v1/tokens", #"{"name":"ci","role":"reader"}"#)
            let id = try #require(made["id"]?.text)
            let own = { (answer: Answer) in answer.items.first { $0["id"]?.text == id } }
            let unused = try await registry.get("/v1/tokens")
            #expect(own(unused)?["last_used_at"] == nil)
            registry.clock.advance(by: .seconds(5))
            try await registry.get(
                "/v1/stats", as: .authorization("Bearer \(made["token"]?.text ?? "")"))
            let used = try await registry.get("/v1/tokens")
            #expect(own(used)?["last_used_at"]?.text == "\(registry.clock.now)")
            #expect(own(used)?["role"]?.text == "reader")
            for secret in registry.tokens.values {
                #expect(!used.text.contains(secret.split(separator: "_")[2]))
            }
            #expect(!used.text.contains("digest") && used.items.allSatisfy { $0["token"] == nil })
        }
    }

    @Test func `are revoked once, and leave the list`() async throws {
        try await withRegistry { registry in
            let made = try await registry.post("/v1/tokens", #"{"name":"ci","role":"reader"}"#)
            let id = try #require(made["id"]?.text)
            let path = "/v1/tokens/\(id)?reason=leaked&ticket=SEC-1"
            #expect(try await registry.send(.DELETE, path).status == 204)
            #expect(try await registry.send(.DELETE, path).isProblem(404, "unknown-token"))
            let list = try await registry.get("/v1/tokens")
            #expect(!list.items.contains { $0["id"]?.text == id })
            let history = try await registry.get("/v1/history?action=token_revoked")
            #expect(history.items.first?["subject"]?.text == id)
            #expect(history.items.first?["reason"]?.text == "leaked")
            #expect(history.items.first?["after"] == .null)
        }
    }

    @Test(arguments: ["nobody", "%FF", "a%2Fb", "system", "anonymous"])
    func `that aren't there can't be revoked`(id: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.raw("DELETE", "/v1/tokens/\(id)", as: .role(.admin))
            #expect(answer.isProblem(404, "unknown-token"))
        }
    }

    @Test func `of admins can go but the last one that works`() async throws {
        try await withRegistry { registry in
            let own = String(registry.token(.admin).split(separator: "_")[1])
            let last = try await registry.send(.DELETE, "/v1/tokens/\(own)")
            #expect(last.isProblem(409, "last-admin-token"))

            let until = registry.clock.now.adding(.seconds(10))
            let other = try await registry.post(
                "/v1/tokens", #"{"name":"o","role":"admin","expires_at":"\#(until)"}"#)
            #expect(other.status == 201)
            registry.clock.advance(by: .seconds(10))
            let still = try await registry.send(.DELETE, "/v1/tokens/\(own)")
            #expect(still.isProblem(409, "last-admin-token"))

            try await registry.post("/v1/tokens", #"{"name":"p","role":"admin"}"#)
            #expect(try await registry.send(.DELETE, "/v1/tokens/\(own)").status == 204)
            #expect(try await registry.get("/v1/tokens").isProblem(401, "unauthenticated"))
        }
    }

    @Test(arguments: [
        ("{}", ["/name required", "/role required"]),
        (#"{"name":"","role":"reader"}"#, ["/name too-short"]),
        (#"{"name":"\#(String(repeating: "x", count: 101))","role":"reader"}"#, ["/name too-long"]),
        (#"{"name":"a\u0001","role":"reader"}"#, ["/name invalid"]),
        (#"{"name":"a","role":"root"}"#, ["/role not-allowed"]),
        (#"{"name":"a","role":"Reader"}"#, ["/role not-allowed"]),
        (#"{"name":"a","role":"reader","expires_at":"soon"}"#, ["/expires_at invalid"]),
        (
            #"{"name":"a","role":"reader","expires_at":"2026-01-01T00:00:00Z"}"#,
            ["/expires_at out-of-range"]
        ),
        (#"{"name":"a","role":"reader","expires_at":null}"#, ["/expires_at wrong-type"]),
    ])
    func `aren't made from values that won't do`(
        body: String, complaints: [String]
    ) async throws {
        try await withRegistry { registry in
            let answer = try await registry.post("/v1/tokens", body)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == complaints)
        }
    }
}
