import RegistryHTTP
import Testing

@Suite("Streamed answers", .whateverTheStore, .timeLimit(.minutes(15))) struct StreamBoundTests {
    /// More than the kernel keeps for a client that doesn't read.
    private static func fill(_ registry: RunningRegistry) async throws {
        for batch in 0..<4 {
            try await registry.registerAll((0..<10_000).map { "n\(batch)-\($0).example.com" })
        }
    }

    private static func stream(_ registry: RunningRegistry) async throws -> Answer {
        try await registry.get(
            "/v1/history?limit=1", headers: [("Accept", "application/x-ndjson")])
    }

    @Test func `are bounded, apart from other reads`() async throws {
        try await withRegistry(.with { $0.http.load.streams = 1 }) { registry in
            try await Self.fill(registry)
            try await withConnection(to: registry.port, receiveBuffer: 4096) { connection in
                try await connection.send(
                    "GET /v1/history HTTP/1.1\r\nHost: h\r\nAccept: application/x-ndjson\r\n"
                        + "Authorization: Bearer \(registry.token(.auditor))\r\n\r\n")
                // It has its place before anybody else asks for one.
                _ = try await connection.next()
                let refusal = try await Self.stream(registry)
                #expect(refusal.isProblem(503, "overloaded"))
                #expect(refusal.header("Retry-After") == "1")
                #expect(try await registry.get("/v1/history").status == 200)
                try await registry.register("a.example.com")
            }
            // The client went away in the middle of its answer.
            try await poll("room") { try await Self.stream(registry).status == 200 }
        }
    }

    @Test func `give their place among the reads back`() async throws {
        let settings = RegistrySettings.with {
            $0.http.load.streams = 2
            $0.http.load.requests = 1
        }
        try await withRegistry(settings) { registry in
            for _ in 0..<20 { #expect(try await Self.stream(registry).status == 200) }
            let head = try await registry.send(
                .HEAD, "/v1/history", headers: [("Accept", "application/x-ndjson")])
            #expect(head.status == 200)
            #expect(try await registry.get("/v1/history").status == 200)
        }
    }
}
