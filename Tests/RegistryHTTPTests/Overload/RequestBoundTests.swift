import Testing

@testable import RegistryHTTP

@Suite("A service with too many requests", .whateverTheStore, .timeLimit(.minutes(15)))
struct RequestBoundTests {
    private static let body = #"{"fqdn":"held0.example.com"}"#

    /// Writes that are under way until their bodies come: as many as there may be.
    private static func hold(
        _ count: Int, _ registry: RunningRegistry
    ) async throws -> [UnfinishedRequest] {
        var held: [UnfinishedRequest] = []
        for _ in 0..<count { held.append(try await unfinished(registry)) }
        try await poll("a refusal") {
            if try await refused(registry) { return true }
            // One of them may have come before the request of a client that left was over.
            held.append(try await unfinished(registry))
            return false
        }
        return held
    }

    private static func unfinished(_ registry: RunningRegistry) async throws -> UnfinishedRequest {
        try await UnfinishedRequest(registry, "/v1/domains", length: body.utf8.count)
    }

    private static func refused(_ registry: RunningRegistry) async throws -> Bool {
        try await registry.send(.DELETE, "/v1/domains/none.example.com").status == 503
    }

    @Test func `refuses writes beyond the bound, and answers everything else`() async throws {
        try await withRegistry(.with { $0.http.load.requests = 4 }) { registry in
            try await registry.register("a.example.com")
            let held = try await Self.hold(4, registry)

            let refusal = try await registry.post("/v1/domains", #"{"fqdn":"b.example.com"}"#)
            #expect(refusal.isProblem(503, "overloaded"))
            #expect(refusal.header("Retry-After") == "1")
            #expect(refusal.header("X-Request-ID") != nil)
            #expect(refusal.header("Connection") == nil)
            for (method, target) in [
                ("DELETE", "/v1/domains/a.example.com"), ("PUT", "/v1/locations/aws"),
                ("POST", "/v1/tokens"), ("POST", "/v1/migrations"),
            ] {
                let answer = try await registry.raw(method, target, as: .role(.admin))
                #expect(answer.isProblem(503, "overloaded"), "\(method) \(target)")
            }

            for target in [
                "/v1/domains/a.example.com", "/v1/route?host=a.example.com",
                "/v1/tls-ask?domain=a.example.com", "/v1/domains/a.example.com?min_revision=1",
                "/v1/stats", "/v1/history", "/v1/domains/a.example.com/availability", "/livez",
                "/readyz",
            ] {
                #expect(try await registry.get(target).status == 200, "\(target)")
            }
            #expect(try await registry.post("/v1/lookup", #"{"fqdns":[]}"#).status == 200)

            try await held[0].send(Self.body)
            try await poll("the first write's end") {
                try await registry.get("/v1/domains/held0.example.com").status == 200
            }
            try await poll("room for a write") { try await !Self.refused(registry) }
            for request in held { try await request.close() }
        }
    }

    @Test func `asks who calls before it says that it has too much to do`() async throws {
        try await withRegistry(.with { $0.http.load.requests = 2 }) { registry in
            let held = try await Self.hold(2, registry)
            let body = #"{"fqdn":"b.example.com"}"#
            #expect(try await registry.post("/v1/domains", as: .nobody, body).status == 401)
            #expect(try await registry.post("/v1/domains", as: .role(.reader), body).status == 403)
            for request in held { try await request.close() }
        }
    }

    @Test(arguments: [true, false])
    func `has its room back when clients go away`(abruptly: Bool) async throws {
        try await withRegistry(.with { $0.http.load.requests = 3 }) { registry in
            for _ in 0..<3 {
                let held = try await Self.hold(3, registry)
                for request in held {
                    try await (abruptly ? request.abort() : request.close())
                }
                try await poll("room for a write") { try await !Self.refused(registry) }
            }
        }
    }

    private static let waiting = RegistrySettings.with {
        $0.http.load.requests = 2
        $0.http.revisionWait = .seconds(600)
    }

    /// Who waits for a revision that isn't there yet: as many as there may be.
    private static func waiters(
        _ registry: RunningRegistry, _ target: String
    ) async throws -> [UnfinishedRequest] {
        let waiting = registry.server.admission
        let revision = try await registry.head() + 1
        var held: [UnfinishedRequest] = []
        for count in 1...waiting.limits.requests {
            held.append(
                try await UnfinishedRequest(
                    registry, "\(target)?min_revision=\(revision)", length: body.utf8.count,
                    sent: body))
            try await poll("a waiting request") { waiting.count(.wait) == count }
        }
        return held
    }

    private static func isIdle(_ registry: RunningRegistry) -> Bool {
        [LoadClass.read, .write, .wait].allSatisfy { registry.server.admission.count($0) == 0 }
    }

    @Test func `lets those who wait for a revision keep nobody from anything else`() async throws {
        try await withRegistry(Self.waiting) { registry in
            try await registry.register("a.example.com")
            let held = try await Self.waiters(registry, "/v1/domains")
            let ahead = try await registry.head() + 1
            for target in ["/v1/stats", "/v1/domains/b.example.com/availability"] {
                let refusal = try await registry.get("\(target)?min_revision=\(ahead)")
                #expect(refusal.isProblem(503, "overloaded"), "\(target)")
            }
            for target in ["/v1/stats", "/v1/history", "/v1/locations?min_revision=1"] {
                #expect(try await registry.get(target).status == 200, "\(target)")
            }
            // This is what they wait for: then they write.
            try await registry.register("b.example.com")
            try await poll("the waiting write") {
                try await registry.get("/v1/domains/held0.example.com").status == 200
            }
            try await poll("the end of all") { Self.isIdle(registry) }
            for request in held { try await request.close() }
        }
    }

    @Test(arguments: [true, false])
    func `has its room back when clients that wait for a revision go away`(abruptly: Bool)
        async throws
    {
        try await withRegistry(Self.waiting) { registry in
            for _ in 0..<3 {
                for request in try await Self.waiters(registry, "/v1/domains") {
                    try await (abruptly ? request.abort() : request.close())
                }
                try await poll("the end of all") { Self.isIdle(registry) }
            }
            #expect(try await registry.get("/v1/domains/held0.example.com").status == 404)
        }
    }

    @Test func `tells of refusals once a second, not in a line for each`() async throws {
        let settings = RegistrySettings.with {
            $0.http.load.requests = 1
            $0.http.limits.requestArrival = .minutes(10)
        }
        try await withRegistry(settings) { registry in
            let held = try await Self.hold(1, registry)
            for _ in 0..<200 { #expect(try await Self.refused(registry)) }
            let lines = registry.log.lines
            #expect(lines.contains { $0.message == "overloaded: requests are refused" })
            #expect(!lines.contains { $0.metadata["status"] == "503" })
            for request in held { try await request.close() }
        }
    }
}
