import RegistryModel
import Testing

@testable import RegistryService

@Suite("An agent that says what it has", .timeLimit(.minutes(15))) struct PutReportTests {
    private static func put(
        _ registry: RunningRegistry, _ name: String, _ body: String, as role: Role = .reader
    ) async throws -> Answer {
        try await registry.send(.PUT, "/v1/agents/\(name)", as: .role(role), json: body)
    }

    @Test func `is told the head, and counts`() async throws {
        try await withRegistry { registry in
            let position = try registry.position
            let (epoch, head) = (position.epoch, position.revision.number)
            let first = try await Self.put(registry, "edge-a", "{}")
            #expect(first.status == 200 && first["head"]?.number == head)
            #expect(try await registry.converged() == "0 of 1; edge-a")
            let second = try await Self.put(
                registry, "edge-a", #"{"epoch":"\#(epoch)","revision":\#(head)}"#)
            #expect(second.status == 200)
            #expect(try await registry.converged() == "1 of 1")
            #expect(try await registry.service.store.agents().count == 1)
        }
    }

    @Test func `has nothing of another epoch, and beyond the head, and is told so`() async throws {
        try await withRegistry { registry in
            let position = try registry.position
            let head = position.revision.number
            for body in [
                #"{"epoch":"another","revision":\#(head)}"#,
                #"{"epoch":"\#(position.epoch)","revision":\#(head + 1)}"#,
            ] {
                try await registry.report("edge-a")
                let answer = try await Self.put(registry, "edge-a", body)
                #expect(answer.isProblem(410, "resync"))
                #expect(try await registry.converged() == "0 of 1; edge-a")
            }
        }
    }

    @Test(arguments: [
        #"{"epoch":"e"}"#, #"{"revision":1}"#, #"{"epoch":"","revision":1}"#,
        #"{"epoch":"e","revision":-1}"#, #"{"epoch":"e","revision":"1"}"#, #"{"x":1}"#,
    ])
    func `is refused where it doesn't say it right`(body: String) async throws {
        try await withRegistry { registry in
            let answer = try await Self.put(registry, "edge-a", body)
            #expect([400, 422].contains(answer.status))
            for name in ["edge%20a", ".", "%2e%2E", ".."] {
                let answer = try await Self.put(registry, name, "{}")
                #expect(answer.isProblem(400, "invalid-request"), "\(name)")
            }
            let feed = try await registry.get("/v1/changes?after=0&agent=..")
            #expect(feed.complaints == ["?agent invalid"])
            #expect(try await registry.converged() == "0 of 0")
        }
    }

    @Test func `is refused where there's no room, those that are here are not`() async throws {
        try await withRegistry(.with { $0.agentLimit = 1 }) { registry in
            #expect(try await Self.put(registry, "edge-a", "{}").status == 200)
            #expect(
                try await Self.put(registry, "edge-b", "{}").isProblem(409, "too-many-agents"))
            #expect(try await Self.put(registry, "edge-a", "{}").status == 200)
            #expect(try await registry.converged() == "0 of 2; * edge-a")
            try await registry.send(.DELETE, "/v1/agents/edge-a")
            #expect(try await Self.put(registry, "edge-b", "{}").status == 200)
            // One that was here before has a place, whatever has come since.
            #expect(try await Self.put(registry, "edge-a", "{}").status == 200)
        }
    }
}
