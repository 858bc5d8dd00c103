import NIOHTTP1
import RegistryModel
import Testing

/// `PATCH`, `PUT` and `DELETE`, as `IdempotencyTests` has it for `POST`.
@Suite("Idempotency-Key of a write that is no POST", .timeLimit(.minutes(15)))
struct WriteIdempotencyTests {
    private static let name = "/v1/domains/a.example.com"
    private static let nowhere =
        #"{"upstream":"http://n","accepts_signups":true,"default_for_signups":false}"#

    private static func isReplay(_ answer: Answer) -> Bool {
        answer.header("Idempotency-Replayed") == "true"
    }

    private static func send(
        _ registry: RunningRegistry, _ method: HTTPMethod, _ target: String, _ body: String? = nil,
        key: String = "k", ifMatch: String? = nil
    ) async throws -> Answer {
        let headers = [("Idempotency-Key", key)] + (ifMatch.map { [("If-Match", $0)] } ?? [])
        return try await registry.send(method, target, json: body, headers: headers)
    }

    private static func prepare(_ registry: RunningRegistry) async throws {
        try await registry.register("a.example.com")
    }

    @Test func `gives a change's first answer again, whatever became of it`() async throws {
        try await withRegistry { registry in
            try await Self.prepare(registry)
            let tag = try #require(try await registry.get(Self.name).header("ETag"))
            let body = #"{"mode":"reject","reason":"r"}"#
            let first = try await Self.send(registry, .PATCH, Self.name, body, ifMatch: tag)
            #expect(first.status == 200 && !Self.isReplay(first))
            try await registry.send(.PATCH, Self.name, json: #"{"mode":"serve"}"#)
            let head = try await registry.head()
            // The precondition is looked at after the key: it doesn't hold any more.
            for match in [tag, nil, #""99""#] {
                let again = try await Self.send(
                    registry, .PATCH, "/v1/domains/%61.example.com",
                    #"{"reason":"r", "mode":"reject"}"#,
                    ifMatch: match)
                #expect(again.status == 200 && Self.isReplay(again))
                #expect(again.bytes == first.bytes)
                #expect(again.header("ETag") == first.header("ETag"))
            }
            #expect(try await registry.head() == head)
            let other = try await Self.send(registry, .PATCH, Self.name, #"{"mode":"serve"}"#)
            #expect(other.isProblem(422, "idempotency-key-reused"))
        }
    }

    @Test func `remembers a change that changed nothing`() async throws {
        try await withRegistry { registry in
            try await Self.prepare(registry)
            let first = try await Self.send(registry, .PATCH, Self.name, #"{"mode":"serve"}"#)
            #expect(first.status == 200 && !Self.isReplay(first))
            try await registry.send(.PATCH, Self.name, json: #"{"mode":"reject"}"#)
            let again = try await Self.send(registry, .PATCH, Self.name, #"{"mode":"serve"}"#)
            #expect(Self.isReplay(again) && again.bytes == first.bytes)
            #expect(try await registry.get(Self.name)["mode"] == .string("reject"))
        }
    }

    @Test func `releases once`() async throws {
        try await withRegistry { registry in
            try await Self.prepare(registry)
            let target = Self.name + "?reason=r&ticket=T-1"
            #expect(try await Self.send(registry, .DELETE, target).status == 204)
            try await registry.send(.POST, Self.name + "/restore")
            let again = try await Self.send(
                registry, .DELETE, Self.name + "?ticket=%54-1&reason=r")
            #expect(again.status == 204 && Self.isReplay(again))
            #expect(try await registry.get(Self.name).status == 200)
            let other = try await Self.send(registry, .DELETE, Self.name + "?reason=s")
            #expect(other.isProblem(422, "idempotency-key-reused"))
        }
    }

    @Test func `makes and deletes a location once`() async throws {
        try await withRegistry { registry in
            let target = "/v1/locations/nowhere"
            let first = try await Self.send(registry, .PUT, target, Self.nowhere)
            #expect(first.status == 201)
            #expect(try await Self.send(registry, .DELETE, target, key: "d").status == 204)
            let again = try await Self.send(registry, .PUT, target, Self.nowhere)
            #expect(again.status == 201 && Self.isReplay(again) && again.bytes == first.bytes)
            #expect(try await registry.get("/v1/locations").text.contains("nowhere") == false)
            let deleted = try await Self.send(registry, .DELETE, target, key: "d")
            #expect(deleted.status == 204 && Self.isReplay(deleted))
        }
    }

    @Test func `revokes a token once`() async throws {
        try await withRegistry { registry in
            let made = try await registry.post("/v1/tokens", #"{"name":"x","role":"reader"}"#)
            let id = try #require(made["id"]?.text)
            #expect(try await Self.send(registry, .DELETE, "/v1/tokens/\(id)").status == 204)
            let again = try await Self.send(registry, .DELETE, "/v1/tokens/\(id)")
            #expect(again.status == 204 && Self.isReplay(again))
            let plain = try await registry.send(.DELETE, "/v1/tokens/\(id)")
            #expect(plain.isProblem(404, "unknown-token"))
        }
    }

    @Test func `evicts an agent once`() async throws {
        try await withRegistry { registry in
            let report = { try await registry.get("/v1/changes?after=1&agent=edge&wait=0") }
            _ = try await report()
            let target = "/v1/agents/edge?reason=r"
            #expect(try await Self.send(registry, .DELETE, target).status == 204)
            let gone = try await Self.send(registry, .DELETE, target)
            #expect(gone.status == 204 && Self.isReplay(gone))
            // It's back, and the request of before doesn't mean this one.
            registry.clock.advance(by: .seconds(1))
            _ = try await report()
            #expect(Self.isReplay(try await Self.send(registry, .DELETE, target)))
            let listed = try await registry.get("/v1/agents")
            #expect(listed.text.contains("\"edge\""))
            let plain = try await registry.send(.DELETE, "/v1/agents/nobody")
            #expect(plain.isProblem(404, "unknown-agent"))
        }
    }

    @Test func `isn't kept for a refusal, and comes after the role`() async throws {
        try await withRegistry { registry in
            let missing = try await Self.send(registry, .PATCH, Self.name, #"{"mode":"reject"}"#)
            #expect(missing.isProblem(404, "unknown-domain"))
            try await Self.prepare(registry)
            let stale = try await Self.send(
                registry, .PATCH, Self.name, #"{"mode":"reject"}"#, ifMatch: #""99""#)
            #expect(stale.isProblem(412, "revision-mismatch"))
            let good = try await Self.send(registry, .PATCH, Self.name, #"{"mode":"reject"}"#)
            #expect(good.status == 200 && !Self.isReplay(good))
            let reader = try await registry.send(
                .PATCH, Self.name, as: .role(.reader), json: #"{"mode":"reject"}"#,
                headers: [("Idempotency-Key", "k")])
            #expect(reader.isProblem(403, "forbidden"))
            let bad = try await registry.raw(
                "DELETE", Self.name, headers: [("Idempotency-Key", "é")], body: "",
                as: .role(.admin))
            #expect(bad.isProblem(400, "invalid-idempotency-key"))
        }
    }
}
