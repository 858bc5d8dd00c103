import RegistryModel
import Testing

@testable import RegistryService

@Suite("An agent that asks for changes", .timeLimit(.minutes(15))) struct ReportTests {
    private static func ask(
        _ registry: RunningRegistry, _ query: String, headers: [(String, String)] = []
    ) async throws -> Answer {
        try await registry.get(
            "/v1/changes?wait=0&limit=1&\(query)", as: .role(.reader), headers: headers)
    }

    @Test func `reports what it has applied`() async throws {
        try await withRegistry { registry in
            let position = try registry.position
            let (epoch, head) = (position.epoch, position.revision.number)
            #expect(
                try await Self.ask(registry, "after=\(head - 1)&epoch=\(epoch)&agent=edge-a")
                    .status == 200)
            #expect(try await registry.get("/v1/agents").agents == ["edge-a \(head - 1) 1"])
            #expect(
                try await Self.ask(registry, "after=\(head)&epoch=\(epoch)&agent=edge-a").status
                    == 200)
            #expect(try await registry.converged() == "1 of 1")
            // The store has it before the answer is there.
            #expect(try await registry.service.store.agents().count == 1)
        }
    }

    @Test func `has nothing without an epoch, of another one, and beyond the head`() async throws {
        try await withRegistry { registry in
            let position = try registry.position
            let head = position.revision.number
            for (query, status) in [
                ("after=\(head)&agent=edge-a", 200),
                ("after=\(head)&epoch=another&agent=edge-a", 410),
                ("after=\(head + 1)&epoch=\(position.epoch)&agent=edge-a", 410),
            ] {
                // What it had before, it hasn't any more.
                try await registry.report("edge-a")
                let answer = try await Self.ask(registry, query)
                #expect(answer.status == status, "\(query)")
                #expect(try await registry.converged() == "0 of 1; edge-a", "\(query)")
            }
        }
    }

    @Test func `wakes whoever waits for it`() async throws {
        try await withRegistry { registry in
            try await registry.report("edge-a", applied: 0)
            async let answer = registry.get("/v1/convergence?wait=300")
            try await registry.waitUntilWaiting()
            let position = try registry.position
            let asked = try await Self.ask(
                registry, "after=\(position.revision)&epoch=\(position.epoch)&agent=edge-a")
            #expect(asked.status == 200)
            #expect(try await answer.convergence == "1 of 1")
        }
    }

    @Test func `follows on where there are too many, and isn't left out in silence`() async throws {
        try await withRegistry(.with { $0.agentLimit = 2 }) { registry in
            let position = try registry.position
            let query = "after=\(position.revision)&epoch=\(position.epoch)&agent="
            try await registry.report("edge-0")
            #expect(try await Self.ask(registry, query + "edge-a").status == 200)
            try await registry.register("new.example.com")
            let followed = try await Self.ask(registry, query + "edge-b")
            #expect(followed.status == 200)
            #expect(followed["changes"]?.array.count == 1)
            #expect(try await registry.converged(at: 0) == "2 of 3; *")
        }
    }

    @Test func `without a name is nobody`() async throws {
        try await withRegistry { registry in
            _ = try await Self.ask(registry, "after=0")
            let nameless = try await Self.ask(registry, "after=0&agent=")
            #expect(nameless.isProblem(400, "invalid-request"))
            #expect(try await registry.converged() == "0 of 0")
        }
    }
}
