import Testing

@Suite("The limit of a body", .whateverTheStore, .timeLimit(.minutes(15))) struct BodyLimitTests {
    private static let mebibyte = 1024 * 1024

    /// A request for `/v1/lookup` of exactly this many bytes.
    private static func lookup(_ bytes: Int) -> String {
        let frame = #"{"fqdns":[]}"#
        return frame + String(repeating: " ", count: bytes - frame.utf8.count)
    }

    private static func registration(_ bytes: Int) -> String {
        let frame = #"{"fqdn":"a.example.com"}"#
        return frame + String(repeating: " ", count: bytes - frame.utf8.count)
    }

    /// Only the head: who is refused while it still sends may see its connection end instead.
    private static func announce(
        _ target: String, _ bytes: Int, _ registry: RunningRegistry
    ) async throws -> Answer {
        try await registry.raw(
            "POST", target,
            headers: [("Content-Type", "application/json"), ("Content-Length", "\(bytes)")],
            as: .role(.admin))
    }

    @Test func `is 1 MiB for most`() async throws {
        try await withRegistry { registry in
            let large = try await registry.post("/v1/domains", Self.registration(Self.mebibyte))
            #expect(large.status == 201)
            let larger = try await Self.announce("/v1/domains", Self.mebibyte + 1, registry)
            #expect(larger.isProblem(413, "body-too-large"))
            #expect(larger.header("Connection") == "close")
        }
    }

    @Test func `is 4 MiB for batches`() async throws {
        try await withRegistry { registry in
            let large = try await registry.post("/v1/lookup", Self.lookup(4 * Self.mebibyte))
            #expect(large.status == 200)
            for target in ["/v1/lookup", "/v1/domains/batch"] {
                let larger = try await Self.announce(target, 4 * Self.mebibyte + 1, registry)
                #expect(larger.isProblem(413, "body-too-large"))
            }
        }
    }

    @Test func `is seen in Content-Length before the body has come`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                try await connection.send(
                    """
                    POST /v1/domains HTTP/1.1\r
                    Host: localhost\r
                    Authorization: Bearer \(registry.token(.admin))\r
                    Content-Type: application/json\r
                    Content-Length: 99999999999\r
                    \r\n
                    """)
                let answer = try await connection.answer()
                ContractCheck.check(answer, to: "POST", "/v1/domains", at: #_sourceLocation)
                #expect(answer.isProblem(413, "body-too-large"))
                #expect(answer.header("Connection") == "close")
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test func `holds for chunks, whose length nobody has announced`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                try await connection.send(
                    """
                    POST /v1/domains HTTP/1.1\r
                    Host: localhost\r
                    Authorization: Bearer \(registry.token(.admin))\r
                    Content-Type: application/json\r
                    Transfer-Encoding: chunked\r
                    \r\n
                    """)
                let chunk = "10000\r\n" + String(repeating: " ", count: 0x10000) + "\r\n"
                for _ in 0..<17 { try await connection.send(chunk) }
                let answer = try await connection.answer()
                ContractCheck.check(answer, to: "POST", "/v1/domains", at: #_sourceLocation)
                #expect(answer.isProblem(413, "body-too-large"))
                #expect(answer.header("Connection") == "close")
            }
        }
    }

    @Test func `takes chunks under it`() async throws {
        try await withRegistry { registry in
            let body = Array(#"{"fqdns":["a.example.com"]}"#.utf8)
            try await registry.connected { connection in
                let chunks = body.map { "1\r\n\(Character(Unicode.Scalar($0)))\r\n" }.joined()
                try await connection.send(
                    """
                    POST /v1/lookup HTTP/1.1\r
                    Host: localhost\r
                    Authorization: Bearer \(registry.token(.reader))\r
                    Content-Type: application/json\r
                    Transfer-Encoding: chunked\r
                    \r
                    \(chunks)0\r
                    \r\n
                    """)
                let answer = try await connection.answer()
                #expect(answer.status == 200)
                #expect(answer["results"]?.array.count == 1)
            }
        }
    }

    @Test func `leaves a connection usable whose body nobody wanted`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                // Not authenticated: the body is thrown away, the next request is read.
                let body = String(repeating: "x", count: 100_000)
                try await connection.send(
                    "POST /v1/domains HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n\(body)"
                        + "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await connection.answer().isProblem(401, "unauthenticated"))
                #expect(try await connection.answer().status == 200)
            }
        }
    }
}
