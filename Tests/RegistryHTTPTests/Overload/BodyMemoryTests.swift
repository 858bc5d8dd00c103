import RegistryHTTP
import Testing

@Suite("The memory for bodies", .whateverTheStore, .timeLimit(.minutes(15))) struct BodyMemoryTests
{
    private static let kibibyte = 1024

    private static func settings(bytes: Int) -> RegistrySettings {
        .with {
            $0.http.load.bodyBytes = bytes
            $0.http.load.uncountedBodyBytes = 16 * kibibyte
        }
    }

    /// A request for `/v1/lookup` of exactly this many bytes.
    private static func lookup(_ bytes: Int) -> String {
        let frame = #"{"fqdns":[]}"#
        return frame + String(repeating: " ", count: bytes - frame.utf8.count)
    }

    private static func large(_ registry: RunningRegistry) async throws -> Answer {
        try await registry.post("/v1/lookup", lookup(600 * kibibyte))
    }

    /// Sends only the head: the refusal doesn't wait for the body.
    private static func announced(_ registry: RunningRegistry) async throws -> Answer {
        try await registry.raw(
            "POST", "/v1/lookup",
            headers: [
                ("Content-Type", "application/json"), ("Content-Length", "\(600 * kibibyte)"),
            ])
    }

    /// Whether a large body is refused. A client that is told so while it sends may see its connection
    /// end instead.
    private static func refuses(_ registry: RunningRegistry) async -> Bool {
        (try? await large(registry))?.status == 503
    }

    private static func hasRoom(_ registry: RunningRegistry) async -> Bool {
        (try? await large(registry))?.status == 200
    }

    /// Requests of which one has its memory, so that no other gets any. Where a probe was quicker than
    /// one, that one was refused, and the next has it.
    private static func hold(
        _ registry: RunningRegistry, _ begin: () async throws -> UnfinishedRequest
    ) async throws -> [UnfinishedRequest] {
        var held: [UnfinishedRequest] = []
        try await poll("a refusal") {
            held.append(try await begin())
            return await refuses(registry)
        }
        return held
    }

    private static func holdAnnounced(
        _ registry: RunningRegistry
    ) async throws -> [UnfinishedRequest] {
        try await hold(registry) {
            try await UnfinishedRequest(
                registry, "/v1/lookup", length: 600 * kibibyte, sent: "{")
        }
    }

    @Test func `is bounded, and small bodies don't count`() async throws {
        try await withRegistry(Self.settings(bytes: 1024 * Self.kibibyte)) { registry in
            #expect(try await Self.large(registry).status == 200)
            let held = try await Self.holdAnnounced(registry)
            let refusal = try await Self.announced(registry)
            #expect(refusal.isProblem(503, "overloaded"))
            #expect(refusal.header("Retry-After") == "1")
            #expect(refusal.header("Connection") == "close")

            try await registry.register("a.example.com")
            let small = try await registry.post("/v1/lookup", Self.lookup(16 * Self.kibibyte))
            #expect(small.status == 200)

            let rest = String(Self.lookup(600 * Self.kibibyte).dropFirst())
            for request in held { try? await request.send(rest) }
            try await poll("room") { await Self.hasRoom(registry) }
            for request in held { try? await request.close() }
        }
    }

    @Test func `is taken as chunks arrive, and refused in the middle`() async throws {
        try await withRegistry(Self.settings(bytes: 1024 * Self.kibibyte)) { registry in
            let chunk = "10000\r\n" + String(repeating: " ", count: 0x10000) + "\r\n"
            let held = try await Self.hold(registry) {
                let request = try await UnfinishedRequest(registry, "/v1/lookup", length: nil)
                for _ in 0..<10 { try? await request.send(chunk) }
                return request
            }
            try await registry.connected { connection in
                try await connection.send(
                    "POST /v1/lookup HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                        + "Authorization: Bearer \(registry.token(.reader))\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<10 { try await connection.send(chunk) }
                let answer = try await connection.answer()
                #expect(answer.isProblem(503, "overloaded"))
                #expect(answer.header("Connection") == "close")
            }
            for request in held { try? await request.abort() }
            try await poll("room") { await Self.hasRoom(registry) }
        }
    }

    @Test(arguments: [true, false])
    func `is given back when clients go away`(abruptly: Bool) async throws {
        try await withRegistry(Self.settings(bytes: 1024 * Self.kibibyte)) { registry in
            for _ in 0..<3 {
                for request in try await Self.holdAnnounced(registry) {
                    try? await (abruptly ? request.abort() : request.close())
                }
                try await poll("room") { await Self.hasRoom(registry) }
            }
        }
    }

    @Test func `is never enough for a body that is larger than all of it`() async throws {
        try await withRegistry(Self.settings(bytes: 512 * Self.kibibyte)) { registry in
            let answer = try await Self.large(registry)
            #expect(answer.isProblem(413, "body-too-large"))
        }
    }
}
