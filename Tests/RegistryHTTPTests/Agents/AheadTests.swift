import Foundation
import RegistryModel
import RegistryService
import Testing

@Suite("An agent that has more than the log", .timeLimit(.minutes(15))) struct AheadTests {
    private static func put(
        _ registry: RunningRegistry, _ name: String, _ revision: Int64
    ) async throws -> Answer {
        let epoch = try registry.position.epoch
        return try await registry.send(
            .PUT, "/v1/agents/\(name)", as: .role(.reader),
            json: #"{"epoch":"\#(epoch)","revision":\#(revision)}"#)
    }

    private static func ahead(_ registry: RunningRegistry) async throws -> [String] {
        try await registry.get("/v1/agents").items.compactMap { item in
            item["ahead"].map { "\(item["name"]?.text ?? "") \($0.number ?? -1)" }
        }
    }

    private static func count(_ registry: RunningRegistry) async throws -> Int64? {
        let answer = try await registry.get("/readyz?verbose")
        #expect(answer.status == 200, "it goes on serving")
        return answer["agents_ahead"]?.number
    }

    @Test func `is told of, in the log once, and has nothing`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            #expect(try await Self.count(registry) == 0)
            for _ in 0..<3 {
                #expect(try await Self.put(registry, "edge-a", head + 5).isProblem(410, "resync"))
            }
            #expect(try await Self.put(registry, "edge-b", head + 9).isProblem(410, "resync"))
            #expect(try await Self.count(registry) == 2)
            #expect(try await Self.ahead(registry) == ["edge-a \(head + 5)", "edge-b \(head + 9)"])
            #expect(try await registry.converged() == "0 of 2; edge-a edge-b")
            let told = registry.log.lines.filter { $0.metadata["agent_revision"] != nil }
            #expect(told.map(\.level) == [.error, .error])
            #expect(told.compactMap { $0.metadata["agent"] } == ["edge-a", "edge-b"])
            // The next start reads it.
            let kept = try await registry.service.store.agents().map(\.ahead?.revision.number)
            #expect(kept == [head + 5, head + 9])
        }
    }

    @Test func `is told of until it's evicted, whatever it says and the log does`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            _ = try await Self.put(registry, "edge-a", head + 1)
            try await registry.register("a.example.com")
            try await registry.register("b.example.com")
            #expect(try await registry.converged() == "0 of 1; edge-a", "it wasn't this revision")
            #expect(try await Self.put(registry, "edge-a", head + 2).status == 200)
            #expect(try await registry.converged() == "1 of 1", "as any agent")
            #expect(try await Self.count(registry) == 1)
            #expect(try await registry.send(.DELETE, "/v1/agents/edge-a").status == 204)
            #expect(try await Self.put(registry, "edge-a", head + 2).status == 200)
            #expect(try await Self.ahead(registry) == [])
            #expect(try await registry.service.store.agents().map(\.ahead) == [nil])
            _ = try await Self.put(registry, "edge-a", head + 3)
            #expect(try await Self.ahead(registry) == ["edge-a \(head + 3)"], "it's news again")
        }
    }

    @Test func `by the feed's old way of reporting is told of as well`() async throws {
        try await withRegistry { registry in
            let (epoch, head) = (try registry.position.epoch, try await registry.head())
            let answer = try await registry.get(
                "/v1/changes?after=\(head + 1)&epoch=\(epoch)&agent=edge-a")
            #expect(answer.isProblem(410, "resync"))
            #expect(try await Self.count(registry) == 1)
        }
    }

    @Test func `is nobody's word where it came without a token`() async throws {
        let settings = RegistrySettings.with { $0.http.allowsAnonymousReads = true }
        try await withRegistry(settings) { registry in
            let (epoch, head) = (try registry.position.epoch, try await registry.head())
            let put = try await registry.send(
                .PUT, "/v1/agents/edge-a", as: .nobody,
                json: #"{"epoch":"\#(epoch)","revision":\#(head + 5)}"#)
            #expect(put.isProblem(410, "resync"))
            let get = try await registry.get(
                "/v1/changes?after=\(head + 1)&epoch=\(epoch)&agent=edge-b", as: .nobody)
            #expect(get.isProblem(410, "resync"))
            #expect(try await Self.count(registry) == 0)
            #expect(try await registry.service.store.agents().map(\.ahead) == [nil, nil])
            #expect(try await Self.put(registry, "edge-a", head + 5).isProblem(410, "resync"))
            #expect(try await Self.count(registry) == 1, "the same with one")
        }
    }

    @Test func `is none where it's this node that is behind another one`() async throws {
        let settings = RegistrySettings.with {
            $0.engine = .postgres
            $0.followsOthers = false
            $0.http.revisionWait = .milliseconds(50)
        }
        try await withRegistry(settings) { registry in
            let other = try await TestStore.anotherNode(of: registry)
            let committed = try await other.commit(
                CommitRequest(
                    .register(NewDomain(fqdn: FQDN(canonical: "a.example"))),
                    by: Actor(token: "t", name: "t", role: .admin), requestID: "r"))
            let early = try await Self.put(registry, "edge-a", committed.revision.number)
            #expect(early.isProblem(504, "revision-not-reached"))
            // Also where nobody has waited for the node.
            let edge = try #require(AgentName("edge-a"))
            let position = Position(
                epoch: try registry.position.epoch, revision: committed.revision)
            try await registry.service.report(edge, applied: position, by: .token(.reader))
            #expect(try await Self.count(registry) == 0)
            #expect(try await registry.service.store.agents().map(\.ahead) == [nil])
            #expect(registry.log.lines.allSatisfy { $0.metadata["agent_revision"] == nil })
            _ = try await Self.put(registry, "edge-a", committed.revision.number + 1)
            #expect(try await Self.count(registry) == 1, "that's in no node's log")
            await other.close()
        }
    }
}
