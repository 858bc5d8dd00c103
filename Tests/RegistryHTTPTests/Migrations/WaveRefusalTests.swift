import RegistryModel
import Testing

@Suite("A step that doesn't fit", .timeLimit(.minutes(15))) struct WaveRefusalTests {
    private static let names = ["a.example.com", "b.example.com"]

    private enum Verb: String, CaseIterable { case freeze, cutover, rollback, thaw }

    private static func send(
        _ verb: Verb, _ migration: TestMigration, _ registry: RunningRegistry
    ) async throws -> Answer {
        let body =
            switch verb {
            case .freeze: migration.freeze()
            case .cutover: migration.agreement()
            case .rollback, .thaw: "{}"
            }
        return try await registry.post(migration.path(verb.rawValue), as: .role(.operator_), body)
    }

    /// Each of these must be refused, and name the state.
    private static func expectRefusal(
        _ verbs: [Verb], in state: String, _ migration: TestMigration, _ registry: RunningRegistry
    ) async throws {
        let head = try await registry.head()
        for verb in verbs {
            let answer = try await send(verb, migration, registry)
            #expect(answer.isProblem(409, "wrong-state"), "\(verb) in \(state)")
            #expect(answer["state"]?.text == state, "\(verb)")
        }
        #expect(try await registry.head() == head)
    }

    @Test func `names the wave's state, along the way of a migration that freezes`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            let path = migration.path
            try await Self.expectRefusal(
                [.cutover, .rollback, .thaw], in: "planned", migration, registry)
            try await registry.freeze(migration)
            try await Self.expectRefusal([.freeze, .rollback], in: "frozen", migration, registry)
            try await registry.cutOver(migration)
            try await Self.expectRefusal(
                [.freeze, .cutover, .thaw], in: "moved", migration, registry)
            let cancel = try await registry.post("\(path)/cancel", "")
            #expect(cancel.isProblem(409, "wrong-state") && cancel["state"]?.text == "running")
            try await registry.succeed(migration.path("rollback"))
            try await Self.expectRefusal(
                Verb.allCases, in: "rolled_back", migration, registry)
        }
    }

    @Test func `names it where nothing freezes, and at the end`() async throws {
        try await withRegistry { registry in
            let moved = try await registry.planned(Self.names)
            try await Self.expectRefusal(
                [.freeze, .rollback, .thaw], in: "planned", moved, registry)
            try await registry.cutOver(moved)
            try await registry.succeed("\(moved.path)/finalize")
            try await Self.expectRefusal(Verb.allCases, in: "finalized", moved, registry)

            let cancelled = try await registry.planned(["c.example.com"], freeze: "reject")
            try await registry.succeed("\(cancelled.path)/cancel")
            try await Self.expectRefusal(Verb.allCases, in: "cancelled", cancelled, registry)
        }
    }

    @Test func `is 412 for another plan or another count`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            let other = try await registry.planned(["c.example.com", "d.example.com"])
            let digests = [
                other.digest, String(migration.digest.dropFirst(7)), migration.digest.uppercased(),
                "sha256:", migration.digest + " ", "x",
            ]
            let bodies =
                digests.map { ($0, 2) } + [0, 1, 3, 100_000_000].map { (migration.digest, $0) }
            let head = try await registry.head()
            for (digest, count) in bodies {
                let body = #"{"plan_digest":"\#(digest)","expected_count":\#(count)"#
                let freeze = try await registry.post(
                    migration.path("freeze"), body + #","deadline_seconds":5}"#)
                #expect(freeze.isProblem(412, "plan-mismatch"))
                let cutover = try await registry.post(migration.path("cutover"), body + "}")
                #expect(cutover.isProblem(412, "plan-mismatch"))
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `is a conflict for every row that isn't as the plan left it`() async throws {
        try await withRegistry(.with { $0.quarantine = .zero }) { registry in
            let names = ["a", "b", "c", "d", "e", "f"].map { "\($0).example.com" }
            for freeze in ["none", "read_only"] {
                let migration =
                    freeze == "none"
                    ? try await registry.planned(names)
                    : try await registry.plan(names, freeze: freeze)
                try await registry.patch("a.example.com", #"{"tenant":"that counts for nothing"}"#)
                try await registry.patch("b.example.com", #"{"location":"aws"}"#)
                try await registry.patch("c.example.com", #"{"mode":"reject"}"#)
                try await registry.send(.DELETE, "/v1/domains/d.example.com")
                // Another customer's domain, of the same name.
                try await registry.send(.DELETE, "/v1/domains/e.example.com")
                registry.clock.advance(by: .seconds(1))
                try await registry.register("e.example.com")
                // Back as it was.
                try await registry.send(.DELETE, "/v1/domains/f.example.com")
                try await registry.post("/v1/domains/f.example.com/restore", "")

                let head = try await registry.service.store.head()
                let answer = try await registry.post(
                    migration.path(freeze == "none" ? "cutover" : "freeze"),
                    freeze == "none" ? migration.agreement() : migration.freeze())
                #expect(answer.isProblem(409, "wave-conflict"))
                #expect(answer["conflict_count"]?.number == 4)
                #expect(
                    Self.conflicts(answer) == [
                        "b.example.com: japan serve → aws serve",
                        "c.example.com: japan serve → japan reject",
                        "d.example.com: japan serve → none",
                        "e.example.com: japan serve → none",
                    ])
                #expect(try await registry.service.store.head() == head)
                #expect(try await registry.states(of: migration) == "planned: planned")

                // As it was again, and the wave goes.
                try await registry.patch("b.example.com", #"{"location":"japan"}"#)
                try await registry.patch("c.example.com", #"{"mode":"serve"}"#)
                try await registry.post("/v1/domains/d.example.com/restore", "")
                try await registry.succeed("\(migration.path)/cancel")
            }
        }
    }

    private static func conflicts(_ answer: Answer) -> [String] {
        (answer["conflicts"]?.array ?? []).map { conflict in
            func place(_ field: String) -> String {
                guard let place = conflict[field], place != .null else { return "none" }
                return "\(place["location"]?.text ?? "") \(place["mode"]?.text ?? "")"
            }
            return "\(conflict["fqdn"]?.text ?? ""): \(place("expected")) → \(place("found"))"
        }
    }

    @Test func `names the first thousand conflicts, and counts them all`() async throws {
        try await withRegistry { registry in
            let names = (1000..<2100).map { "n\($0).example.com" }
            let there = try await registry.planned(names)
            try await registry.cutOver(there)
            let back = try await registry.plan(names, from: "aws", to: "japan")
            try await registry.cutOver(back)
            let answer = try await registry.post(there.path("rollback"), "")
            #expect(answer.isProblem(409, "wave-conflict"))
            #expect(answer["conflict_count"]?.number == 1100)
            #expect(
                answer["conflicts"]?.array.map { $0["fqdn"]?.text } == Array(names.prefix(1000)))
        }
    }

    @Test func `back fails over what changed since, or skips and lists it`() async throws {
        try await withRegistry { registry in
            let names = ["a", "b", "c", "d"].map { "\($0).example.com" }
            let migration = try await registry.planned(names)
            try await registry.cutOver(migration)
            try await registry.patch("b.example.com", #"{"mode":"reject"}"#)
            try await registry.send(.DELETE, "/v1/domains/c.example.com")
            for body in ["", "{}", #"{"on_conflict":"fail"}"#] {
                let answer = try await registry.post(migration.path("rollback"), body)
                #expect(answer.isProblem(409, "wave-conflict"))
                #expect(
                    Self.conflicts(answer) == [
                        "b.example.com: aws serve → aws reject", "c.example.com: aws serve → none",
                    ])
            }
            let back = try await registry.succeed(
                migration.path("rollback"), #"{"on_conflict":"skip"}"#)
            #expect(back["rolled_back"]?.number == 2 && back["skipped_count"]?.number == 2)
            #expect(
                back["skipped"]?.array.map { $0["fqdn"]?.text }
                    == ["b.example.com", "c.example.com"])
            #expect(
                try await registry.places(names)
                    == ["japan serve", "aws reject", "unknown-domain", "japan serve"])
            #expect(
                try await registry.get("\(migration.path)/domains?status=moved").rows
                    == ["b.example.com 1 moved", "c.example.com 1 moved"])
        }
    }

    @Test func `back skips nothing where nothing changed, and isn't taken where all did`()
        async throws
    {
        try await withRegistry { registry in
            let skip = #"{"on_conflict":"skip"}"#
            let plain = try await registry.planned(["a.example.com"])
            try await registry.cutOver(plain)
            let back = try await registry.succeed(plain.path("rollback"), skip)
            #expect(back["skipped"]?.array.isEmpty == true && back["skipped_count"]?.number == 0)

            let changed = try await registry.planned(["b.example.com"])
            try await registry.cutOver(changed)
            try await registry.patch("b.example.com", #"{"location":"japan"}"#)
            let refused = try await registry.post(changed.path("rollback"), skip)
            #expect(refused.isProblem(409, "wave-conflict"))
            #expect(refused["conflict_count"]?.number == 1)
            #expect(try await registry.states(of: changed) == "running: moved")
        }
    }
}
