import Foundation
import PostgresServer
import RegistryClient
import Testing

@Suite("Nodes whose database somebody else holds up", .timeLimit(.minutes(10)))
struct OtherSessionTests {
    @Test func `refuse writes in time, answer lookups, and go on by themselves`() async throws {
        let cluster = try await Cluster(try await PostgresServer.shared())
        let node = try await cluster.start("n1", options: "-c lock_timeout=500ms")
        _ = try await node.client.register("a.example.com")
        let other = try await cluster.postgres.session(in: cluster.database)
        try await other.run("BEGIN; SELECT FROM head FOR UPDATE")
        let refusals = try await withThrowingTaskGroup(of: Refusal?.self) { group in
            for number in 0..<8 {
                group.addTask {
                    do {
                        _ = try await node.client.register("n\(number).example.com")
                        return nil
                    } catch ClientError.refused(let refusal) {
                        return refusal
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for refusal in refusals {
            #expect(refusal?.status == 503 && refusal?.code == "overloaded")
            #expect(refusal?.retryAfter == "1")
        }
        #expect(try await node.client.domain("a.example.com").value.location == "japan")
        #expect(try await node.client.send(.GET, "/readyz").status == 200)
        #expect(node.log.contains { $0.message == "a commit was refused for now" })

        try await other.run("ROLLBACK")
        for number in 0..<8 { _ = try await node.client.register("n\(number).example.com") }
        #expect(try await node.client.statistics().total == 9)
        #expect(try await node.client.verify(expecting: nil) { _ in }.isGood)
        #expect(try await node.stop() == .code(0))
        try await cluster.postgres.dropDatabase(cluster.database)
    }
}

@Suite("A node that starts before its database", .timeLimit(.minutes(10)))
struct EarlyStartTests {
    /// Starts a node, and makes its database usable once it has said that it waits.
    private func starts(
        _ cluster: Cluster, waitingFor word: String, _ release: @Sendable () async throws -> Void
    ) async throws {
        let process = try ChildProcess(
            TenantRegistryBinary.url,
            [
                "serve", "--listen", "127.0.0.1:0", "--data-dir", cluster.folder.file("d").path,
                "--store-wait", "300", "--store", cluster.postgres.url(cluster.database),
            ], outputs: cluster.folder.url)
        _ = try await poll("the node to wait") {
            process.errors.split(separator: "\n").contains {
                $0.contains("the database isn't there yet") && $0.contains(word)
            } ? true : nil
        }
        #expect(process.isRunning && !process.errors.contains("listening"))
        try await release()
        _ = try await poll("the node to listen: \(process.errors)") {
            LogLine.all(in: process.errors).contains { $0.announces == "api" } ? true : nil
        }
        process.signal(SIGTERM)
        #expect(try await process.waitForExit() == .code(0))
    }

    @Test func `waits for it to come up`() async throws {
        let cluster = try await Cluster(try await PostgresServer.start())
        try await cluster.postgres.crash()
        try await starts(cluster, waitingFor: "refused") {
            try await cluster.postgres.startAgain()
        }
    }

    @Test func `waits for a connection where all are taken`() async throws {
        var settings = PostgresServer.Settings()
        settings.options = ["max_connections=10"]
        let cluster = try await Cluster(try await PostgresServer.start(settings))
        var taken: [SuperuserSession] = []
        while let session = try? await cluster.postgres.session() { taken.append(session) }
        #expect(taken.count <= 10)
        let sessions = taken
        taken = []
        try await starts(cluster, waitingFor: "too many clients") {
            for session in sessions {
                _ = try? await session.run("SELECT pg_terminate_backend(pg_backend_pid())")
            }
        }
    }
}
