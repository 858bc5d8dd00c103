import RegistryModel
import Testing

@Suite("Looking into the past", .timeLimit(.minutes(15))) struct PointInTimeTests {
    private static let path = "/v1/domains/a.example.com"

    /// Registered, a day later moved, a day later released.
    private static func story(_ registry: RunningRegistry) async throws -> Int64 {
        registry.clock.advance(by: .days(1))
        let made = try await registry.register("a.example.com", tenant: "t")
        registry.clock.advance(by: .days(1))
        try await registry.send(.PATCH, path, json: #"{"location":"aws"}"#)
        registry.clock.advance(by: .days(1))
        try await registry.send(.DELETE, path)
        return try #require(made.revision)
    }

    @Test func `by revision answers as of right after it`() async throws {
        try await withRegistry { registry in
            let first = try await Self.story(registry)
            let before = try await registry.get("\(Self.path)?revision=\(first - 1)")
            #expect(before.isProblem(404, "unknown-domain"))
            let made = try await registry.get("\(Self.path)?revision=\(first)")
            #expect(made["location"]?.text == "japan" && made["tenant"]?.text == "t")
            let moved = try await registry.get("\(Self.path)?revision=\(first + 1)")
            #expect(moved["location"]?.text == "aws")
            #expect(moved["registered_at"] == made["registered_at"])
            let released = try await registry.get("\(Self.path)?revision=\(first + 2)")
            #expect(released.isProblem(404, "unknown-domain"))
            let beyond = try await registry.get("\(Self.path)?revision=\(first + 3)")
            #expect(beyond.isProblem(404, "unknown-revision"))
            let zero = try await registry.get("\(Self.path)?revision=0")
            #expect(zero.isProblem(404, "unknown-domain"))
        }
    }

    @Test func `by time answers as of then, with any offset`() async throws {
        try await withRegistry { registry in
            // The clock begins at 2026-01-01T00:00:00.000Z.
            _ = try await Self.story(registry)
            let states: [(String, String?)] = [
                ("2026-01-01T23:59:59.999Z", nil), ("2026-01-02T00:00:00Z", "japan"),
                ("2026-01-02T09:00:00+09:00", "japan"), ("2026-01-02T08:59:59+09:00", nil),
                ("2026-01-03T00:00:00.000Z", "aws"), ("2026-01-03T23:59:59.999999Z", "aws"),
                ("2026-01-04T00:00:00Z", nil), ("1970-01-01T00:00:00Z", nil),
            ]
            for (time, location) in states {
                let answer = try await registry.get("\(Self.path)?at=\(time)")
                #expect(answer["location"]?.text == location, "\(time)")
                if location == nil { #expect(answer.isProblem(404, "unknown-domain")) }
            }
        }
    }

    @Test(arguments: [
        ("at=2026-01-01T00:00:00.001Z", "?at in-the-future"),
        ("at=2026-01-01", "?at invalid"), ("at=yesterday", "?at invalid"), ("at=", "?at invalid"),
        ("at=2026-13-01T00:00:00Z", "?at invalid"), ("revision=-1", "?revision invalid"),
        ("revision=x", "?revision invalid"), ("revision=", "?revision invalid"),
        ("at=2025-01-01T00:00:00Z&revision=1", "?revision conflict"),
        ("revision=1&revision=1", "?revision repeated"),
    ])
    func `refuses what makes no sense`(query: String, complaint: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("\(Self.path)?\(query)")
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == [complaint])
        }
    }

    @Test func `answers a batch as of then`() async throws {
        try await withRegistry { registry in
            let first = try await Self.story(registry)
            let names = #"{"fqdns":["A.example.com","nobody.example.com","a_b"]}"#
            let start = "2026-01-01T00:00:00.000Z"
            for (query, location) in [
                ("revision=\(first)", "japan"), ("revision=\(first + 1)", "aws"),
                ("revision=\(first + 2)", nil), ("revision=0", nil), ("at=\(start)", nil),
                ("at=2026-01-02T12:00:00%2B00:00", "japan"), ("at=2026-01-03T00:00:00Z", "aws"),
                ("", nil),
            ] {
                let answer = try await registry.post(
                    "/v1/lookup?\(query)", as: .role(.reader), names)
                let results = answer["results"]?.array ?? []
                #expect(results.count == 3)
                #expect(results.first?["location"]?.text == location, "\(query)")
                #expect(results[1]["code"]?.text == "unknown-domain")
                #expect(results[2]["code"]?.text == "invalid-fqdn")
                #expect(answer["revision"]?.number == answer.revision)
            }
            let beyond = try await registry.post("/v1/lookup?revision=\(first + 3)", names)
            #expect(beyond.isProblem(404, "unknown-revision"))
            for (query, complaint) in [
                ("revision=1&at=\(start)", "?revision conflict"),
                ("at=2030-01-01T00:00:00Z", "?at in-the-future"),
                ("revision=-1", "?revision invalid"),
                ("when=now", "?when unknown-parameter"),
            ] {
                let answer = try await registry.post("/v1/lookup?\(query)", names)
                #expect(answer.complaints == [complaint])
            }
        }
    }

    @Test func `lists domains as of then, all pages at one revision`() async throws {
        try await withRegistry { registry in
            let names = (0..<5).map { "n\($0).example.com" }
            try await registry.registerAll(names)
            let then = try await registry.head()
            try await registry.send(
                .PATCH, "/v1/domains/n1.example.com", json: #"{"mode":"reject"}"#)
            try await registry.send(.DELETE, "/v1/domains/n2.example.com")
            let all = try await registry.get("/v1/domains?revision=\(then)", as: .role(.reader))
            #expect(all.items.map { $0["fqdn"]?.text } == names)
            #expect(all.items.allSatisfy { $0["mode"]?.text == "serve" })
            #expect(all.revision == then)
            let rejected = try await registry.get("/v1/domains?mode=reject&revision=\(then)")
            #expect(rejected.items.isEmpty)
            #expect(try await registry.get("/v1/domains?revision=0").items.isEmpty)

            // The time stands still: writes after the first page are of the same millisecond.
            var target: String? = "/v1/domains?limit=2&at=\(registry.clock.now)"
            var found: [String?] = []
            while let next = target {
                let page = try await registry.get(next)
                #expect(page.revision == then + 2)
                found += page.items.map { $0["fqdn"]?.text }
                try await registry.register("n0x\(found.count).example.com")
                try await registry.send(.DELETE, "/v1/domains/n4.example.com")
                target = page["next_cursor"]?.text.map {
                    "/v1/domains?limit=2&at=\(registry.clock.now)&cursor=\($0)"
                }
            }
            #expect(found == names.filter { $0 != "n2.example.com" })
        }
    }

    @Test func `refuses a cursor of another moment, and moments that aren't`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<3).map { "n\($0).example.com" })
            let head = try await registry.head()
            let page = try await registry.get("/v1/domains?limit=1&revision=\(head)")
            let cursor = try #require(page["next_cursor"]?.text)
            let now = try await registry.get("/v1/domains?limit=1&cursor=\(cursor)")
            #expect(now.isProblem(400, "invalid-cursor"))
            let other = try await registry.get("/v1/domains?revision=\(head - 1)&cursor=\(cursor)")
            #expect(other.isProblem(400, "invalid-cursor"))
            let plain = try await registry.get("/v1/domains?limit=1")["next_cursor"]?.text ?? ""
            let mixed = try await registry.get("/v1/domains?revision=\(head)&cursor=\(plain)")
            #expect(mixed.isProblem(400, "invalid-cursor"))
            let beyond = try await registry.get("/v1/domains?revision=\(head + 1)")
            #expect(beyond.isProblem(404, "unknown-revision"))
            let both = try await registry.get("/v1/domains?revision=1&at=2020-01-01T00:00:00Z")
            #expect(both.complaints == ["?revision conflict"])
            let future = try await registry.get("/v1/domains?at=2030-01-01T00:00:00Z")
            #expect(future.complaints == ["?at in-the-future"])
        }
    }
}
