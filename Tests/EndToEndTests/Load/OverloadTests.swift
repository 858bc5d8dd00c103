import Foundation
import RegistryClient
import Synchronization
import Testing

@Suite("Too many writers", .timeLimit(.minutes(15))) struct OverloadTests {
    /// What clients saw, each on a connection of its own.
    private final class Tally: Sendable {
        let isOver = Atomic(false)
        let written = Atomic(0)
        let refused = Atomic(0)
        let strange = Mutex<[String]>([])
    }

    private static func post(_ name: String, token: String) -> String {
        let body = #"{"fqdn":"\#(name)"}"#
        return "POST /v1/domains HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func write(_ id: Int, _ server: ServerProcess, _ tally: Tally) {
        guard let connection = BlockingConnection(port: server.port) else { return }
        var number = 0
        while !tally.isOver.load(ordering: .relaxed) {
            number += 1
            connection.send(post("w\(id)-\(number).example.com", token: server.adminToken))
            let answer = connection.readAnswer()
            switch answer?.status {
            case 201: tally.written.add(1, ordering: .relaxed)
            case 503 where answer?.body.contains("\"overloaded\"") == true:
                tally.refused.add(1, ordering: .relaxed)
            default:
                tally.strange.withLock { $0.append("\(answer as Any): \(connection.received)") }
                return
            }
        }
    }

    /// - Returns: how many lookups were answered with the domain.
    private static func lookUp(_ name: String, _ server: ServerProcess, _ tally: Tally) -> Int {
        guard let connection = BlockingConnection(port: server.port) else { return 0 }
        var count = 0
        let get =
            "GET /v1/domains/\(name) HTTP/1.1\r\nHost: h\r\n"
            + "Authorization: Bearer \(server.adminToken)\r\n\r\n"
        while !tally.isOver.load(ordering: .relaxed) {
            connection.send(get)
            guard let answer = connection.readAnswer(), answer.status == 200 else {
                tally.strange.withLock { $0.append("a lookup: \(connection.received)") }
                return count
            }
            count += 1
        }
        return count
    }

    @Test func `are refused in part, lookups go on, and all is well at once after`() async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--max-requests", "4"])
        _ = try await server.client.register("a.example.com")
        let tally = Tally()
        async let lookups = onThread { Self.lookUp("a.example.com", server, tally) }
        await withTaskGroup(of: Void.self) { writers in
            for id in 0..<48 {
                writers.addTask { await onThread { Self.write(id, server, tally) } }
            }
            _ = try? await poll("writes and refusals", within: .seconds(120)) { () -> Bool? in
                let isEnough =
                    tally.written.load(ordering: .relaxed) > 100
                    && tally.refused.load(ordering: .relaxed) > 1000
                let hasFailed = tally.strange.withLock { !$0.isEmpty }
                return isEnough || hasFailed ? true : nil
            }
            tally.isOver.store(true, ordering: .relaxed)
        }
        #expect(tally.strange.withLock { $0 } == [])
        #expect(tally.written.load(ordering: .relaxed) > 100)
        #expect(tally.refused.load(ordering: .relaxed) > 1000)
        #expect(await lookups > 0)

        for number in 0..<20 { _ = try await server.client.register("after\(number).example.com") }
        let stats = try await server.client.send(.GET, "/v1/stats")
        let total = tally.written.load(ordering: .relaxed) + 21
        #expect(String(buffer: stats.body).contains("\"total\":\(total)"))
        let metrics = String(buffer: try await server.client.send(.GET, "/metrics").body)
        #expect(metrics.contains("http_requests_shed_total{reason=\"write\"} "))
        #expect(metrics.contains("http_requests_under_way{kind=\"write\"} 0\n"))
        try await server.crash()
    }
}

/// Blocking calls don't belong on Swift's own threads.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { done in
        Thread.detachNewThread { done.resume(returning: body()) }
    }
}
