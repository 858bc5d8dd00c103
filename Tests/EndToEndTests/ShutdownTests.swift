import Foundation
import Synchronization
import Testing

@Suite("SIGTERM") struct ShutdownTests {
    /// As behind a load balancer: it asks `/readyz`, and stops opening connections once that says
    /// no. Connections that are open go on until an answer closes them.
    @Test func `under load leaves no request without an answer`() async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--drain-seconds", "1"])
        let health = Health(port: server.port)
        let clients = (0..<8).map { KeepAliveClient(id: $0, server: server) }
        async let results = withTaskGroup { group in
            for client in clients { group.addTask { await client.run { health.isAway } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        async let reports: [Int] = health.watch()

        _ = try await poll("some answers") { clients.allSatisfy { $0.answers > 20 } ? true : nil }
        server.process.signal(SIGTERM)
        #expect(try await server.process.waitForExit() == .code(0))

        for result in await results {
            #expect(result.unanswered == [], "after \(result.answered) answers")
            #expect(result.statuses.isSubset(of: [200, 201]))
            #expect(result.wasAskedToClose)
        }
        let statuses = await reports
        #expect(statuses.first == 200)
        #expect(statuses.contains(503))
        #expect(server.log.contains { $0.message == "stopping" })
        #expect(server.log.last?.message == "stopped")
    }

    @Test func `waits for a batch that is under way, and for its commit`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let rows = (0..<1000).map { #"{"fqdn":"t\#($0).example.com"}"# }
        let body = #"{"domains":[\#(rows.joined(separator: ","))]}"#
        let connection = try #require(BlockingConnection(port: server.port))
        connection.send(
            """
            POST /v1/domains/batch HTTP/1.1\r
            Host: registry\r
            Authorization: Bearer \(server.adminToken)\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            Expect: 100-continue\r
            \r

            """)
        // From here on the server knows of the request.
        #expect(connection.readAnswer()?.status == 100)
        server.process.signal(SIGTERM)
        _ = try await poll("stopping") {
            server.log.contains { $0.message == "stopping" } ? true : nil
        }
        connection.send(body)
        let answer = try #require(connection.readAnswer())
        #expect(answer.status == 200)
        #expect(answer.closes)
        #expect(!answer.body.contains("refused"))
        #expect(try await server.process.waitForExit() == .code(0))

        let next = try await ServerProcess.start(in: folder)
        #expect(try await next.client.statistics().total == 1000)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `ends an idle service at once, keep-alive connections or not`(signal: Int32) async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        _ = try await server.client.send(.GET, "/readyz")
        server.process.signal(signal)
        #expect(try await server.process.waitForExit(within: .seconds(5)) == .code(0))
    }
}

/// A load balancer's health check, on a thread of its own: it's as quick as the system lets it be,
/// whatever other tests do to Swift's threads.
private final class Health: Sendable {
    private let port: Int
    private let away = Atomic(false)

    init(port: Int) {
        self.port = port
    }

    var isAway: Bool { away.load(ordering: .relaxed) }

    /// - Returns: what `/readyz` said each time, until nobody answered any more.
    func watch() async -> [Int] {
        await withCheckedContinuation { done in
            Thread.detachNewThread { done.resume(returning: self.statuses()) }
        }
    }

    private func statuses() -> [Int] {
        var statuses: [Int] = []
        while let connection = BlockingConnection(port: port) {
            connection.send("GET /readyz HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n")
            guard let answer = connection.readAnswer() else { break }
            statuses.append(answer.status)
            if statuses.suffix(2) == [503, 503] { away.store(true, ordering: .relaxed) }
            usleep(50_000)
        }
        away.store(true, ordering: .relaxed)
        return statuses
    }
}
