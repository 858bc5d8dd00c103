import Foundation
import Testing

@Suite("Event loops", .timeLimit(.minutes(15))) struct EventLoopsTests {
    @Test(arguments: [1, 3]) func `are as many as asked for`(count: Int) async throws {
        let server = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--event-loops", "\(count)"])
        let tasks = URL(fileURLWithPath: "/proc/\(server.process.pid)/task")
        let names = try FileManager.default.contentsOfDirectory(atPath: tasks.path).map {
            try String(contentsOf: tasks.appending(path: "\($0)/comm"), encoding: .utf8)
        }
        #expect(
            names.count { $0.hasPrefix("NIO-SGLTN-") && !$0.contains("TP") } == count, "\(names)")
        try await server.crash()
    }
}
