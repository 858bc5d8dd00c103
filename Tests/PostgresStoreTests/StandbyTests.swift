import Foundation
import PostgresServer
import RegistryModel
import Testing

@Suite("A standby", .timeLimit(.minutes(15))) struct StandbyTests {
    @Test func `isn't asked which agents have a revision: it may be behind`() async throws {
        let server = try await PostgresServer.start()
        let database = try await TestDatabase(server)
        let node = try await Node(database.url + "&target_session_attrs=any", follows: false)
        let head = try await node.store.head()
        let position = Position(epoch: head.epoch, revision: head.revision)
        let edge = AgentReport(AgentName(canonical: "edge"), applied: position)
        #expect(try await node.store.note([edge], limit: 1).count == 1)
        func judged() async throws(RegistryError) -> Convergence {
            try await node.store.convergence(at: position, lease: .seconds(3600))
        }
        #expect(try await judged().isWhole)

        let signal = server.folder.appendingPathComponent("data/standby.signal")
        try await server.crash()
        try Data().write(to: signal)
        try await server.startAgain()
        #expect(try await database.run("SELECT pg_is_in_recovery()") == [["t"]])
        try await poll("an answer of the standby") {
            (try? await node.store.head())?.epoch == head.epoch
        }
        for _ in 0..<4 {
            await #expect(throws: RegistryError.storeUnavailable) { try await judged() }
            await #expect(throws: RegistryError.storeUnavailable) {
                try await node.store.agentRoll()
            }
            // Nor whether an agent has more than the log.
            await #expect(throws: RegistryError.storeUnavailable) {
                try await node.store.headOfPrimary()
            }
        }

        try await server.crash()
        try FileManager.default.removeItem(at: signal)
        try await server.startAgain()
        try await poll("the agents again") {
            (try? await judged())?.isWhole == true
        }
        await node.store.close()
    }
}
