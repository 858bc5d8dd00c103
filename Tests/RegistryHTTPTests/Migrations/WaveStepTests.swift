import RegistryModel
import Testing

@Suite("A wave over HTTP", .timeLimit(.minutes(15))) struct WaveStepTests {
    private static let names = ["a.example.com", "b.example.com", "c.example.com"]

    @Test func `is frozen, moves, and comes back as it was`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(Self.names)
            try await registry.patch("b.example.com", #"{"mode":"reject","tenant":"bee"}"#)
            let migration = try await registry.plan(
                Self.names, waves: #"[{"count":2},{"rest":true}]"#, freeze: "read_only")
            let head = try await registry.head()

            let frozen = try await registry.freeze(migration, seconds: 90)
            let deadline = "\(registry.clock.now.adding(.seconds(90)))"
            #expect(frozen["migration"]?.text == migration.id)
            #expect(frozen["wave"]?.number == 1 && frozen["frozen"]?.number == 2)
            #expect(frozen["revision"]?.number == head + 1 && frozen.revision == head + 1)
            #expect(frozen["deadline"]?.text == deadline)
            #expect((frozen["took_ms"]?.number ?? -1) >= 0)
            #expect(frozen["convergence"] == nil)
            #expect(
                try await registry.places(Self.names)
                    == ["japan read_only", "japan reject", "japan serve"])
            let running = try await registry.get(migration.path)
            #expect(running.states == "running: frozen planned")
            #expect(running["waves"]?.array.map { $0["deadline"]?.text } == [deadline, nil])

            let moved = try await registry.cutOver(migration)
            #expect(moved["moved"]?.number == 2 && moved["revision"]?.number == head + 2)
            #expect(moved["deadline"] == nil)
            #expect(
                try await registry.places(Self.names)
                    == ["aws serve", "aws reject", "japan serve"])
            #expect(try await registry.get("/v1/domains/b.example.com")["tenant"]?.text == "bee")

            let back = try await registry.succeed(migration.path("rollback"))
            #expect(back["rolled_back"]?.number == 2 && back["revision"]?.number == head + 3)
            #expect(back["skipped"] == nil && back["skipped_count"] == nil)
            #expect(
                try await registry.places(Self.names)
                    == ["japan serve", "japan reject", "japan serve"])
            #expect(try await registry.states(of: migration) == "running: rolled_back planned")
        }
    }

    @Test func `thaws, and can be frozen again`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            try await registry.freeze(migration)
            let thawed = try await registry.succeed(
                migration.path("thaw"), #"{"reason":"the copy failed","ticket":"T-2"}"#)
            #expect(thawed["thawed"]?.number == 3)
            #expect(try await registry.states(of: migration) == "running: planned")
            #expect(
                try await registry.places(Self.names) == Array(repeating: "japan serve", count: 3))
            try await registry.freeze(migration)
            try await registry.cutOver(migration)
            #expect(
                try await registry.places(Self.names) == Array(repeating: "aws serve", count: 3))
        }
    }

    @Test func `gives each domain a new revision, and readers see the wave at once`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names)
            let before = try await registry.get("/v1/domains/a.example.com")
            let moved = try await registry.cutOver(migration)
            let revision = try #require(moved["revision"]?.number)
            let lookup = try await registry.post(
                "/v1/lookup", #"{"fqdns":["a.example.com","b.example.com","c.example.com"]}"#)
            #expect(lookup["revision"]?.number == revision)
            for result in lookup["results"]?.array ?? [] {
                #expect(result["revision"]?.number == revision)
                #expect(result["changed_at"]?.text == "\(registry.clock.now)")
            }
            let after = try await registry.get("/v1/domains/a.example.com")
            #expect(after.header("ETag") == "\"\(after.epoch ?? "").\(revision)\"")
            #expect(after["registered_at"] == before["registered_at"])
            let stale = try await registry.get(
                "/v1/domains/a.example.com",
                headers: [("If-None-Match", before.header("ETag") ?? "")])
            #expect(stale.status == 200)
            let fresh = try await registry.get(
                "/v1/domains/a.example.com",
                headers: [("If-None-Match", after.header("ETag") ?? "")])
            #expect(fresh.status == 304)
            let patch = try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"mode":"reject"}"#,
                headers: [("If-Match", before.header("ETag") ?? "")])
            #expect(patch.isProblem(412, "revision-mismatch"))
            // And the past stays what it was.
            let past = try await registry.get("/v1/domains/a.example.com?revision=\(revision - 1)")
            #expect(past["location"]?.text == "japan")
            let proxy = try await registry.get("/v1/route?host=a.example.com")
            #expect(proxy.header("X-Tenant-Location") == "aws")
            #expect(proxy.header("X-Tenant-Revision") == "\(after.epoch ?? "").\(revision)")
        }
    }

    @Test func `is told to proxies while it is frozen`() async throws {
        try await withRegistry { registry in
            for (mode, name) in [("read_only", "r.example.com"), ("reject", "x.example.com")] {
                let migration = try await registry.planned([name], freeze: mode)
                try await registry.freeze(migration)
                let frozen = try await registry.get("/v1/route?host=\(name)")
                #expect(frozen.header("X-Tenant-Mode") == mode)
                #expect(frozen.header("X-Tenant-Location") == "japan")
                #expect(frozen.header("Retry-After") == "30")
                let stats = try await registry.get("/v1/stats")
                #expect(stats["locations"]?.array.map { $0["frozen"]?.number } == [0, 1])
                try await registry.cutOver(migration)
                let moved = try await registry.get("/v1/route?host=\(name)")
                #expect(moved.header("X-Tenant-Mode") == "serve")
                #expect(moved.header("X-Tenant-Location") == "aws")
                #expect(moved.header("Retry-After") == nil)
            }
        }
    }

    @Test func `moves its own domains, and waves go in any order`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(
                Self.names, waves: #"[{"count":1},{"count":1},{"rest":true}]"#)
            try await registry.cutOver(migration, 3)
            try await registry.cutOver(migration, 1)
            #expect(
                try await registry.places(Self.names)
                    == ["aws serve", "japan serve", "aws serve"])
            #expect(try await registry.states(of: migration) == "running: moved planned moved")
            try await registry.succeed(migration.path("rollback", 3))
            #expect(
                try await registry.states(of: migration) == "running: moved planned rolled_back")
        }
    }

    @Test func `is cut over once, however many try at the same moment`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned((0..<500).map { "n\($0).example.com" })
            let head = try await registry.head()
            let answers = try await withThrowingTaskGroup(of: Answer.self) { tasks in
                for _ in 0..<12 {
                    tasks.addTask {
                        try await registry.post(migration.path("cutover"), migration.agreement())
                    }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { $0.status == 200 } == 1)
            for loser in answers where loser.status != 200 {
                #expect(loser.isProblem(409, "wrong-state") && loser["state"]?.text == "moved")
            }
            #expect(try await registry.head() == head + 1)
        }
    }
}
