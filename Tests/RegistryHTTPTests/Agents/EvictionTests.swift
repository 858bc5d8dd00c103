import RegistryModel
import Testing

@testable import RegistryService

@Suite("An evicted agent", .timeLimit(.minutes(15))) struct EvictionTests {
    @Test func `doesn't count, and says who evicted it and why`() async throws {
        try await withRegistry { registry in
            try await registry.report("edge-a", applied: 0)
            try await registry.report("edge-b")
            #expect(try await registry.converged() == "1 of 2; edge-a")
            let head = try await registry.head()
            registry.clock.advance(by: .seconds(1))
            let answer = try await registry.send(
                .DELETE, "/v1/agents/edge-a?reason=scrapped&ticket=OPS-1", as: .role(.operator_))
            #expect(answer.status == 204)
            #expect(try await registry.converged() == "1 of 1")
            #expect(try await registry.get("/v1/agents").items.count == 1)

            let evicted = try await registry.get("/v1/agents?evicted=true").items
            #expect(evicted.count == 1 && evicted[0]["name"]?.text == "edge-a")
            let eviction = evicted[0]["evicted"]
            #expect(eviction?["reason"]?.text == "scrapped")
            #expect(eviction?["ticket"]?.text == "OPS-1")
            #expect(eviction?["at"]?.text == registry.clock.now.description)
            #expect(eviction?["actor"]?["name"]?.text == "test-operator")
            #expect(try await registry.head() == head, "no revision")
            #expect(registry.log.lines.contains { $0.message == "an agent was evicted" })
        }
    }

    @Test func `is unknown to a second eviction, as one is that never was`() async throws {
        try await withRegistry { registry in
            try await registry.report("edge-a")
            #expect(try await registry.send(.DELETE, "/v1/agents/edge-a").status == 204)
            for name in ["edge-a", "nobody", "a%20b"] {
                #expect(
                    try await registry.send(.DELETE, "/v1/agents/\(name)").isProblem(
                        404, "unknown-agent"))
            }
        }
    }

    /// In the very millisecond of its eviction, which is the harder case.
    @Test(arguments: [false, true])
    func `counts again as soon as it reports, also after a restart`(isLate: Bool) async throws {
        try await withRegistry { registry in
            try await registry.report("edge-a")
            try await registry.send(.DELETE, "/v1/agents/edge-a?reason=gone")
            if isLate { registry.clock.advance(by: .seconds(100)) }
            try await registry.report("edge-a")
            #expect(try await registry.converged() == "1 of 1")
            let item = try #require(try await registry.get("/v1/agents").items.first)
            #expect(item["evicted"]?["reason"]?.text == "gone", "its past is still told")
            let again = try await registry.restarted()
            #expect(try await again.convergence(at: .zero, within: .zero).agents == 1)
        }
    }

    @Test func `stays evicted after a restart, whatever was on its way to the disk`() async throws {
        try await withRegistry { registry in
            try await registry.report("edge-a")
            registry.clock.advance(by: .seconds(1))
            try await registry.report("edge-a")
            try await registry.send(.DELETE, "/v1/agents/edge-a")
            try await registry.service.saveAgents()
            let again = try await registry.restarted()
            #expect(try await again.convergence(at: .zero, within: .zero).agents == 0)
            #expect(
                try await again.agents(evicted: true, after: nil, limit: 9).value.items.count == 1)
        }
    }
}
