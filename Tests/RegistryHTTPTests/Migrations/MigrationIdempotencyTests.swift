import RegistryModel
import Testing

@Suite("A repeated step", .timeLimit(.minutes(15))) struct MigrationIdempotencyTests {
    private struct Request {
        var target: String
        var body: String
        var key: String
    }

    /// The whole life of a migration, each request with a key of its own.
    private static func requests(_ migration: TestMigration) -> [Request] {
        [
            ("freeze", migration.freeze()), ("thaw", ""),
            ("freeze?wait=converged", migration.freeze()),
            ("cutover", migration.agreement()), ("rollback", #"{"on_conflict":"skip"}"#),
        ].enumerated().map { index, step in
            Request(target: migration.path(step.0), body: step.1, key: "k\(index)")
        } + [Request(target: "\(migration.path)/finalize", body: "{}", key: "end")]
    }

    private static func send(_ request: Request, _ registry: RunningRegistry) async throws -> Answer
    {
        try await registry.post(
            request.target, as: .role(.operator_), request.body, key: request.key)
    }

    @Test func `gives each first answer again, also after everything has moved on`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(["a.example.com", "b.example.com"])
            let body = RunningRegistry.planBody(
                ["a.example.com", "b.example.com", "x.example.com"], freeze: "reject")
            let plan = Request(target: "/v1/migrations", body: body, key: "plan")
            let planned = try await Self.send(plan, registry)
            let migration = TestMigration(
                id: planned["id"]?.text ?? "", digest: planned["plan_digest"]?.text ?? "",
                sizes: [2])
            var answers = [(plan, planned)]
            for request in Self.requests(migration) {
                let answer = try await Self.send(request, registry)
                try #require(answer.status == 200 && !answer.isReplay, "\(answer.text)")
                answers.append((request, answer))
                registry.clock.advance(by: .seconds(60))
            }
            let head = try await registry.service.store.head()
            for (request, first) in answers.shuffled() {
                let again = try await Self.send(request, registry)
                #expect(again.isReplay, "\(request.target)")
                #expect(again.status == first.status && again.bytes == first.bytes)
                #expect(again.header("Location") == first.header("Location"))
                #expect(again.revision == first.revision)
            }
            #expect(try await registry.service.store.head() == head)
            #expect(try await registry.get("/v1/migrations").items.count == 1)
        }
    }

    @Test func `with another body, wave or query is 422`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(
                ["a.example.com", "b.example.com"], waves: #"[{"count":1},{"rest":true}]"#)
            let cutover = Request(
                target: migration.path("cutover"), body: migration.agreement(), key: "k")
            #expect(try await Self.send(cutover, registry).status == 200)
            let head = try await registry.head()
            let others = [
                (cutover.target, migration.agreement(more: #","reason":"again""#)),
                (cutover.target + "?wait=converged", cutover.body),
                (migration.path("cutover", 2), cutover.body), (migration.path("rollback"), ""),
                ("\(migration.path)/cancel", ""), ("/v1/migrations", "not JSON"),
                (cutover.target, ""),
            ]
            for (target, body) in others {
                let answer = try await registry.post(
                    target, as: .role(.operator_), body, key: "k")
                #expect(answer.isProblem(422, "idempotency-key-reused"), "\(target)")
            }
            #expect(try await registry.head() == head)
            // Another token's key is another key.
            let other = try await registry.post(
                cutover.target, as: .role(.admin), cutover.body, key: "k")
            #expect(other.isProblem(409, "wrong-state"))
        }
    }

    @Test func `that was refused is tried anew`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            let cutover = Request(
                target: migration.path("cutover"), body: migration.agreement(), key: "k")
            try await registry.patch("a.example.com", #"{"mode":"reject"}"#)
            #expect(try await Self.send(cutover, registry).isProblem(409, "wave-conflict"))
            try await registry.patch("a.example.com", #"{"mode":"serve"}"#)
            let answer = try await Self.send(cutover, registry)
            #expect(answer.status == 200 && !answer.isReplay)
            #expect(try await Self.send(cutover, registry).isReplay)
        }
    }

    @Test func `in a race with itself is done once, and all get its answer`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned((0..<200).map { "n\($0).example.com" })
            let cutover = Request(
                target: migration.path("cutover"), body: migration.agreement(), key: "k")
            let head = try await registry.head()
            let answers = try await withThrowingTaskGroup(of: Answer.self) { tasks in
                for _ in 0..<12 { tasks.addTask { try await Self.send(cutover, registry) } }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 200 && $0.bytes == answers[0].bytes })
            #expect(answers.count { !$0.isReplay } == 1)
            #expect(try await registry.head() == head + 1)
        }
    }

    @Test func `is remembered for 24 hours, and then refused for what it is`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            let cutover = Request(
                target: migration.path("cutover"), body: migration.agreement(), key: "k")
            #expect(try await Self.send(cutover, registry).status == 200)
            registry.clock.advance(by: .seconds(24 * 3600 + 1))
            #expect(try await Self.send(cutover, registry).isProblem(409, "wrong-state"))
        }
    }
}
