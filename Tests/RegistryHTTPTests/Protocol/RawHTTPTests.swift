import RegistryHTTP
import Testing

@Suite("What isn't HTTP as it should be", .whateverTheStore, .timeLimit(.minutes(15)))
struct RawHTTPTests {
    private static let get = "GET /livez HTTP/1.1\r\nHost: h\r\n"

    @Test(arguments: [
        "nonsense\r\n\r\n",
        "GET /livez\r\n\r\n",
        "FETCH /livez HTTP/1.1\r\nHost: h\r\n\r\n",
        "get /livez HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /livez HTTP/9.9\r\nHost: h\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}\u{3}\u{3}",
        get + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        get + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        get + "Content-Length: x\r\n\r\n",
        get + "Content-Length: -1\r\n\r\n",
        get + "Bad Name: x\r\n\r\n",
        get + "X: a\u{0}b\r\n\r\n",
        get + " folded\r\n\r\n",
        get + "No colon here\r\n\r\n",
        get + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    ])
    func `gets a problem, and its connection ends`(text: String) async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                try await connection.send(text)
                var answer = try await connection.answer()
                // A body that goes wrong after its head: the endpoint may have answered already.
                if answer.status == 200 { answer = try await connection.answer() }
                ContractCheck.check(answer, to: "GET", "/livez", at: #_sourceLocation)
                #expect(answer.isProblem(400, "bad-http"))
                #expect(answer.header("Connection") == "close")
                #expect(answer["instance"] == nil)
                #expect(try await connection.rest().isEmpty)
            }
            let after = try await registry.get("/livez")
            #expect(after.status == 200)
        }
    }

    @Test func `gets a problem of its own where the header fields are too large`() async throws {
        let limits = ConnectionLimits()
        let long = String(repeating: "a", count: limits.headerBytes + 1)
        let many = (0...limits.headerCount).map { "X-\($0): a\r\n" }.joined()
        let lines = (0..<40).map { "X-\($0): " + String(repeating: "a", count: 1000) + "\r\n" }
        try await withRegistry { registry in
            for fields in ["X: \(long)\r\n", many, lines.joined()] {
                try await registry.connected { connection in
                    try await connection.send(Self.get + fields + "\r\n")
                    let answer = try await connection.answer()
                    ContractCheck.check(answer, to: "GET", "/livez", at: #_sourceLocation)
                    #expect(answer.isProblem(431, "headers-too-large"))
                    #expect(answer.header("Connection") == "close")
                    #expect(try await connection.rest().isEmpty)
                }
            }
            let fitting = String(repeating: "a", count: 30_000)
            let answer = try await registry.raw("GET", "/livez", headers: [("X", fitting)])
            #expect(answer.status == 200)
        }
    }

    @Test func `is answered after the requests before it`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                try await connection.send("\(Self.get)\r\n\(Self.get)\r\nnonsense\r\n\r\n")
                #expect(try await connection.answer().status == 200)
                #expect(try await connection.answer().status == 200)
                #expect(try await connection.answer().isProblem(400, "bad-http"))
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test func `names a new request each time`() async throws {
        try await withRegistry { registry in
            var ids: Set<String?> = []
            for _ in 0..<3 {
                try await registry.connected { connection in
                    try await connection.send("X\r\n\r\n")
                    ids.insert(try await connection.answer().header("X-Request-ID"))
                }
            }
            #expect(ids.count == 3 && !ids.contains(nil))
        }
    }

    @Test func `a client that waits for 100 Continue gets it`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                let body = #"{"fqdns":["a.example.com"]}"#
                try await connection.send(
                    """
                    POST /v1/lookup HTTP/1.1\r
                    Host: localhost\r
                    Authorization: Bearer \(registry.token(.reader))\r
                    Content-Type: application/json\r
                    Content-Length: \(body.utf8.count)\r
                    Expect: 100-continue\r
                    \r\n
                    """)
                #expect(try await connection.answer().status == 100)
                try await connection.send(body)
                let answer = try await connection.answer()
                #expect(answer.status == 200)
                #expect(answer["results"]?.array.count == 1)
            }
        }
    }

    @Test func `a client that asks to close gets its answer and the end`() async throws {
        try await withRegistry { registry in
            for fields in ["Connection: close\r\n", "Connection: Close, x\r\n"] {
                try await registry.connected { connection in
                    try await connection.send("\(Self.get)\(fields)\r\n")
                    let answer = try await connection.answer()
                    #expect(answer.status == 200)
                    #expect(answer.header("Connection") == "close")
                    #expect(try await connection.rest().isEmpty)
                }
            }
        }
    }

    /// More than the kernel keeps for a client that doesn't read.
    @Test(arguments: [false, true])
    func `a client that reads late gets the whole of its last answer`(halfCloses: Bool) async throws
    {
        try await withOneLoop { registry in
            let get = "GET /openapi.yaml HTTP/1.1\r\nHost: h\r\n"
            let one = try await registry.raw("GET", "/openapi.yaml").bytes.count
            try await withConnection(to: registry.port, receiveBuffer: 4096) { connection in
                let last = halfCloses ? "\r\n" : "Connection: close\r\n\r\n"
                try await connection.send(String(repeating: "\(get)\r\n", count: 39) + get + last)
                if halfCloses { connection.finish() }
                try await settle(registry.port)
                for _ in 0..<40 {
                    #expect(try await connection.answer().bytes.count == one)
                }
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test func `a client of HTTP 1.0 gets its answer and the end`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                try await connection.send("GET /livez HTTP/1.0\r\n\r\n")
                #expect(try await connection.answer().status == 200)
                #expect(try await connection.rest().isEmpty)
            }
        }
    }

    @Test func `requests sent at once are answered in their order`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                let ids = (0..<200).map { "request-\($0)" }
                try await connection.send(
                    ids.map { "\(Self.get)X-Request-ID: \($0)\r\n\r\n" }.joined())
                for id in ids {
                    #expect(try await connection.answer().header("X-Request-ID") == id)
                }
            }
        }
    }
}
