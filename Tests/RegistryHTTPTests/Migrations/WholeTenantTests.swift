import RegistryAPI
import RegistryModel
import Testing

@Suite("Waves of whole tenants over HTTP", .timeLimit(.minutes(15))) struct WholeTenantTests {
    private static func register(
        _ registry: RunningRegistry, _ tenant: String, _ names: String...,
        at location: String? = nil, _ more: String = ""
    ) async throws {
        let place = location.map { #","location":"\#($0)""# } ?? ""
        for name in names {
            try await registry.post(
                "/v1/domains",
                #"{"fqdn":"\#(name).example.com","tenant":"\#(tenant)"\#(place)\#(more)}"#)
        }
    }

    private static func moved(
        _ registry: RunningRegistry, _ names: String...
    ) async throws -> TestMigration {
        let migration = try await registry.plan(names.map { "\($0).example.com" })
        try await registry.cutOver(migration)
        return migration
    }

    /// `a1 released`, of each conflict.
    private static func causes(_ answer: Answer) -> [String] {
        (answer["conflicts"]?.array ?? []).map {
            let name = $0["fqdn"]?.text?.split(separator: ".").first ?? ""
            return "\(name) \($0["reason"]?.text ?? "")"
        }
    }

    private static let skip = #"{"on_conflict":"skip"}"#

    @Test func `say what keeps a rollback that leaves all of them`() async throws {
        try await withRegistry { registry in
            try await Self.register(registry, "a", "a1", "a2", at: "japan")
            let migration = try await Self.moved(registry, "a1")
            try await Self.register(registry, "a", "a3")
            for body in [Self.skip, "{}"] {
                let refused = try await registry.post(migration.path("rollback"), body)
                #expect(refused.isProblem(409, "wave-conflict"))
                #expect(Self.causes(refused) == ["a3 new"])
                #expect(refused["conflict_count"]?.number == 1)
            }
            #expect(try await registry.states(of: migration) == "running: moved")
        }
    }

    @Test func `say what keeps each part of a rollback that leaves some`() async throws {
        try await withRegistry { registry in
            for tenant in ["a", "b", "c", "d"] {
                try await Self.register(registry, tenant, "\(tenant)1", "\(tenant)2", at: "japan")
            }
            let migration = try await Self.moved(registry, "a1", "b1", "c1", "d1")
            try await registry.patch("a2.example.com", #"{"mode":"reject"}"#)
            try await registry.send(.DELETE, "/v1/domains/b2.example.com")
            try await Self.register(registry, "c", "c3")
            let back = try await registry.succeed(migration.path("rollback"), Self.skip)
            #expect(Self.causes(back) == ["a2 changed", "b2 released", "c3 new"])
            #expect(back["conflict_count"]?.number == 3)
            // One that is gone holds nobody: the rest of its tenant goes back.
            #expect(back["rolled_back"]?.number == 3)
            let skipped = (back["skipped"]?.array ?? []).compactMap { $0["fqdn"]?.text }
            #expect(skipped == ["a1", "a2", "b2", "c1", "c2"].map { "\($0).example.com" })
            #expect(back["skipped_count"]?.number == 5)
            #expect(
                try await registry.places(["b1.example.com", "d1.example.com", "c1.example.com"])
                    == ["japan serve", "japan serve", "aws serve"])
            #expect(try await registry.get("/v1/stats")["split_tenants"]?.number == 0)
        }
    }

    @Test func `leave no reasons where nothing is left`() async throws {
        try await withRegistry { registry in
            try await Self.register(registry, "a", "a1", at: "japan")
            let migration = try await Self.moved(registry, "a1")
            let back = try await registry.succeed(migration.path("rollback"), Self.skip)
            #expect(back["conflicts"]?.array.isEmpty == true)
            #expect(back["conflict_count"]?.number == 0)
        }
    }

    /// Whoever makes such a plan allows it; history says which revisions did it.
    @Test func `are split by a plan of single domains, and history says so`() async throws {
        try await withRegistry { registry in
            try await Self.register(registry, "a", "a1", "a2", at: "japan")
            try await Self.register(registry, "b", "b1", at: "japan")
            let body = RunningRegistry.planBody(
                ["a1.example.com", "b1.example.com", "a2.example.com"],
                waves: #"[{"count":1},{"count":1},{"rest":true}]"#, more: #","whole_tenants":false"#
            )
            let plan = try await registry.post("/v1/migrations", body)
            let migration = TestMigration(
                id: try #require(plan["id"]?.text), digest: try #require(plan["plan_digest"]?.text),
                sizes: [1, 1, 1])
            func isMarked(_ answer: Answer) async throws -> Bool {
                let revision = try #require(answer["revision"]?.number)
                let history = try await registry.get("/v1/history?limit=10")
                return history.items.contains {
                    $0["revision"]?.number == revision && $0["allow_split"] == .bool(true)
                }
            }
            // a1 leaves a2, b1 is its tenant's only one, and a2 follows a1.
            var steps: [Bool] = []
            for wave in 1...3 {
                steps.append(try await isMarked(try await registry.cutOver(migration, wave)))
            }
            #expect(steps == [true, false, false])
            // The way back parts them again, and brings them together.
            steps = []
            for wave in [3, 2, 1] {
                let back = try await registry.succeed(migration.path("rollback", wave), "{}")
                steps.append(try await isMarked(back))
            }
            #expect(steps == [true, false, false])
            #expect(try await registry.get("/v1/history/verify")["ok"] == .bool(true))
        }
    }

    /// What is copied at a freeze is all that the tenant has there.
    @Test func `aren't joined at their source while they're frozen`() async throws {
        try await withRegistry { registry in
            try await Self.register(registry, "a", "b1", at: "japan")
            try await Self.register(registry, "a", "a1", at: "aws", #","allow_split":true"#)
            let migration = try await registry.plan(["b1.example.com"], freeze: "read_only")
            try await registry.freeze(migration)
            let joining = try await registry.send(
                .PATCH, "/v1/domains/a1.example.com", json: #"{"location":"japan"}"#)
            #expect(joining.isProblem(409, "domain-in-migration"))
            #expect(joining["migration"]?.text == migration.id)
            try await registry.patch("a1.example.com", #"{"mode":"read_only"}"#)
            try await registry.cutOver(migration)
            #expect(try await registry.get("/v1/stats")["split_tenants"]?.number == 0)
        }
    }

    /// Of a tenant that is split, one half moves into a place where another wave is just copying the other.
    @Test func `don't come to where another wave holds the rest of them`() async throws {
        try await withRegistry { registry in
            try await Self.register(registry, "a", "j1", at: "japan")
            try await Self.register(registry, "a", "a1", at: "aws", #","allow_split":true"#)
            let there = try await registry.plan(["j1.example.com"], freeze: "read_only")
            let on = try await registry.plan(
                ["a1.example.com"], from: "aws", to: "japan", freeze: "read_only")
            try await registry.freeze(there)
            try await registry.freeze(on)
            let refused = try await registry.post(there.path("cutover"), there.agreement())
            #expect(refused.isProblem(409, "wave-conflict"))
            #expect(Self.causes(refused) == ["a1 frozen"])
            for name in ["0", "z"] {
                let new = try await registry.send(
                    .POST, "/v1/domains",
                    json: #"{"fqdn":"\#(name).example.com","tenant":"a","location":"aws"}"#)
                #expect(new.isProblem(409, "domain-in-migration"))
            }
            try await registry.succeed(on.path("thaw"))
            try await registry.cutOver(there)
            #expect(try await registry.get("/v1/stats")["split_tenants"]?.number == 0)

            // The way back, while something else of theirs is frozen there.
            try await Self.register(
                registry, "a", "j2", at: "japan", #","allow_split":true"#)
            let other = try await registry.plan(
                ["j2.example.com"], from: "japan", to: "aws", freeze: "read_only")
            try await registry.freeze(other)
            for body in ["{}", Self.skip] {
                let back = try await registry.post(there.path("rollback"), body)
                #expect(back.isProblem(409, "wave-conflict"))
                #expect(Self.causes(back) == ["j2 frozen"])
            }
        }
    }

    /// What was there at the cutover, and is what it was but for its mode, has come to nobody.
    @Test func `are rolled back beside what was changed and not moved`() async throws {
        try await withRegistry { registry in
            try await Self.register(registry, "a", "j1", at: "japan")
            try await Self.register(registry, "a", "a1", at: "aws", #","allow_split":true"#)
            let migration = try await Self.moved(registry, "j1")
            try await registry.patch("a1.example.com", #"{"mode":"read_only"}"#)
            try await registry.patch("j1.example.com", #"{"mode":"reject"}"#)
            try await registry.patch("j1.example.com", #"{"mode":"serve"}"#)
            let back = try await registry.succeed(migration.path("rollback"), "{}")
            #expect(back["rolled_back"]?.number == 1)
            #expect(
                try await registry.places(["j1.example.com", "a1.example.com"])
                    == ["japan serve", "aws read_only"])
        }
    }
}
