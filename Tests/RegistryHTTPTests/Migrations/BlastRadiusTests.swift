import RegistryModel
import Testing

@Suite("The guard on large waves", .timeLimit(.minutes(15))) struct BlastRadiusTests {
    private static let names = ["a", "b", "c"].map { "\($0).example.com" }
    private static let override = #","override":{"reason":"the site closes"}"#

    private static func with(maximum: Int, remaining: Int = 0) -> RegistrySettings {
        .with { $0.blastRadius = BlastRadius(maximumWave: maximum, minimumRemaining: remaining) }
    }

    @Test func `only warns at the plan, and refuses freeze and cutover`() async throws {
        try await withRegistry(Self.with(maximum: 2)) { registry in
            try await registry.registerAll(Self.names)
            for query in ["?dry_run=true", ""] {
                let plan = try await registry.post(
                    "/v1/migrations\(query)",
                    RunningRegistry.planBody(Self.names, freeze: "reject"))
                let warnings = plan["warnings"]?.array ?? []
                #expect(warnings.map { $0["wave"]?.number } == [1])
                #expect(warnings.map { $0["code"]?.text } == ["blast-radius"])
            }
            let list = try await registry.get("/v1/migrations").items
            #expect(list.count == 1 && list[0]["warnings"] == nil)
            try await registry.succeed("/v1/migrations/\(list[0]["id"]?.text ?? "")/cancel")

            let migration = try await registry.plan(Self.names, freeze: "reject")
            let head = try await registry.head()
            for role in [Role.operator_, .admin] {
                let freeze = try await registry.post(
                    migration.path("freeze"), as: .role(role), migration.freeze())
                #expect(freeze.isProblem(409, "blast-radius"))
            }
            #expect(try await registry.head() == head)
            try await registry.succeed(
                migration.path("freeze"), migration.freeze(more: Self.override), as: .role(.admin))
            let cutover = try await registry.post(
                migration.path("cutover"), as: .role(.admin), migration.agreement())
            #expect(cutover.isProblem(409, "blast-radius"))
            #expect(try await registry.states(of: migration) == "running: frozen")
        }
    }

    @Test func `is set aside by an admin, whose reason is in each item of history`() async throws {
        try await withRegistry(Self.with(maximum: 2)) { registry in
            let migration = try await registry.planned(Self.names, freeze: "read_only")
            try await registry.succeed(
                migration.path("freeze"), migration.freeze(more: Self.override), as: .role(.admin))
            try await registry.succeed(
                migration.path("cutover"),
                migration.agreement(more: #","override":{"reason":"all of it\ntonight"}"#),
                as: .role(.admin))
            // A way back is never held up.
            try await registry.succeed(migration.path("rollback"))
            for (action, reason) in [
                ("frozen", "the site closes"), ("moved", "all of it\ntonight"),
                ("rolled_back", nil),
            ] {
                let items = try await registry.get("/v1/history?action=\(action)").items
                #expect(items.map { $0["override_reason"]?.text } == [reason, reason, reason])
            }
        }
    }

    @Test func `can't be set aside by anyone else, needed or not`() async throws {
        try await withRegistry(Self.with(maximum: 2)) { registry in
            let large = try await registry.planned(Self.names, freeze: "reject")
            let small = try await registry.planned(["d.example.com"])
            let head = try await registry.head()
            let requests = [
                (large.path("freeze"), large.freeze(more: Self.override)),
                (large.path("cutover"), large.agreement(more: Self.override)),
                (small.path("cutover"), small.agreement(more: Self.override)),
            ]
            for (target, body) in requests {
                let answer = try await registry.post(target, as: .role(.operator_), body)
                #expect(answer.isProblem(403, "forbidden"))
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `keeps a minimum at the source`() async throws {
        try await withRegistry(Self.with(maximum: 100, remaining: 2)) { registry in
            let migration = try await registry.planned(
                Self.names + ["d.example.com"], waves: #"[{"count":2},{"count":1},{"count":1}]"#)
            let plan = try await registry.post(
                "/v1/migrations?dry_run=true", RunningRegistry.planBody(["x.example.com"]))
            #expect(plan["warnings"] == nil)
            try await registry.cutOver(migration)
            let second = try await registry.post(
                migration.path("cutover", 2), migration.agreement(2))
            #expect(second.isProblem(409, "blast-radius"))
            // Another domain at the source, and there's room again.
            try await registry.register("e.example.com")
            try await registry.cutOver(migration, 2)
            let third = try await registry.post(
                migration.path("cutover", 3), as: .role(.admin),
                migration.agreement(3, more: Self.override))
            #expect(third.status == 200)
            #expect(try await registry.get("/v1/stats")["locations"]?.array.count == 2)
        }
    }

    @Test func `is 100,000 domains by default, and nothing at the source`() {
        let guarded = BlastRadius()
        let japan = LocationName(canonical: "japan")
        #expect(guarded.refusal(size: 100_000, remaining: 0, source: japan) == nil)
        #expect(guarded.refusal(size: 100_001, remaining: 0, source: japan) != nil)
    }
}
