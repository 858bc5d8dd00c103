import RegistryModel
import Testing

@Suite("The list of migrations", .timeLimit(.minutes(15))) struct MigrationListTests {
    @Test func `is newest first, in pages, and filtered by state`() async throws {
        try await withRegistry { registry in
            var migrations: [TestMigration] = []
            for number in 0..<5 {
                migrations.append(try await registry.planned(["n\(number).example.com"]))
            }
            try await registry.succeed("\(migrations[1].path)/cancel")
            try await registry.cutOver(migrations[2])
            try await registry.cutOver(migrations[3])
            try await registry.succeed("\(migrations[3].path)/finalize")
            let ids = migrations.map(\.id)

            func list(_ query: String) async throws -> [String?] {
                let answer = try await registry.get("/v1/migrations\(query)", as: .role(.auditor))
                #expect(answer.items.allSatisfy { $0["skipped"] == nil })
                return answer.items.map { $0["id"]?.text }
            }
            #expect(try await list("") == ids.reversed())
            #expect(try await list("?state=planned") == [ids[4], ids[0]])
            #expect(try await list("?state=running") == [ids[2]])
            #expect(try await list("?state=finalized") == [ids[3]])
            #expect(try await list("?state=cancelled") == [ids[1]])
            #expect(try await pages(registry, "/v1/migrations?limit=2", "id") == ids.reversed())
            #expect(
                try await pages(registry, "/v1/migrations?state=planned&limit=1", "id")
                    == [ids[4], ids[0]])
        }
    }

    /// Follows the links to the end.
    private func pages(
        _ registry: RunningRegistry, _ target: String, _ field: String
    ) async throws -> [String] {
        var found: [String] = []
        var next: String? = target
        while let target = next {
            let answer = try await registry.get(target, as: .role(.auditor))
            try #require(answer.status == 200)
            found += answer.items.compactMap { $0[field]?.text }
            next = answer.header("Link").map { String($0.dropFirst().prefix { $0 != ">" }) }
            #expect((next == nil) == (answer["next_cursor"] == nil))
        }
        return found
    }

    @Test func `of one's domains goes by wave and name, the skipped ones last`() async throws {
        try await withRegistry { registry in
            let names = ["c", "a", "d", "b"].map { "\($0).example.com" }
            try await registry.registerAll(names)
            let migration = try await registry.plan(
                names + ["x.example.com", "c.example.com"],
                waves: #"[{"count":2},{"count":1},{"rest":true}]"#)
            try await registry.cutOver(migration, 2)

            let path = "\(migration.path)/domains"
            func rows(_ query: String) async throws -> [String] {
                try await registry.get("\(path)\(query)", as: .role(.auditor)).rows
            }
            let all = [
                "a.example.com 1 planned", "c.example.com 1 planned", "d.example.com 2 moved",
                "b.example.com 3 planned", "x.example.com skipped unknown-domain",
                "c.example.com skipped duplicate",
            ]
            #expect(try await rows("") == all)
            #expect(try await rows("?wave=1") == Array(all[..<2]))
            #expect(try await rows("?wave=9").isEmpty)
            #expect(try await rows("?status=moved") == [all[2]])
            #expect(try await rows("?status=planned") == [all[0], all[1], all[3]])
            #expect(try await rows("?status=planned&wave=3") == [all[3]])
            #expect(try await rows("?status=skipped") == Array(all[4...]))
            #expect(try await rows("?status=frozen").isEmpty)
            #expect(
                try await pages(registry, "\(path)?limit=1", "fqdn")
                    == all.map { String($0.prefix { $0 != " " }) })
            #expect(
                try await pages(registry, "\(path)?limit=2&status=planned", "fqdn")
                    == ["a.example.com", "c.example.com", "b.example.com"])
        }
    }

    private static let senseless = [
        ("", "state=open", "?state invalid"), ("", "limit=0", "?limit invalid"),
        ("", "limit=1001", "?limit invalid"), ("", "wave=1", "?wave unknown-parameter"),
        ("", "state=planned&state=running", "?state repeated"),
        ("/domains", "wave=1001", "?wave invalid"),
        ("/domains", "wave=0", "?wave invalid"), ("/domains", "wave=x", "?wave invalid"),
        ("/domains", "wave=99999999999999999999", "?wave invalid"),
        ("/domains", "status=open", "?status invalid"),
        ("/domains", "state=planned", "?state unknown-parameter"),
        ("/domains", "limit=1001", "?limit invalid"),
    ]

    @Test func `refuses filters that make no sense`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            for (path, query, complaint) in Self.senseless {
                let target = path.isEmpty ? "/v1/migrations" : migration.path + path
                let answer = try await registry.get("\(target)?\(query)")
                #expect(answer.isProblem(400, "invalid-request"), "\(query)")
                #expect(answer.complaints == [complaint], "\(query)")
            }
        }
    }

    @Test func `refuses a cursor that it didn't give`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            for target in ["/v1/migrations", "\(migration.path)/domains"] {
                let answer = try await registry.get("\(target)?cursor=%21%21")
                #expect(answer.isProblem(400, "invalid-cursor"))
            }
            let word = try await registry.get("\(migration.path)/domains?cursor=YWJj")
            #expect(word.isProblem(400, "invalid-cursor"))
        }
    }

    @Test func `doesn't know a migration that isn't there`() async throws {
        try await withRegistry { registry in
            _ = try await registry.planned(["a.example.com"])
            for id in ["m-unknown", "%00", "m%2Fx", "';%20DROP%20TABLE%20wave", "%E6%97%A5"] {
                for target in ["", "/domains", "/domains?wave=1&status=moved"] {
                    let answer = try await registry.get("/v1/migrations/\(id)\(target)")
                    #expect(answer.isProblem(404, "unknown-migration"))
                }
                for verb in ["cancel", "finalize", "waves/1/thaw", "waves/1/rollback"] {
                    let answer = try await registry.post("/v1/migrations/\(id)/\(verb)", "")
                    #expect(answer.isProblem(404, "unknown-migration"))
                }
                for verb in ["freeze", "cutover"] {
                    let body =
                        #"{"plan_digest":"x","expected_count":1"#
                        + (verb == "freeze" ? #","deadline_seconds":5}"# : "}")
                    let answer = try await registry.post(
                        "/v1/migrations/\(id)/waves/1/\(verb)", body)
                    #expect(answer.isProblem(404, "unknown-migration"))
                }
            }
        }
    }

    @Test func `doesn't take what begins with one's id for it`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"])
            for tail in ["%00", "%00x", "%20", "%0A", "x"] {
                let read = try await registry.get(migration.path + tail)
                #expect(read.isProblem(404, "unknown-migration"))
                let cutover = try await registry.post(
                    "\(migration.path)\(tail)/waves/1/cutover", migration.agreement())
                #expect(cutover.isProblem(404, "unknown-migration"))
            }
        }
    }

    @Test func `doesn't know a wave that isn't there`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(
                ["a.example.com", "b.example.com"], waves: #"[{"count":1},{"rest":true}]"#,
                freeze: "reject")
            let head = try await registry.head()
            let bodies = [
                ("freeze", migration.freeze()), ("cutover", migration.agreement()),
                ("rollback", ""), ("thaw", ""),
            ]
            for wave in ["0", "3", "-1", "x", "1.0", "99999999999999999999", "%20"] {
                for (verb, body) in bodies {
                    let answer = try await registry.post(
                        "\(migration.path)/waves/\(wave)/\(verb)", as: .role(.operator_), body)
                    #expect(answer.isProblem(404, "unknown-wave"), "\(verb) of \(wave)")
                    let named = wave == "%20" ? " " : wave
                    #expect(answer["detail"]?.text?.hasSuffix("has no wave \(named)") == true)
                }
            }
            #expect(try await registry.head() == head)
        }
    }
}
