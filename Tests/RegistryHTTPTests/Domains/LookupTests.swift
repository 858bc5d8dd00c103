import RegistryModel
import Testing

@Suite("Looking up a domain", .timeLimit(.minutes(2))) struct LookupTests {
    @Test func `gives all that is known of it`() async throws {
        try await withRegistry { registry in
            let now = registry.clock.now
            let made = try await registry.register("acme.example.com", tenant: "acme-inc")
            registry.clock.advance(by: .days(1))
            try await registry.send(
                .PATCH, "/v1/domains/acme.example.com", json: #"{"location":"aws"}"#)
            let answer = try await registry.get("/v1/domains/acme.example.com", as: .role(.reader))
            #expect(
                answer.text
                    == #"{"fqdn":"acme.example.com","location":"aws","mode":"serve","#
                    + #""tenant":"acme-inc","revision":\#(made.revision! + 1),"#
                    + #""registered_at":"\#(now)","changed_at":"\#(now.adding(.days(1)))"}"#)
        }
    }

    @Test func `leaves the tenant out where there is none`() async throws {
        try await withRegistry { registry in
            try await registry.register("acme.example.com")
            let answer = try await registry.get("/v1/domains/acme.example.com")
            #expect(answer.status == 200 && answer["tenant"] == nil)
        }
    }

    @Test(arguments: ["ACME.Example.COM", "acme.example.com.", "AcMe.example.com."])
    func `takes the name as people write it`(name: String) async throws {
        try await withRegistry { registry in
            try await registry.register("acme.example.com")
            let answer = try await registry.get("/v1/domains/\(name)")
            #expect(answer["fqdn"]?.text == "acme.example.com")
        }
    }

    @Test func `takes a name outside ASCII, escaped or raw, and as A-labels`() async throws {
        try await withRegistry { registry in
            let made = try await registry.register("münchen.example.com")
            #expect(made["fqdn"]?.text == "xn--mnchen-3ya.example.com")
            #expect(made.header("Location") == "/v1/domains/xn--mnchen-3ya.example.com")
            for name in [
                "m%C3%BCnchen.example.com", "münchen.example.com", "xn--mnchen-3ya.example.com",
            ] {
                let answer = try await registry.raw("GET", "/v1/domains/\(name)")
                #expect(answer["fqdn"]?.text == "xn--mnchen-3ya.example.com")
            }
        }
    }

    @Test func `of an unknown one is 404`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/domains/nobody.example.com")
            #expect(answer.isProblem(404, "unknown-domain"))
            #expect(answer["instance"]?.text == "/v1/domains/nobody.example.com")
        }
    }

    @Test(arguments: [
        ("com", FQDN.Malformed.tooFewLabels), ("a..com", .emptyLabel),
        ("a_b.example.com", .forbiddenCharacter), ("-a.example.com", .hyphenAtEdge),
        ("a.1", .numericLastLabel), ("\(String(repeating: "a", count: 64)).com", .labelTooLong),
        (String(repeating: "a.", count: 127) + "com", .tooLong),
        ("xn--a.example.com", .notIDNA2008), ("a.example.com:80", .forbiddenCharacter),
        ("%C2%A0.example.com", .notIDNA2008), ("127.0.0.1", .numericLastLabel),
    ])
    func `of a malformed one is 400 with the rule`(
        name: String, rule: FQDN.Malformed
    ) async throws {
        try await withRegistry { registry in
            let paths = ["", "/availability", "/history"].map { "/v1/domains/\(name)\($0)" }
            for path in paths {
                let answer = try await registry.raw("GET", path, as: .role(.admin))
                #expect(answer.isProblem(400, "invalid-fqdn"))
                #expect(answer["detail"]?.text == rule.explanation)
            }
            let body = name.replacing("%C2%A0", with: "\u{A0}")
            let post = try await registry.post("/v1/domains", #"{"fqdn":"\#(body)"}"#)
            #expect(post.isProblem(400, "invalid-fqdn"))
            #expect(post["detail"]?.text == rule.explanation)
        }
    }
}

@Suite("Looking into the past", .timeLimit(.minutes(2))) struct PointInTimeTests {
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

@Suite("Looking up many", .timeLimit(.minutes(3))) struct BatchLookupTests {
    private static func body(_ names: [String]) -> String {
        #"{"fqdns":["# + names.map { "\"\($0)\"" }.joined(separator: ",") + "]}"
    }

    @Test func `answers in request order, duplicates and bad names too`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(["a.example.com", "b.example.com"])
            let names = [
                "b.example.com", "nobody.example.com", "A.Example.com.", "-bad-", "b.example.com",
                "",
                "NOBODY.example.com", "a_b.c",
            ]
            let answer = try await registry.post(
                "/v1/lookup", as: .role(.reader), Self.body(names))
            #expect(answer["revision"]?.number == answer.revision)
            let results = answer["results"]?.array ?? []
            #expect(
                results.map { $0["fqdn"]?.text } == [
                    "b.example.com", "nobody.example.com", "a.example.com", "-bad-",
                    "b.example.com",
                    "", "nobody.example.com", "a_b.c",
                ])
            #expect(
                results.map { $0["code"]?.text } == [
                    nil, "unknown-domain", nil, "invalid-fqdn", nil, "invalid-fqdn",
                    "unknown-domain", "invalid-fqdn",
                ])
        }
    }

    @Test func `takes none and ten thousand, not one more`() async throws {
        try await withRegistry { registry in
            let names = (0..<10_000).map { "n\($0).example.com" }
            try await registry.registerAll(Array(names[..<5_000]))
            let none = try await registry.post("/v1/lookup", Self.body([]))
            #expect(none["results"] == .array([]))
            let all = try await registry.post("/v1/lookup", Self.body(names))
            let found = all["results"]?.array ?? []
            #expect(found.map { $0["fqdn"]?.text } == names)
            #expect(found.filter { $0["location"] != nil }.count == 5_000)
            let more = try await registry.post("/v1/lookup", Self.body(names + ["x.example.com"]))
            #expect(more.isProblem(400, "invalid-request"))
            #expect(more.complaints == ["/fqdns too-long"])
        }
    }

    @Test(arguments: [
        ("{}", "/fqdns required"), (#"{"fqdns":null}"#, "/fqdns wrong-type"),
        (#"{"fqdns":"a.example.com"}"#, "/fqdns wrong-type"),
        (#"{"fqdns":["a.example.com",5]}"#, "/fqdns/1 wrong-type"),
    ])
    func `refuses a body of another shape`(body: String, complaint: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.post("/v1/lookup", body)
            #expect(answer.complaints == [complaint])
        }
    }

    /// A writer moves both domains to and fro in turn: at one revision, at most one of them is ahead.
    @Test func `is at one revision, whatever is written meanwhile`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(["a.example.com", "b.example.com"])
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for round in 0..<40 {
                        for name in ["a", "b"] {
                            try await registry.send(
                                .PATCH, "/v1/domains/\(name).example.com",
                                json: #"{"tenant":"\#(round)"}"#)
                        }
                    }
                }
                for _ in 0..<100 {
                    let answer = try await registry.post(
                        "/v1/lookup", Self.body(["a.example.com", "b.example.com"]))
                    let rounds = (answer["results"]?.array ?? []).map {
                        $0["tenant"]?.text.flatMap { Int($0) } ?? -1
                    }
                    #expect([0, 1].contains(rounds[0] - rounds[1]))
                }
                try await tasks.waitForAll()
            }
        }
    }
}
