import Foundation
import PostgresServer
import RegistryClient
import Testing

@Suite("A stop", .timeLimit(.minutes(15))) struct StopTests {
    /// Today's wait for such a database is minutes; this bound is the documented one, and time to spare.
    @Test func `ends while the database hangs, writes under way or not`() async throws {
        let cluster = try await Cluster(try await PostgresServer.start())
        let node = try await cluster.start(
            "n1", arguments: ["--drain-seconds", "0", "--shutdown-seconds", "2"])
        _ = try await node.client.register("a.example.com")
        let hang = try Hang(of: cluster.postgres)
        defer { hang.end() }
        async let writes = withTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask {
                    (try? await node.client.register("n\(number).example.com")) != nil
                }
            }
            return await group.contains(true)
        }
        node.process.signal(SIGTERM)
        let exit = try await node.process.waitForExit(within: .seconds(30))
        #expect(exit == .code(0) || exit == .code(1))
        #expect(await !writes)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `that is asked for twice ends at once, and says so by its code`(signal: Int32) async throws
    {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--drain-seconds", "600"])
        server.process.signal(SIGTERM)
        _ = try await poll("stopping") {
            server.log.contains { $0.message == "stopping" } ? true : nil
        }
        #expect(server.process.isRunning)
        server.process.signal(signal)
        #expect(try await server.process.waitForExit() == .code(128 + signal))
    }

    @Test func `has no time for a client that never ends its request`() async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--drain-seconds", "0", "--shutdown-seconds", "1"])
        let connection = try #require(BlockingConnection(port: server.port))
        connection.send(
            """
            POST /v1/domains HTTP/1.1\r
            Host: registry\r
            Authorization: Bearer \(server.adminToken)\r
            Content-Type: application/json\r
            Content-Length: 100\r
            Expect: 100-continue\r
            \r

            """)
        #expect(connection.readAnswer()?.status == 100)
        server.process.signal(SIGTERM)
        #expect(try await server.process.waitForExit(within: .seconds(20)) == .code(0))
    }
}
