import RegistryModel
import Testing

@Suite("A domain in a wave", .timeLimit(.minutes(15))) struct FrozenDomainTests {
    private static let path = "/v1/domains/a.example.com"

    @Test func `can't be moved or released while the wave is frozen`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(
                ["a.example.com", "b.example.com"], waves: #"[{"count":1},{"rest":true}]"#,
                freeze: "reject")
            // Planned is not frozen.
            try await registry.patch("a.example.com", #"{"tenant":"t"}"#)
            try await registry.freeze(migration)
            let head = try await registry.head()
            for role in [Role.operator_, .admin] {
                for body in [
                    #"{"location":"aws"}"#, #"{"location":"aws","mode":"reject"}"#,
                    #"{"location":"aws","tenant":null}"#,
                ] {
                    let patch = try await registry.send(
                        .PATCH, Self.path, as: .role(role), json: body)
                    Self.expectHeld(patch, by: migration)
                }
                let release = try await registry.send(.DELETE, Self.path, as: .role(role))
                Self.expectHeld(release, by: migration)
            }
            #expect(try await registry.head() == head)
            // The other wave's domain is free.
            try await registry.patch("b.example.com", #"{"tenant":"other"}"#)

            try await registry.succeed(migration.path("thaw"))
            try await registry.patch("a.example.com", #"{"tenant":"u"}"#)
            try await registry.freeze(migration)
            try await registry.cutOver(migration)
            try await registry.patch("a.example.com", #"{"mode":"read_only"}"#)
            #expect(try await registry.send(.DELETE, Self.path).status == 204)
        }
    }

    @Test func `is told in the stricter of its own mode and the freeze`() async throws {
        try await withRegistry { registry in
            let names = ["a.example.com", "b.example.com", "c.example.com"]
            try await registry.registerAll(names)
            try await registry.patch("a.example.com", #"{"mode":"reject"}"#)
            let migration = try await registry.plan(
                ["a.example.com", "b.example.com"], freeze: "read_only")
            func told() async throws -> [String?] {
                var modes: [String?] = []
                for name in names {
                    let route = try await registry.get("/v1/route?host=\(name)")
                    modes.append(route.header("X-Tenant-Mode"))
                }
                return modes
            }
            func counts() async throws -> [Int64?] {
                let japan = try await registry.get("/v1/stats")["locations"]?.array.last
                return [japan?["frozen"]?.number, japan?["suspended"]?.number]
            }
            #expect(try await counts() == [0, 1])
            try await registry.freeze(migration)
            #expect(try await told() == ["reject", "read_only", "serve"])
            #expect(try await counts() == [2, 0])
            try await registry.patch("c.example.com", #"{"mode":"read_only"}"#)
            try await registry.patch("b.example.com", #"{"mode":"reject"}"#)
            try await registry.patch("a.example.com", #"{"mode":"serve"}"#)
            #expect(try await told() == ["read_only", "reject", "read_only"])
            #expect(try await counts() == [2, 1])
            let map = try await registry.get("/v1/export/nginx-map?value=mode")
            #expect(map.text.contains("b.example.com reject;"))
            #expect(map.text.contains("a.example.com read_only;"))
            try await registry.succeed(migration.path("thaw"))
            #expect(try await told() == ["serve", "reject", "read_only"])
            #expect(try await counts() == [0, 2])
            try await registry.freeze(migration)
            try await registry.succeed("\(migration.path)/cancel")
            #expect(try await told() == ["serve", "reject", "read_only"])
            #expect(try await counts() == [0, 2])
        }
    }

    private static func expectHeld(_ answer: Answer, by migration: TestMigration) {
        #expect(answer.isProblem(409, "domain-in-migration"))
        #expect(answer["migration"]?.text == migration.id)
        #expect(answer["wave"]?.number == 1)
    }

    @Test func `is free again when the migration is cancelled`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            try await registry.freeze(migration)
            try await registry.succeed("\(migration.path)/cancel")
            #expect(try await registry.places(["a.example.com"]) == ["japan serve"])
            try await registry.patch("a.example.com", #"{"location":"aws"}"#)
        }
    }

    @Test func `is told to whoever has an If-Match only after that holds`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            let etag = try await registry.get(Self.path).header("ETag") ?? ""
            try await registry.freeze(migration)
            for (match, status) in [(etag, 412), ("*", 409)] {
                let patch = try await registry.send(
                    .PATCH, Self.path, json: #"{"location":"aws"}"#, headers: [("If-Match", match)])
                #expect(patch.status == status)
            }
        }
    }

    @Test func `is in one open wave at most`() async throws {
        try await withRegistry { registry in
            let first = try await registry.planned(["a.example.com"], freeze: "reject")
            let body = RunningRegistry.planBody(["a.example.com"])
            func skipped() async throws -> [String] {
                try await registry.post("/v1/migrations?dry_run=true", body).rows
            }
            #expect(try await skipped() == ["a.example.com in-another-migration"])
            try await registry.freeze(first)
            #expect(try await skipped() == ["a.example.com in-another-migration"])
            try await registry.cutOver(first)
            #expect(try await skipped() == ["a.example.com not-at-source"])
            // Moved, and so free for the way on.
            let on = try await registry.plan(["a.example.com"], from: "aws", to: "japan")
            #expect(on.sizes == [1])
            try await registry.succeed("\(on.path)/cancel")
            try await registry.succeed(first.path("rollback"))
            #expect(try await skipped().isEmpty)
        }
    }

    @Test func `keeps its locations until the migration is over`() async throws {
        try await withRegistry { registry in
            let settings =
                #"{"upstream":"http://o","accepts_signups":false,"default_for_signups":false}"#
            for end in ["cancel", "finalize"] {
                try await registry.send(.PUT, "/v1/locations/osaka", json: settings)
                try await registry.registerAll(["\(end).example.com"])
                let migration = try await registry.plan(["\(end).example.com"], to: "osaka")
                let planned = try await registry.send(.DELETE, "/v1/locations/osaka")
                #expect(planned.isProblem(409, "location-in-use"))
                if end == "finalize" {
                    try await registry.cutOver(migration)
                    try await registry.succeed(migration.path("rollback"))
                    let running = try await registry.send(.DELETE, "/v1/locations/osaka")
                    #expect(running.isProblem(409, "location-in-use"))
                }
                try await registry.succeed("\(migration.path)/\(end)")
                #expect(try await registry.send(.DELETE, "/v1/locations/osaka").status == 204)
            }
        }
    }

    @Test func `counts its migration among the open ones until that is over`() async throws {
        try await withRegistry { registry in
            func open() async throws -> Int64? {
                try await registry.get("/v1/stats")["open_migrations"]?.number
            }
            #expect(try await open() == 0)
            let one = try await registry.planned(["a.example.com"])
            let two = try await registry.planned(
                ["b.example.com", "c.example.com"], waves: #"[{"count":1},{"rest":true}]"#)
            #expect(try await open() == 2)
            try await registry.succeed("\(one.path)/cancel")
            #expect(try await open() == 1)
            try await registry.cutOver(two)
            try await registry.succeed("\(two.path)/cancel")
            #expect(try await open() == 1, "it has moved, and isn't finalized")
            try await registry.succeed("\(two.path)/finalize")
            #expect(try await open() == 0)
        }
    }
}
