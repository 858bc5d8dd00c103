import Foundation
import Testing

@Suite(
    "An agent on a full disk",
    .enabled(if: SmallDisk.canMount, "mounting a small tmpfs needs root"),
    .timeLimit(.minutes(10)))
struct AgentDiskTests {
    @Test func `goes on, says so, and keeps its state once there is room`() async throws {
        let disk = try SmallDisk()
        defer { disk.unmount() }
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll((0..<2000).map { "t\($0).kintone.com" })
        let state = disk.url.appendingPathComponent("state")
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url, state: state)
        try await agent.reaches(registry.revision())
        let file = state.appendingPathComponent("snapshot")
        _ = try await poll("kept on the disk", within: .seconds(120)) {
            FileManager.default.fileExists(atPath: file.path) ? true : nil
        }

        try disk.fill()
        let before = try Data(contentsOf: file)
        let revision = try await registry.move("t7.kintone.com", to: "aws")
        try await agent.reaches(revision)
        #expect(try await agent.location("t7.kintone.com") == "aws")
        _ = try await poll("said so", within: .seconds(120)) {
            try await agent.metric("registry_agent_state_failures_total") ?? 0 > 0 ? true : nil
        }
        _ = try await poll("logged", within: .seconds(120)) {
            agent.log.contains { $0.level == "error" && $0.text.contains("state file") }
                ? true : nil
        }
        #expect(try Data(contentsOf: file) == before)

        try disk.makeRoom()
        _ = try await poll("kept again", within: .seconds(120)) {
            try? String(contentsOf: file, encoding: .utf8)
                .contains(#""t7.kintone.com","location":"aws""#) ? true : nil
        }
        try await agent.crash()
    }
}
