import RegistryModel
import Testing

@testable import RegistryService

@Suite("A wave that is announced", .timeLimit(.minutes(15))) struct FenceTests {
    /// What a lease may run for at most, by the registry's clock: 20 s, two percent, half a second.
    private static let bound = Duration.milliseconds(20_900)

    private static func announced(
        _ registry: RunningRegistry
    ) async throws -> (migration: TestMigration, revision: Int64) {
        let migration = try await registry.planned(["a.example.com"], freeze: "read_only")
        let answer = try await registry.succeed(
            migration.path("announce"), migration.agreement())
        return (migration, try #require(answer["revision"]?.number))
    }

    @Test func `is a revision, and says so of its domains until it's frozen`() async throws {
        try await withRegistry { registry in
            let (migration, revision) = try await Self.announced(registry)
            #expect(try await registry.head() == revision)
            #expect(try await registry.states(of: migration) == "running: announced")
            try await registry.reportFenced("edge")
            try await registry.report("maps")
            let known = try await registry.get(migration.path("safety"), as: .role(.auditor))
            #expect(
                known["agents"]?.array.compactMap { $0["state"]?.text } == ["informed", "unsafe"])
            #expect(known["freeze_revision"] == nil)
            var domain = try await registry.get("/v1/domains/a.example.com")
            #expect(domain["fence"]?.text == "read_only" && domain["mode"]?.text == "serve")
            let history = try await registry.get(
                "/v1/domains/a.example.com/history", as: .role(.auditor))
            #expect(history.items.first?["action"]?.text == "announced")
            #expect(history.items.first?["after"]?["fence"]?.text == "read_only")
            let shown = try await registry.get(migration.path, as: .role(.auditor))
            #expect(shown["waves"]?.array.first?["announced_revision"]?.number == revision)

            try await registry.freeze(migration)
            domain = try await registry.get("/v1/domains/a.example.com")
            #expect(domain["fence"] == nil && domain["mode"]?.text == "read_only")
            try await registry.cutOver(migration)
            domain = try await registry.get("/v1/domains/a.example.com")
            #expect(domain["fence"] == nil && domain["location"]?.text == "aws")
        }
    }

    @Test func `is taken back by a thaw, and by the end of its migration`() async throws {
        try await withRegistry { registry in
            let (migration, _) = try await Self.announced(registry)
            #expect(
                try await registry.succeed(migration.path("thaw"))["thawed"]?.number == 1)
            #expect(
                try await registry.get(migration.path("safety")).isProblem(409, "wrong-state"))
            #expect(try await registry.states(of: migration) == "running: planned")
            #expect(try await registry.get("/v1/domains/a.example.com")["fence"] == nil)
            try await registry.succeed(migration.path("announce"), migration.agreement())
            try await registry.succeed("\(migration.path)/cancel")
            #expect(try await registry.get("/v1/domains/a.example.com")["fence"] == nil)
        }
    }

    @Test func `may be changed, and the freeze finds it`() async throws {
        try await withRegistry { registry in
            let (migration, _) = try await Self.announced(registry)
            try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"location":"aws"}"#)
            #expect(try await registry.get("/v1/domains/a.example.com")["fence"] == nil)
            // It comes back, and isn't announced any more.
            try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"location":"japan"}"#)
            let answer = try await registry.send(
                .POST, migration.path("freeze"), json: migration.freeze())
            #expect(answer.isProblem(409, "wave-conflict"))
            let nothing = try await registry.send(.POST, migration.path("thaw"))
            #expect(nothing.isProblem(409, "wave-conflict"))
        }
    }

    @Test func `gives a lease to who fences itself, and to nobody else`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            #expect(try await registry.reportFenced("edge") == "20.0 s to \(head)")
            let plain = try await registry.send(
                .PUT, "/v1/agents/edge", as: .role(.reader),
                json: #"{"epoch":"\#(try registry.position.epoch)","revision":\#(head)}"#)
            #expect(plain["fence_after_ms"] == nil && plain.status == 200)
            let fenced = try await registry.send(
                .PUT, "/v1/agents/edge", as: .role(.reader),
                json:
                    #"{"epoch":"\#(try registry.position.epoch)","revision":\#(head),"fences":true,"run":"r"}"#
            )
            #expect(fenced["fence_after_ms"]?.number == 20_000)
        }
    }

    /// Whose clock judges. PostgreSQL's own isn't a test's: `SharedFenceTests` has one that is.
    private static var hasOwnClock: Bool { TestStore.Engine.chosen == .sqlite }

    @Test(.enabled(if: hasOwnClock))
    func `is safe when agents have the freeze, or are silent for longer than a lease`()
        async throws
    {
        try await withRegistry { registry in
            let (migration, announced) = try await Self.announced(registry)
            try await registry.reportFenced("cut-off")
            try await registry.reportFenced("there")
            try await registry.report("maps")
            let freeze = try await registry.succeed(
                migration.path("freeze?wait=safe&timeout=0"), migration.freeze())
            #expect(freeze.safety == "0 applied, 0 fenced of 3; cut-off maps there")
            try await registry.reportFenced("there")
            #expect(
                try await registry.safety(of: migration) == "1 applied, 0 fenced of 3; cut-off maps"
            )

            registry.clock.advance(by: Self.bound - .milliseconds(1))
            #expect(
                try await registry.safety(of: migration) == "1 applied, 0 fenced of 3; cut-off maps"
            )
            registry.clock.advance(by: .milliseconds(1))
            #expect(try await registry.safety(of: migration) == "1 applied, 1 fenced of 3; maps")
            let shown = try await registry.get(migration.path("safety"), as: .role(.auditor))
            #expect(shown["freeze_revision"]?.number == (try await registry.head()))
            #expect(
                shown["agents"]?.array.map {
                    "\($0["name"]?.text ?? "") \($0["state"]?.text ?? "")"
                }
                    == ["cut-off fenced", "maps unsafe", "there applied"])
            let refused = try await registry.send(
                .POST, migration.path("cutover?require=safe"), json: migration.agreement())
            #expect(refused.isProblem(409, "not-safe"))
            #expect(refused["lagging"]?.array.compactMap(\.text) == ["maps"])
            try await registry.send(.DELETE, "/v1/agents/maps")
            let moved = try await registry.send(
                .POST, migration.path("cutover?require=safe"), json: migration.agreement())
            #expect(moved.status == 200)
            #expect(announced > 0)
        }
    }

    @Test(.enabled(if: hasOwnClock)) func `isn't safe with one that never knew of it`() async throws
    {
        try await withRegistry { registry in
            try await registry.reportFenced("late")
            let (migration, announced) = try await Self.announced(registry)
            try await registry.freeze(migration)
            registry.clock.advance(by: .seconds(3_600))
            #expect(try await registry.safety(of: migration) == "0 applied, 0 fenced of 1; late")
            // It's back with the announcement alone, and has a lease again, of which the freeze is a condition.
            #expect(
                try await registry.reportFenced("late", applied: announced)
                    == "20.0 s to \(try await registry.head())")
            #expect(try await registry.safety(of: migration) == "0 applied, 0 fenced of 1; late")
            registry.clock.advance(by: Self.bound)
            #expect(try await registry.safety(of: migration) == "0 applied, 1 fenced of 1")
        }
    }

    @Test func `is asked about by convergence where it wasn't announced`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            try await registry.report("a")
            let freeze = try await registry.succeed(
                migration.path("freeze?wait=safe&timeout=0"), migration.freeze())
            #expect(freeze["safety"] == nil && freeze.convergence == "0 of 1; a")
            let refused = try await registry.send(
                .POST, migration.path("cutover?require=safe"), json: migration.agreement())
            #expect(refused.isProblem(409, "not-converged"))
            let wrong = try await registry.send(
                .POST, migration.path("cutover?wait=safe"), json: migration.agreement())
            #expect(wrong.isProblem(400, "invalid-request"))
        }
    }
}

extension RunningRegistry {
    /// `1 applied, 0 fenced of 3; edge-a edge-b`, of a wave's agents now.
    fileprivate func safety(of migration: TestMigration) async throws -> String {
        let wave = WaveName(migration: migration.id, number: 1)
        let safety = try await service.safety(of: wave, within: .zero)
        return safety.map { found in
            let rest = found.unsafe.map(\.text).joined(separator: " ")
            return "\(found.applied) applied, \(found.fenced) fenced of \(found.agents)"
                + (rest.isEmpty ? "" : "; \(rest)")
        } ?? "not asked"
    }
}

extension Answer {
    fileprivate var safety: String {
        guard let found = self["safety"] else { return "none" }
        let rest = found["unsafe"]?.array.compactMap(\.text) ?? ["?"]
        return
            "\(found["applied"]?.number ?? -1) applied, \(found["fenced"]?.number ?? -1) fenced of \(found["agents"]?.number ?? -1)"
            + (rest.isEmpty ? "" : "; \(rest.joined(separator: " "))")
    }
}
