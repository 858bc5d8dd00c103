import RegistryModel
import Testing

@Suite("Idempotency-Key", .timeLimit(.minutes(15))) struct IdempotencyTests {
    private static let body = #"{"fqdn":"a.example.com","tenant":"t","reason":"r"}"#

    private static func isReplay(_ answer: Answer) -> Bool {
        answer.header("Idempotency-Replayed") == "true"
    }

    /// The same status, body and headers, but those that name the request and its time.
    private static func isSame(_ left: Answer, _ right: Answer) -> Bool {
        let own = ["x-request-id", "date", "idempotency-replayed"]
        let fields = { (answer: Answer) in
            Dictionary(
                answer.headers.map { ($0.name.lowercased(), $0.value) }.filter {
                    !own.contains($0.0)
                }
            ) { $1 }
        }
        return left.status == right.status && left.bytes == right.bytes
            && fields(left) == fields(right)
    }

    @Test func `gives the first answer again, byte for byte`() async throws {
        try await withRegistry { registry in
            let first = try await registry.post("/v1/domains", Self.body, key: "k")
            #expect(first.status == 201 && !Self.isReplay(first))
            let head = try await registry.head()
            for _ in 0..<2 {
                let again = try await registry.post("/v1/domains", Self.body, key: "k")
                #expect(Self.isReplay(again))
                #expect(Self.isSame(first, again))
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `gives it even when state has moved on`() async throws {
        try await withRegistry { registry in
            let first = try await registry.post("/v1/domains", Self.body, key: "k")
            try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"mode":"reject"}"#)
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            registry.clock.advance(by: .seconds(3600))
            let again = try await registry.post("/v1/domains", Self.body, key: "k")
            #expect(Self.isReplay(again) && Self.isSame(first, again))
            #expect(try await registry.get("/v1/domains/a.example.com").status == 404)
        }
    }

    @Test func `refuses another body, another path and another query`() async throws {
        try await withRegistry { registry in
            try await registry.post("/v1/domains", Self.body, key: "k")
            for (target, body) in [
                ("/v1/domains", #"{"fqdn":"b.example.com"}"#), ("/v1/domains", "not JSON"),
                ("/v1/domains", #"{"fqdn":"a.example.com","tenant":"t","reason":null}"#),
                ("/v1/domains", #"{"fqdn":"a.example.com","tenant":"tr"}"#),
                ("/v1/domains", "{}"), ("/v1/domains/a.example.com/restore", Self.body),
                ("/v1/domains?min_revision=0", Self.body), ("/v1/domains/batch", Self.body),
                ("/v1/tokens", Self.body),
            ] {
                let answer = try await registry.post(target, body, key: "k")
                #expect(answer.isProblem(422, "idempotency-key-reused"))
            }
        }
    }

    @Test func `belongs to one token`() async throws {
        try await withRegistry { registry in
            let send = { (role: Role) in
                try await registry.post("/v1/domains", as: .role(role), Self.body, key: "k")
            }
            #expect(try await send(.admin).status == 201)
            let other = try await send(.registrar)
            #expect(other.isProblem(409, "domain-taken"))
            #expect(Self.isReplay(try await send(.admin)))
        }
    }

    @Test func `isn't kept for an answer that refused`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let refused = try await registry.post("/v1/domains", Self.body, key: "k")
            #expect(refused.isProblem(409, "domain-taken"))
            let bad = try await registry.post("/v1/domains", #"{"fqdn":"-"}"#, key: "k")
            #expect(bad.isProblem(400, "invalid-fqdn"))
            let good = try await registry.post(
                "/v1/domains", #"{"fqdn":"b.example.com"}"#, key: "k")
            #expect(good.status == 201 && !Self.isReplay(good))
        }
    }

    @Test func `is kept for an answer that changed nothing`() async throws {
        try await withRegistry { registry in
            let rows = #"{"domains":[{"fqdn":"a.example.com"}]}"#
            try await registry.register("a.example.com")
            let head = try await registry.head()
            let first = try await registry.post("/v1/domains/batch", rows, key: "k")
            #expect(first.status == 200 && !Self.isReplay(first))
            #expect(try await registry.head() == head)
            // Now it would register the name.
            registry.clock.advance(by: .seconds(1))
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            try await registry.send(.POST, "/v1/domains/a.example.com/restore")
            let again = try await registry.post("/v1/domains/batch", rows, key: "k")
            #expect(Self.isReplay(again) && Self.isSame(first, again))
            let other = try await registry.post(
                "/v1/domains/batch", #"{"domains":[]}"#, key: "k")
            #expect(other.isProblem(422, "idempotency-key-reused"))
        }
    }

    @Test func `sees what a request means, not how it's spelled`() async throws {
        try await withRegistry { registry in
            let first = try await registry.post(
                "/v1/domains", #"{"fqdn":"a.example.com","tenant":"tä","reason":"r"}"#, key: "k")
            #expect(first.status == 201)
            for body in [
                #"{"reason":"r","tenant":"t\u00e4","fqdn":"a.example.com"}"#,
                " {\n\t\"tenant\" : \"tä\",\"reason\":\"r\",\"fqdn\":\"\\u0061.example.com\" } ",
            ] {
                for target in ["/v1/domains", "/v1/domains?"] {
                    let again = try await registry.post(target, body, key: "k")
                    #expect(Self.isReplay(again) && Self.isSame(first, again), "\(target) \(body)")
                }
            }
        }
    }

    @Test func `is looked at before anything else about the request`() async throws {
        try await withRegistry(.with { $0.http.revisionWait = .milliseconds(1) }) { registry in
            let target = "/v1/domains?min_revision=5"
            let first = try await registry.post(target, Self.body, key: "k")
            #expect(first.status == 201)
            try await registry.send(
                .PUT, "/v1/locations/japan",
                json: #"{"upstream":"http://j","accepts_signups":false,"default_for_signups":true}"#
            )
            let again = try await registry.send(
                .POST, target, json: Self.body,
                headers: [("Idempotency-Key", "k"), ("If-Match", "\"1\"")])
            #expect(Self.isReplay(again) && Self.isSame(first, again))
        }
    }

    @Test func `comes after authentication and role`() async throws {
        try await withRegistry { registry in
            try await registry.post("/v1/domains", Self.body, key: "k")
            let nobody = try await registry.post("/v1/domains", as: .nobody, Self.body, key: "k")
            #expect(nobody.isProblem(401, "unauthenticated"))
            let reader = try await registry.post(
                "/v1/domains", as: .role(.reader), Self.body,
                key: String(repeating: "x", count: 300))
            #expect(reader.isProblem(403, "forbidden"))
        }
    }

    @Test func `holds for batches and restores`() async throws {
        try await withRegistry { registry in
            let rows =
                #"{"domains":[{"fqdn":"A.example.com."},{"fqdn":"www.example.com"},{"fqdn":"-"}]}"#
            let batch = try await registry.post("/v1/domains/batch", rows, key: "b")
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            let batchAgain = try await registry.post("/v1/domains/batch", rows, key: "b")
            #expect(Self.isReplay(batchAgain) && Self.isSame(batch, batchAgain))

            let path = "/v1/domains/a.example.com/restore"
            let restored = try await registry.post(path, "{}", key: "r")
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            let again = try await registry.post(path, "{}", key: "r")
            #expect(Self.isReplay(again) && Self.isSame(restored, again))
        }
    }

    @Test func `of a new token repeats everything but the secret`() async throws {
        try await withRegistry { registry in
            let body = #"{"name":"ci","role":"reader"}"#
            let first = try await registry.post("/v1/tokens", body, key: "k")
            let again = try await registry.post("/v1/tokens", body, key: "k")
            #expect(first["token"] != nil && again["token"] == nil)
            #expect(Self.isReplay(again) && again.status == 201)
            #expect(again["id"] == first["id"] && again["role"] == first["role"])
            let expiring =
                #"{"name":"x","role":"reader","expires_at":"\#(registry.clock.now.adding(.seconds(5)))"}"#
            try await registry.post("/v1/tokens", expiring, key: "e")
            registry.clock.advance(by: .seconds(60))
            #expect(Self.isReplay(try await registry.post("/v1/tokens", expiring, key: "e")))
        }
    }

    @Test func `lasts 24 hours`() async throws {
        try await withRegistry { registry in
            try await registry.post("/v1/domains", Self.body, key: "k")
            registry.clock.advance(by: .seconds(24 * 3600 - 1))
            #expect(Self.isReplay(try await registry.post("/v1/domains", Self.body, key: "k")))
            registry.clock.advance(by: .seconds(2))
            let later = try await registry.post(
                "/v1/domains", #"{"fqdn":"b.example.com"}"#, key: "k")
            #expect(later.status == 201 && !Self.isReplay(later))
        }
    }

    @Test(arguments: ["", "é", "a\tb", String(repeating: "x", count: 256)])
    func `that is malformed is 400`(key: String) async throws {
        try await withRegistry { registry in
            for target in ["/v1/domains", "/v1/domains/batch", "/v1/tokens"] {
                let answer = try await registry.raw(
                    "POST", target,
                    headers: [("Idempotency-Key", key), ("Content-Type", "application/json")],
                    body: Self.body, as: .role(.admin))
                #expect(answer.isProblem(400, "invalid-idempotency-key"))
            }
        }
    }

    @Test func `of 255 printable characters is good`() async throws {
        try await withRegistry { registry in
            let key = String(repeating: "~", count: 254) + "!"
            let first = try await registry.post("/v1/domains", Self.body, key: key)
            let again = try await registry.post("/v1/domains", Self.body, key: key)
            #expect(first.status == 201 && !Self.isReplay(first) && Self.isReplay(again))
        }
    }

    @Test func `means nothing to a lookup`() async throws {
        try await withRegistry { registry in
            for key in ["k", "k", String(repeating: "x", count: 300)] {
                let answer = try await registry.post(
                    "/v1/lookup", #"{"fqdns":["\#(key).com"]}"#, key: key)
                #expect(answer.status == 200 && !Self.isReplay(answer))
            }
        }
    }

    @Test func `lets one of many racing requests through, and all get its answer`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let answers = try await withThrowingTaskGroup(of: Answer.self) { tasks in
                for _ in 0..<30 {
                    tasks.addTask { try await registry.post("/v1/domains", Self.body, key: "k") }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 201 && $0.bytes == answers[0].bytes })
            #expect(answers.filter { !Self.isReplay($0) }.count == 1)
            #expect(try await registry.head() == head + 1)
        }
    }
}
