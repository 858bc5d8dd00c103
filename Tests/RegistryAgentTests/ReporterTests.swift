import AsyncHTTPClient
import RegistryClient
import RegistryModel
import RoutingTable
import Testing

@testable import RegistryAgent

@Suite("An agent's reports") struct ReporterTests {
    private static let position = Position(epoch: Epoch("epoch"), revision: Revision(7))

    private static func answer(_ status: String, _ body: String) -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    }

    private static func reporter(
        _ registry: ScriptedRegistry, refused: @escaping @Sendable (Refusal?) -> Void = { _ in }
    ) -> Reporter {
        Reporter(
            RegistryClient(base: registry.url, token: nil, http: .shared), as: "edge-a",
            settle: .zero, retryingAfter: .milliseconds(1), logger: silent, refused: refused)
    }

    /// The first word of each request, and whether it's the old form.
    private static func forms(_ registry: ScriptedRegistry) -> [String] {
        registry.requests.value.map { request in
            request.hasPrefix("PUT /v1/agents/edge-a HTTP/1.1\r\n")
                ? "put"
                : request.hasPrefix("GET /v1/changes?") && request.contains("agent=edge-a")
                    ? "asked" : "?"
        }
    }

    @Test(arguments: ["404 Not Found", "405 Method Not Allowed"])
    func `are questions where the registry knows no better, until the next connection`(
        status: String
    ) async throws {
        let registry = try ScriptedRegistry { request in
            request.hasPrefix("PUT") ? Self.answer(status, "{}") : Self.answer("200 OK", "{}")
        }
        let reporter = Self.reporter(registry)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await reporter.run() }
            reporter.applied(Self.position)
            try await eventually("fallen back") { registry.requests.value.count == 2 }
            reporter.applied(Position(epoch: Epoch("epoch"), revision: Revision(8)))
            try await eventually("asked") { registry.requests.value.count == 3 }
            reporter.reconnected()
            reporter.beat()
            try await eventually("tried again") { registry.requests.value.count == 5 }
            group.cancelAll()
        }
        #expect(Self.forms(registry) == ["put", "asked", "asked", "put", "asked"])
        #expect(registry.requests.value[2].contains("after=8&epoch=epoch"))
    }

    @Test func `that there's no room for keep no table from the agent, and are shown`() async throws
    {
        let refusal = #"""
            {"type":"/problems/too-many-agents","title":"t","status":409,"detail":"d","instance":"/",\#
            "code":"too-many-agents","request_id":"r"}
            """#
        let isFull = Shared(true)
        let registry = try ScriptedRegistry { _ in
            isFull.value
                ? Self.answer("409 Conflict", refusal) : Self.answer("200 OK", #"{"head":7}"#)
        }
        let status = AgentStatus(table: CompactRoutingTable()) { Timestamp(milliseconds: 0) }
        let reporter = Self.reporter(registry) {
            status.reports(refused: $0.map { $0.code ?? "?" })
        }
        try await reporter.announce()
        #expect(status.summary.reportsRefused == "too-many-agents")
        isFull.change { $0 = false }
        try await reporter.announce()
        #expect(status.summary.reportsRefused == nil)
        #expect(Self.forms(registry) == ["put", "put"])
    }

    @Test func `that aren't answered keep the table from the agent`() async throws {
        let registry = try ScriptedRegistry { _ in Self.answer("503 Service Unavailable", "{}") }
        await #expect(throws: ClientError.self) { try await Self.reporter(registry).announce() }
    }
}
