import RegistryModel
import Testing

@Suite("A large plan", .timeLimit(.minutes(15))) struct PlanSizeTests {
    /// `prefix0.x` to `prefix<count - 1>.x`, as JSON: short, a debug build takes its time with them.
    private static func names(_ prefix: String, _ count: Int) -> String {
        var list = ""
        list.reserveCapacity(count * 12)
        for number in 0..<count {
            if number > 0 { list += "," }
            list += "\"\(prefix)\(number).x\""
        }
        return list
    }

    @Test func `takes a million names`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<1_000).map { "n\($0 * 1_000).x" })
            let answer = try await registry.post(
                "/v1/migrations?dry_run=true", as: .role(.operator_),
                RegistryRequests.plan(
                    Self.names("n", 1_000_000), more: #""waves":[{"count":10},{"rest":true}]"#))
            #expect(answer.status == 200)
            #expect(answer["counts", "selected"]?.number == 1_000_000)
            #expect(answer["counts", "eligible"]?.number == 1_000)
            #expect(answer["counts", "skipped"]?.number == 999_000)
            #expect(answer["waves"]?.array.map { $0["size"]?.number } == [10, 990])
            #expect(answer.rows == (1...100).map { "n\($0).x unknown-domain" })
            #expect(try await registry.get("/v1/migrations").items.isEmpty)
        }
    }

    @Test func `takes no more, and complains of a hundred names at most`() async throws {
        try await withRegistry { registry in
            let over = try await registry.post(
                "/v1/migrations", RegistryRequests.plan(Self.names("n", 1_000_001)))
            #expect(over.complaints == ["/select/fqdns too-long"])
            let bad = try await registry.post(
                "/v1/migrations", RegistryRequests.plan(Self.names("-", 10_000)))
            #expect(bad.complaints == (0..<100).map { "/select/fqdns/\($0) invalid-fqdn" })
        }
    }

    @Test func `has a body of 64 MiB at most`() async throws {
        try await withRegistry { registry in
            let body = RegistryRequests.plan(#""a.example.com""#)
            let large = body + String(repeating: " ", count: 16 * 1024 * 1024)
            #expect(try await registry.post("/v1/migrations", large).status == 201)
            let limit = 64 * 1024 * 1024
            // Seen before any of it has come.
            try await registry.connected { connection in
                try await connection.send(
                    """
                    POST /v1/migrations HTTP/1.1\r
                    Host: localhost\r
                    Authorization: Bearer \(registry.token(.admin))\r
                    Content-Type: application/json\r
                    Content-Length: \(limit + 1)\r
                    \r\n
                    """)
                let over = try await connection.answer()
                #expect(over.isProblem(413, "body-too-large"))
                #expect(over.header("Connection") == "close")
            }
            #expect(try await registry.get("/v1/migrations").items.count == 1)
        }
    }

    @Test func `is what alone may be so large`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(["a.example.com"], freeze: "reject")
            let body = "{}" + String(repeating: " ", count: 1024 * 1024)
            for verb in ["finalize", "cancel", "waves/1/freeze", "waves/1/cutover"] {
                let answer = try await registry.post("\(migration.path)/\(verb)", body)
                #expect(answer.isProblem(413, "body-too-large"))
            }
        }
    }
}
