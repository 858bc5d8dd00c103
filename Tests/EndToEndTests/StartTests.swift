import Foundation
import Testing

@Suite("A start") struct StartTests {
    @Test func `listens and answers`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        #expect(try await server.client.send(.GET, "/readyz").status == 200)
        #expect(try await server.stop() == .code(0))
    }
}
