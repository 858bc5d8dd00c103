import RegistryAPI
import RegistryClient
import Testing

@Suite("A request that stops half-way") struct BrokenBodyTests {
    private static let names = (0..<100).map { "t\($0).example.com" }

    /// Whether the client says that nothing more will come, or is gone.
    private enum End: CaseIterable { case finishes, vanishes }

    @Test(.timeLimit(.minutes(15))) func `leaves nothing`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        let registry = server.client
        try await registry.registerAll(Self.names)
        let migration = try await registry.plan(names: Array(Self.names.prefix(50)))
        let head = try await registry.send(.GET, "/v1/stats").position

        let list = Self.names.map { "\"\($0)\"" }.joined(separator: ",")
        let cutover = WaveVerb.cutover.body(migration)
        let requests = [
            // Whole as JSON, but not as long as it was announced.
            ("/v1/migrations/\(migration.id)/waves/1/cutover", cutover, 1),
            (
                "/v1/migrations/\(migration.id)/waves/1/cutover", String(cutover.dropLast(9)),
                9
            ),
            ("/v1/migrations/\(migration.id)/cancel", "", 2),
            (
                "/v1/migrations", #"{"from":"japan","to":"aws","select":{"fqdns":[\#(list)"#,
                1_000_000
            ),
            (
                "/v1/migrations",
                #"{"from":"japan","to":"aws","select":{"fqdns":[\#(list)]}}"#, 40_000_000
            ),
        ]
        for (target, body, missing) in requests {
            for end in End.allCases {
                Self.send(target, body, missing, end, to: server)
            }
            Self.sendChunk(target, body, to: server)
        }
        #expect(try await registry.send(.GET, "/v1/stats").position == head)
        let all = try await registry.migrations(state: nil, limit: 100)
        #expect(all.items.map(\.id) == [migration.id])
        #expect(all.items.map(\.waves) == [migration.waves])
        // Everything else goes on, and nothing of them came in between.
        let moved = try await registry.take(.cutover, of: migration)
        #expect(moved.position?.revision == head.map { $0.revision + 1 })
        #expect(server.log.allSatisfy { $0.level != "error" && $0.level != "critical" })
        try await server.crash()
    }

    private static func send(
        _ target: String, _ body: String, _ missing: Int, _ end: End, to server: ServerProcess
    ) {
        guard let connection = BlockingConnection(port: server.port) else {
            Issue.record("nobody listens")
            return
        }
        connection.send(
            head(target, server) + "Content-Length: \(body.utf8.count + missing)\r\n\r\n\(body)")
        guard end == .finishes else { return }
        expectNoSuccess(connection)
    }

    /// The last chunk never comes.
    private static func sendChunk(_ target: String, _ body: String, to server: ServerProcess) {
        guard let connection = BlockingConnection(port: server.port) else { return }
        let size = String(body.utf8.count + 1, radix: 16)
        connection.send(
            head(target, server) + "Transfer-Encoding: chunked\r\n\r\n\(size)\r\n\(body)")
        expectNoSuccess(connection)
    }

    private static func expectNoSuccess(_ connection: BlockingConnection) {
        connection.finish()
        let answer = connection.readAnswer()
        #expect(answer.map { $0.status >= 400 } ?? true, "\(String(describing: answer))")
    }

    private static func head(_ target: String, _ server: ServerProcess) -> String {
        "POST \(target) HTTP/1.1\r\nHost: registry\r\n"
            + "Authorization: Bearer \(server.adminToken)\r\nContent-Type: application/json\r\n"
    }
}
