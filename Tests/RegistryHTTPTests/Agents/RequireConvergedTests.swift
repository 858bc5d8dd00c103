import RegistryModel
import Testing

@testable import RegistryService

@Suite("A cutover that requires convergence", .timeLimit(.minutes(15)))
struct RequireConvergedTests {
    private static let names = ["a.example.com", "b.example.com"]

    private static func cutOver(
        _ migration: TestMigration, _ registry: RunningRegistry, _ body: String? = nil
    ) async throws -> Answer {
        try await registry.post(
            migration.path("cutover?require=converged"), as: .role(.operator_),
            body ?? migration.agreement())
    }

    @Test func `moves nothing while an agent hasn't the freeze, and names those`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            for name in ["edge-a", "edge-b", "edge-c"] { try await registry.report(name) }
            try await registry.freeze(migration)
            try await registry.report("edge-b")
            let head = try await registry.head()
            let refused = try await Self.cutOver(migration, registry)
            #expect(refused.isProblem(409, "not-converged"))
            #expect(refused["lagging"]?.array.compactMap(\.text) == ["edge-a", "edge-c"])
            #expect(
                refused["detail"]?.text
                    == "2 of 3 agents aren't known to have applied the freeze")
            #expect(try await registry.head() == head)
            #expect(try await registry.states(of: migration) == "running: frozen")

            try await registry.report("edge-a", applied: head - 1)
            try await registry.report("edge-c")
            #expect(
                try await Self.cutOver(migration, registry)["lagging"]?.array.compactMap(\.text)
                    == ["edge-a"])
            try await registry.report("edge-a")
            // Writes after the freeze are nothing that it waits for.
            try await registry.register("later.example.com")
            #expect(try await Self.cutOver(migration, registry).status == 200)
            #expect(try await registry.places(Self.names) == ["aws serve", "aws serve"])
        }
    }

    @Test func `doesn't take the word of one that has fallen silent`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            try await registry.freeze(migration)
            try await registry.report("edge-a")
            registry.clock.advance(by: .seconds(61))
            #expect(try await Self.cutOver(migration, registry).isProblem(409, "not-converged"))
            try await registry.send(.DELETE, "/v1/agents/edge-a")
            #expect(try await Self.cutOver(migration, registry).status == 200)
        }
    }

    @Test func `asks the agents again about a freeze that came after a thaw`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            try await registry.freeze(migration)
            try await registry.report("edge-a")
            try await registry.succeed(migration.path("thaw"))
            try await registry.freeze(migration)
            #expect(try await Self.cutOver(migration, registry).isProblem(409, "not-converged"))
            try await registry.report("edge-a")
            #expect(try await Self.cutOver(migration, registry).status == 200)
        }
    }

    @Test func `is refused where there is no freeze`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names)
            let answer = try await Self.cutOver(migration, registry)
            #expect(answer.isProblem(409, "wrong-state"))
            #expect(answer["state"]?.text == "planned")
            #expect(try await registry.places(Self.names) == ["japan serve", "japan serve"])
        }
    }

    @Test func `hears first of another plan than the one that was reviewed`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            try await registry.report("edge-a")
            try await registry.freeze(migration)
            let stale = #"{"plan_digest":"\#(migration.digest)","expected_count":3}"#
            #expect(
                try await Self.cutOver(migration, registry, stale).isProblem(
                    412, "plan-mismatch"))
        }
    }
}
