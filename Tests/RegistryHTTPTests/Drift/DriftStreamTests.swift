import RegistryAPI
import RegistryHTTP
import RegistryModel
import Testing

/// Lists that take their time, and that break off.
@Suite("A list on its way in", .timeLimit(.minutes(15))) struct DriftStreamTests {
    /// More than waits for the end of a list.
    private static let manyFindings = longList(8_000)

    /// Sends so much that the answer begins.
    private static func begin(
        _ connection: inout RawConnection, _ registry: RunningRegistry
    ) async throws -> [UInt8] {
        try await connection.send(registry.comparisonHead() + chunk(manyFindings))
        let beginning = try await connection.next()
        try #require(String(decoding: beginning, as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        return beginning
    }

    /// The body of an answer that was read whole.
    private static func body(_ answer: [UInt8]) throws -> ChunkedBody {
        let end = try #require(answer.firstRange(of: Array("\r\n\r\n".utf8)))
        return ChunkedBody(Array(answer[end.upperBound...]))
    }

    @Test func `is held against one revision, whatever is moved meanwhile`() async throws {
        try await withRegistry { registry in
            for name in ["stays", "leaves", "comes", "goes", "late", "back"] {
                let location = ["comes"].contains(name) ? "japan" : "aws"
                try await registry.register("\(name).example.com", location: location)
            }
            let head = try await registry.head()
            try await registry.connected { connection in
                var answer = try await Self.begin(&connection, registry)
                try await registry.move("leaves.example.com", to: "japan")
                try await registry.move("comes.example.com", to: "aws")
                try await registry.release("goes.example.com")
                try await registry.release("late.example.com")
                try await registry.move("back.example.com", to: "japan")
                try await registry.move("back.example.com", to: "aws")
                try await registry.register("new.example.com", location: "aws")
                let names = ["stays", "leaves", "comes", "goes", "new"]
                let list = names.map { "\($0).example.com\n" }.joined()
                try await connection.send(chunk(list) + "0\r\n\r\n")
                connection.finish()
                answer += try await connection.rest()
                let body = try Self.body(answer)
                try #require(body.isWhole)
                let found = try Comparison(
                    Answer(status: 200, headers: [:], bytes: body.bytes))
                #expect(found.summary?.revision == Revision(head))
                #expect(
                    found.findings.filter { !$0.hasPrefix("invalid") } == [
                        "elsewhere comes.example.com japan", "unknown new.example.com",
                        "missing back.example.com", "missing late.example.com",
                    ])
            }
            // What is read from now on is as it's now.
            let found = try await registry.compare("stays.example.com\n")
            #expect(
                found.findings == [
                    "missing back.example.com", "missing comes.example.com",
                    "missing new.example.com",
                ])
        }
    }

    /// In the middle of a body in chunks and of one of a known length, and as a reset.
    @Test(arguments: ["chunks", "length", "half"])
    func `is never taken for whole where it breaks off`(way: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", location: "aws")
            try await registry.connected { connection in
                let head = registry.comparisonHead()
                if way == "length" {
                    let fields = head.replacing(
                        "Transfer-Encoding: chunked", with: "Content-Length: 1000")
                    try await connection.send(fields + "a.example.com\n")
                } else {
                    try await connection.send(head + chunk("a.example.com\n"))
                    if way == "half" { try await connection.send("10\r\nb.example") }
                }
                connection.finish()
                #expect(try await connection.rest().isEmpty)
            }
            #expect(!registry.log.lines.contains { "\($0)".contains("request failed") })
        }
    }

    @Test func `breaks the answer off with it, once that has begun`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                var answer = try await Self.begin(&connection, registry)
                connection.finish()
                answer += try await connection.rest()
                let body = try Self.body(answer)
                #expect(!body.isWhole)
                #expect(!String(decoding: body.bytes, as: UTF8.self).contains("summary"))
            }
        }
    }

    @Test(arguments: ["nonsense\r\n", "10001\r\n" + String(repeating: "x", count: 65_537)])
    func `breaks the answer off where it turns out to be none`(rest: String) async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                var answer = try await Self.begin(&connection, registry)
                try await connection.send(rest)
                answer += try await connection.rest()
                let body = try Self.body(answer)
                #expect(!body.isWhole)
                #expect(!String(decoding: body.bytes, as: UTF8.self).contains("summary"))
            }
        }
    }

    @Test func `may take its time, so long as it goes on`() async throws {
        // Long enough for a busy machine to send a line.
        let settings = RegistrySettings.with { $0.http.limits.requestArrival = .seconds(2) }
        try await withRegistry(settings) { registry in
            try await registry.register("a.example.com", location: "aws")
            try await registry.connected { connection in
                try await connection.send(registry.comparisonHead())
                let begun = ContinuousClock.now
                while begun.duration(to: .now) < .seconds(5) {
                    try await connection.send(chunk("a.example.com\n"))
                    // A list that drips: the pause is what is tested.
                    try await Task.sleep(for: .milliseconds(20))
                }
                try await connection.send("0\r\n\r\n")
                connection.finish()
                let body = try Self.body(try await connection.rest())
                #expect(body.isWhole)
                #expect(String(decoding: body.bytes, as: UTF8.self).contains(#""missing":0"#))
            }
        }
    }

    @Test func `that stops coming gets 408, or ends the answer that has begun`() async throws {
        let settings = RegistrySettings.with { $0.http.limits.requestArrival = .seconds(3) }
        try await withRegistry(settings) { registry in
            try await registry.connected { connection in
                try await connection.send(registry.comparisonHead() + chunk("a.example.com\n"))
                let answer = try await connection.answer()
                #expect(answer.isProblem(408, "request-timeout"))
            }
            try await registry.connected { connection in
                var answer = try await Self.begin(&connection, registry)
                answer += try await connection.rest()
                #expect(try !Self.body(answer).isWhole)
            }
        }
    }

    @Test func `is one of a few at a time, and gives its place back`() async throws {
        try await withRegistry(.with { $0.http.load.comparisons = 1 }) { registry in
            try await registry.connected { connection in
                _ = try await Self.begin(&connection, registry)
                let refused = try await registry.compare("a.example.com\n")
                #expect(refused.answer.isProblem(503, "overloaded"))
                #expect(try await registry.get("/v1/history").status == 200)
            }
            // The client went away in the middle.
            try await poll("a place") {
                try await registry.compare("a.example.com\n").answer.status == 200
            }
            for _ in 0..<3 {
                #expect(try await registry.compare("", of: "mars").answer.status == 422)
                #expect(try await registry.compare("").answer.status == 200)
            }
        }
    }

    @Test func `is followed by other requests on its connection`() async throws {
        try await withRegistry { registry in
            try await registry.connected { connection in
                let next = "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
                try await connection.send(
                    registry.comparisonHead() + chunk("a.example.com\n") + "0\r\n\r\n" + next)
                let text = String(decoding: try await connection.rest(), as: UTF8.self)
                #expect(text.contains(#""unknown":1"#))
                #expect(text.hasSuffix(#"{"status":"alive"}"#))
            }
        }
    }

    /// The rest of a list may have no end: nobody waits for it.
    @Test func `isn't read where it's refused`() async throws {
        try await withRegistry { registry in
            for head in [registry.comparisonHead("mars"), registry.comparisonHead("aws&x=1")] {
                try await registry.connected { connection in
                    try await connection.send(head + chunk("a.example.com\n"))
                    let answer = try await connection.answer()
                    #expect(answer.status == 422 || answer.status == 400)
                    #expect(answer.header("Connection") == "close")
                    #expect(try await connection.rest().isEmpty)
                }
            }
        }
    }

    @Test func `of many names needs a client that reads`() async throws {
        let settings = RegistrySettings.with { $0.http.limits.answerStall = .milliseconds(200) }
        try await withRegistry(settings) { registry in
            try await withConnection(to: registry.port, receiveBuffer: 4096) { connection in
                try await connection.send(registry.comparisonHead())
                let outbound = connection.outbound
                // It ends because the server cuts it off, which the client sees when it writes.
                await #expect(throws: (any Error).self) {
                    while true {
                        try await outbound.write(.init(string: chunk(Self.manyFindings)))
                    }
                }
            }
        }
    }
}
