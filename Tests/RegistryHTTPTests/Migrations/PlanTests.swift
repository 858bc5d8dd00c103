import RegistryAPI
import RegistryModel
import Testing

@Suite("A plan", .timeLimit(.minutes(15))) struct PlanTests {
    private static let names = ["a.example.com", "b.example.com", "c.example.com"]

    @Test func `answers with the migration, its waves and what it skips`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(Self.names)
            try await registry.register("there.example.com", location: "aws")
            let other = try await registry.plan(["c.example.com"])
            let answer = try await registry.post(
                "/v1/migrations", as: .role(.operator_),
                RegistryRequests.plan(
                    """
                    "unknown.example.com","b.example.com","A.Example.com.","a.example.com",
                    "there.example.com","c.example.com","unknown.example.com"
                    """,
                    more:
                        #""name":"2020-q2","waves":[{"count":1},{"rest":true}],"freeze":"reject","reason":"why","ticket":"T-1""#
                ))
            #expect(answer.status == 201)
            let id = try #require(answer["id"]?.text)
            #expect(answer.header("Location") == "/v1/migrations/\(id)")
            #expect(answer["name"]?.text == "2020-q2")
            #expect(answer["from"]?.text == "japan" && answer["to"]?.text == "aws")
            #expect(answer["freeze"]?.text == "reject")
            #expect(answer.states == "planned: planned planned")
            #expect(answer["waves"]?.array.map { $0["size"]?.number } == [1, 1])
            #expect(answer["waves"]?.array.map { $0["number"]?.number } == [1, 2])
            #expect(answer["counts", "selected"]?.number == 7)
            #expect(answer["counts", "eligible"]?.number == 2)
            #expect(answer["counts", "skipped"]?.number == 5)
            #expect(
                answer.rows == [
                    "unknown.example.com unknown-domain", "a.example.com duplicate",
                    "there.example.com not-at-source", "c.example.com in-another-migration",
                    "unknown.example.com duplicate",
                ])
            #expect(answer["reason"]?.text == "why" && answer["ticket"]?.text == "T-1")
            #expect(answer["created_at"]?.text == "\(registry.clock.now)")
            #expect(answer["created_by", "role"]?.text == "operator")
            #expect(answer["warnings"] == nil)
            #expect(answer.revision == (try await registry.head()))
            #expect(try await registry.get("/v1/migrations/\(id)").bytes == answer.bytes)
            #expect(other.id != id)
        }
    }

    @Test func `has one wave of everything, no freeze and a name, where nothing else is said`()
        async throws
    {
        try await withRegistry { registry in
            try await registry.registerAll(Self.names)
            let answer = try await registry.post(
                "/v1/migrations", RegistryRequests.plan(#""b.example.com","a.example.com""#))
            #expect(answer["name"]?.text == "japan-to-aws")
            #expect(answer["freeze"]?.text == "none")
            #expect(answer["waves"]?.array.map { $0["size"]?.number } == [2])
            #expect(answer["skipped"]?.array.isEmpty == true)
            #expect(answer["reason"] == nil && answer["ticket"] == nil)
        }
    }

    @Test func `that is dry answers the same without an id, and writes nothing`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(Self.names)
            let head = try await registry.service.store.head()
            let body = RegistryRequests.plan(
                #""b.example.com","nobody.example.com","a.example.com""#,
                more: #""waves":[{"percent":50},{"rest":true}]"#)
            let dry = try await registry.post(
                "/v1/migrations?dry_run=true", as: .role(.operator_), body, key: "dry")
            #expect(dry.status == 200)
            #expect(dry["id"] == nil && dry.header("Location") == nil)
            #expect(dry.revision == head.revision.number)
            #expect(try await registry.service.store.head() == head)
            #expect(try await registry.get("/v1/migrations").items.isEmpty)
            #expect(try await registry.get("/v1/stats")["open_migrations"]?.number == 0)

            // It has the digest of the plan that follows, and no key remembers it.
            let again = try await registry.post(
                "/v1/migrations?dry_run=true", as: .role(.operator_), body, key: "dry")
            #expect(!again.isReplay && again.bytes == dry.bytes)
            let real = try await registry.post(
                "/v1/migrations?dry_run=false", as: .role(.operator_), body, key: "dry")
            #expect(real.status == 201 && !real.isReplay)
            for field in ["plan_digest", "waves", "counts", "skipped", "name", "created_at"] {
                #expect(real[field] == dry[field], "\(field)")
            }
        }
    }

    @Test func `that is dry lists its names page by page, as the plan does that follows`()
        async throws
    {
        try await withRegistry { registry in
            for number in 0..<20 {
                let tenant = number < 6 ? #","tenant":"t\#(number / 3)""# : ""
                try await registry.post(
                    "/v1/domains", #"{"fqdn":"n\#(number + 10).example.com"\#(tenant)}"#)
            }
            let body = RegistryRequests.plan(
                (0..<30).map { #""n\#(39 - $0).example.com""# }.joined(separator: ","),
                more: #""waves":[{"count":4},{"percent":50},{"rest":true}]"#)
            func dry(_ query: String) async throws -> Answer {
                try await registry.post(
                    "/v1/migrations?dry_run=true&domains=true&\(query)", as: .role(.operator_), body
                )
            }
            func pages(_ query: String, limit: Int) async throws -> [JSONValue] {
                var found: [JSONValue] = []
                var cursor = ""
                while true {
                    let answer = try await dry("limit=\(limit)&\(query)\(cursor)")
                    guard answer.status == 200 else {
                        Issue.record("\(answer.text)")
                        return found
                    }
                    let items = answer["domains", "items"]?.array ?? []
                    #expect(items.count <= limit)
                    found += items
                    guard let next = answer["domains", "next_cursor"]?.text else { return found }
                    #expect(items.count == limit)
                    cursor = "&cursor=\(next)"
                }
            }
            let whole = try await dry("limit=1000")
            let all = whole["domains", "items"]?.array ?? []
            #expect(all.count == 30 && whole["domains", "next_cursor"] == nil)
            for limit in [1, 7, 20, 30] {
                #expect(try await pages("", limit: limit) == all)
            }
            let moving = try await pages("status=planned", limit: 6)
            let skipped = try await pages("status=skipped", limit: 3)
            #expect(moving + skipped == all && moving.count == 20)
            #expect(
                try await pages("wave=2", limit: 3) == moving.filter { $0["wave"]?.number == 2 })
            #expect(try await pages("wave=9", limit: 3).isEmpty)
            #expect(moving.first { $0["fqdn"]?.text == "n13.example.com" }?["tenant"]?.text == "t1")
            #expect(moving.count { $0["tenant"] != nil } == 6)
            #expect(skipped.allSatisfy { $0["code"]?.text == "unknown-domain" })

            let before = try await dry("limit=3&status=planned")
            let cursor = try #require(before["domains", "next_cursor"]?.text)
            let real = try await registry.post("/v1/migrations", as: .role(.operator_), body)
            let id = try #require(real["id"]?.text)
            let list = try await registry.get("/v1/migrations/\(id)/domains?limit=1000").items
            for member in ["fqdn", "wave", "status", "code"] {
                #expect(list.map { $0[member] } == all.map { $0[member] }, "\(member)")
            }
            // Now they're all in that migration: another plan, in whose list nothing goes on.
            #expect(try await dry("cursor=\(cursor)").isProblem(412, "plan-mismatch"))
        }
    }

    @Test(arguments: [
        ("domains=true", ["?domains conflict"]),
        ("dry_run=false&domains=true", ["?domains conflict"]),
        ("dry_run=true&wave=1", ["?wave conflict"]), ("limit=5", ["?limit conflict"]),
        ("dry_run=true&domains=false&status=planned", ["?status conflict"]),
        ("dry_run=true&domains=true&status=moved", ["?status invalid"]),
        ("dry_run=true&domains=true&wave=0", ["?wave invalid"]),
        ("dry_run=true&domains=true&limit=1001", ["?limit invalid"]),
        ("dry_run=true&domains=yes", ["?domains invalid"]),
    ])
    func `lists nothing where that makes no sense`(query: String, complaints: [String]) async throws
    {
        try await withRegistry { registry in
            let body = RegistryRequests.plan(#""a.example.com""#)
            let answer = try await registry.post(
                "/v1/migrations?\(query)", as: .role(.operator_), body)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == complaints)
            for cursor in ["MQ", "YS9iLzE"] {
                let lost = try await registry.post(
                    "/v1/migrations?dry_run=true&domains=true&cursor=\(cursor)",
                    as: .role(.operator_), body)
                #expect(lost.isProblem(400, "invalid-cursor"))
            }
        }
    }

    @Test func `selects by suffix, prefix, tenant and age, in the order of the names`() async throws
    {
        try await withRegistry { registry in
            try await registry.register("b.one.example.com", tenant: "seven")
            try await registry.register("a.one.example.com")
            try await registry.register("a.notone.example.com", location: "aws")
            registry.clock.advance(by: .seconds(10))
            let later = registry.clock.now
            try await registry.post(
                "/v1/domains", #"{"fqdn":"one.example.com","allow_nested":true}"#)
            let cases: [(String, [String])] = [
                (
                    #"{"suffix":"one.example.com"}"#,
                    ["a.one.example.com", "b.one.example.com", "one.example.com"]
                ),
                (
                    #"{"suffix":".ONE.example.com."}"#,
                    ["a.one.example.com", "b.one.example.com", "one.example.com"]
                ),
                (#"{"prefix":"A."}"#, ["a.one.example.com", "a.notone.example.com"]),
                (#"{"tenant":"seven"}"#, ["b.one.example.com"]),
                (#"{"tenant":"SEVEN"}"#, []),
                (
                    #"{"suffix":"one.example.com","registered_before":"\#(later)"}"#,
                    ["a.one.example.com", "b.one.example.com"]
                ),
                (#"{"suffix":"one.example.com","prefix":"b","tenant":"other"}"#, []),
                (#"{"registered_before":"2000-01-01T00:00:00Z"}"#, []),
                (
                    "{}",
                    [
                        "a.one.example.com", "b.one.example.com", "one.example.com",
                        "a.notone.example.com",
                    ]
                ),
            ]
            for (filter, names) in cases {
                let plan = try await registry.post(
                    "/v1/migrations", RegistryRequests.plan(where: filter))
                let path = "/v1/migrations/\(plan["id"]?.text ?? "")"
                let rows = try await registry.get("\(path)/domains").rows
                #expect(
                    rows
                        == names.map {
                            $0 == "a.notone.example.com"
                                ? "\($0) skipped not-at-source" : "\($0) 1 planned"
                        }, "\(filter)")
                // Nothing to cancel where nothing is eligible.
                if plan["state"] == .string("planned") {
                    try await registry.succeed("\(path)/cancel")
                }
            }
        }
    }

    @Test func `samples by a stable hash of the name`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<200).map { "n\($0).example.com" })
            func sample(_ percent: String) async throws -> (Int64, String) {
                let answer = try await registry.post(
                    "/v1/migrations?dry_run=true",
                    RegistryRequests.plan(
                        where: "{}", sample: percent, more: #""waves":[{"count":1}]"#))
                let counts = answer["counts", "selected"]?.number
                return (counts ?? -1, answer["plan_digest"]?.text ?? "")
            }
            let (few, digest) = try await sample("12.5")
            #expect(few > 5 && few < 60)
            #expect(try await sample("12.5") == (few, digest))
            #expect(try await sample("100").0 == 200)
            #expect(try await sample("1e2").0 == 200)
            #expect(try await sample("1e-9").0 == 0)
        }
    }

    @Test func `of nothing that moves has no wave, and isn't left open`() async throws {
        try await withRegistry { registry in
            let body = RegistryRequests.plan(#""nobody.example.com""#)
            let dry = try await registry.post("/v1/migrations?dry_run=true", body)
            #expect(dry.status == 200 && dry.states == "cancelled: ")
            let plan = try await registry.post("/v1/migrations", body)
            #expect(plan.status == 201 && plan.states == "cancelled: ")
            #expect(plan["counts", "skipped"]?.number == 1)
            let path = "/v1/migrations/\(plan["id"]?.text ?? "")"
            #expect(try await registry.get(path).bytes == plan.bytes)
            let wave = try await registry.post("\(path)/waves/1/thaw", "")
            #expect(wave.isProblem(404, "unknown-wave"))
            for verb in ["cancel", "finalize"] {
                let end = try await registry.post("\(path)/\(verb)", "")
                #expect(end.isProblem(409, "wrong-state") && end["state"]?.text == "cancelled")
            }
            let deleted = try await registry.send(.DELETE, "/v1/locations/aws")
            #expect(deleted.status == 204, "no open migration refers to it")
            #expect(try await registry.get("/v1/stats")["open_migrations"]?.number == 0)
        }
    }

    @Test func `shows the first hundred names that it skips, and all of them in its list`()
        async throws
    {
        try await withRegistry { registry in
            let names = (0..<250).map { "n\($0).example.com" }
            let plan = try await registry.plan(names)
            let migration = try await registry.get(plan.path)
            #expect(migration.rows == names.prefix(100).map { "\($0) unknown-domain" })
            #expect(migration["counts", "skipped"]?.number == 250)
            let all = try await registry.get("\(plan.path)/domains?status=skipped&limit=1000")
            #expect(all.rows == names.map { "\($0) skipped unknown-domain" })
        }
    }
}

/// Bodies of `POST /v1/migrations`.
enum RegistryRequests {
    /// - Parameter names: JSON, without the brackets.
    static func plan(_ names: String, more: String? = nil) -> String {
        body(#"{"fqdns":[\#(names)]}"#, more)
    }

    static func plan(where filter: String, sample: String? = nil, more: String? = nil) -> String {
        let sample = sample.map { #","sample_percent":\#($0)"# } ?? ""
        return body(#"{"where":\#(filter)\#(sample)}"#, more)
    }

    private static func body(_ select: String, _ more: String?) -> String {
        let more = more.map { ",\($0)" } ?? ""
        return #"{"from":"japan","to":"aws","select":\#(select)\#(more)}"#
    }
}
