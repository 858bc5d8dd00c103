import RegistryModel
import Testing

@testable import RegistryService

@Suite("Agents", .timeLimit(.minutes(15))) struct AgentListTests {
    @Test func `are listed by name, with what they have and how far behind they are`() async throws
    {
        try await withRegistry { registry in
            #expect(try await registry.get("/v1/agents").items.isEmpty)
            try await registry.register("a.example.com")
            try await registry.register("b.example.com")
            let head = try await registry.head()
            try await registry.report("edge-b", applied: head - 1)
            try await registry.report("edge-a")
            let answer = try await registry.get("/v1/agents", as: .role(.auditor))
            #expect(answer.agents == ["edge-a \(head) 0", "edge-b \(head - 1) 1"])
            #expect(answer.items[0]["last_seen"]?.text == registry.clock.now.description)
            #expect(try await registry.head() == head, "no revision")
        }
    }

    @Test func `turn pages by name`() async throws {
        try await withRegistry { registry in
            for name in ["c", "a", "b", "B", "d"] { try await registry.report(name) }
            var (names, target): ([String], String?) = ([], "/v1/agents?limit=2")
            while let next = target {
                let answer = try await registry.get(next)
                names += answer.items.compactMap { $0["name"]?.text }
                target = answer["next_cursor"]?.text.map { "/v1/agents?limit=2&cursor=\($0)" }
            }
            #expect(names == ["B", "a", "b", "c", "d"])
            #expect(
                try await registry.get("/v1/agents?cursor=Pz8").isProblem(400, "invalid-cursor"))
        }
    }

    @Test func `lag when their lease is over, until they are heard of again`() async throws {
        try await withRegistry { registry in
            try await registry.report("edge-a")
            registry.clock.advance(by: .seconds(60))
            let head = try await registry.head()
            #expect(try await registry.get("/v1/agents").agents == ["edge-a \(head) 0"])
            #expect(try await registry.converged() == "1 of 1")
            registry.clock.advance(by: .milliseconds(1))
            #expect(try await registry.get("/v1/agents").agents == ["edge-a \(head) 0 lagging"])
            #expect(try await registry.converged() == "0 of 1; edge-a")
            try await registry.report("edge-a")
            #expect(try await registry.converged() == "1 of 1")
        }
    }

    @Test func `have a lease of real time, whatever is done to the clock on the wall`() throws {
        let life = SettableClock()
        let agents = AgentDirectory(uptime: { life.uptime })
        let (noon, hour) = (SettableClock().now.adding(.days(1)), Duration.seconds(3600))
        let edge = try #require(AgentName("edge-a"))
        let position = Position(epoch: Epoch("e"), revision: Revision(1))
        for wall in [noon, noon.adding(.zero - hour), noon.adding(hour)] {
            _ = try agents.report(edge, applied: position, at: wall)
            life.advance(by: .seconds(60))
            #expect(agents.convergence(at: position).isWhole)
            life.advance(by: .milliseconds(1))
            #expect(agents.convergence(at: position).lagging == [edge])
        }
    }

    @Test func `have nothing of another epoch, and nothing beyond the head`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let head = try registry.position
            let edge = try #require(AgentName("edge-a"))
            for applied in [
                nil, Position(epoch: Epoch("another"), revision: head.revision),
                Position(epoch: head.epoch, revision: head.revision.next),
            ] {
                try await registry.service.report(edge, applied: applied, by: .token(.reader))
                #expect(try await registry.converged() == "0 of 1; edge-a")
                #expect(
                    try await registry.get("/v1/agents").agents
                        == ["edge-a 0 \(head.revision)"])
            }
            try await registry.report("edge-a")
            #expect(try await registry.converged() == "1 of 1")
        }
    }

    @Test func `go back where they say so`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            try await registry.report("edge-a")
            try await registry.report("edge-a", applied: head - 1)
            #expect(try await registry.converged() == "0 of 1; edge-a")
            #expect(try await registry.converged(at: head - 1) == "1 of 1")
        }
    }

    @Test func `that were known before a restart lag until they report, where one node keeps them`()
        async throws
    {
        try await withRegistry { registry in
            try await registry.report("edge-a")
            try await registry.report("edge-b")
            let again = try await registry.restarted()
            let head = try again.position().revision
            let before = try await again.convergence(at: head, within: .zero)
            let listed = try await again.agents(evicted: false, after: nil, limit: 9).value.items
            #expect(before.agents == 2)
            #expect(listed.map(\.revision) == [head, head], "what they had is shown")
            guard !(registry.service.store is any SharedStore) else {
                // Their word is all nodes' own, for as long as its lease.
                #expect(before.converged == 2 && listed.map(\.isLagging) == [false, false])
                registry.clock.advance(by: .milliseconds(60_001))
                let after = try await again.convergence(at: head, within: .zero)
                #expect(after.converged == 0 && after.lagging.count == 2)
                return
            }
            #expect(before.converged == 0 && before.lagging.map(\.text) == ["edge-a", "edge-b"])
            #expect(listed.map(\.isLagging) == [true, true])

            try await again.report(
                try #require(AgentName("edge-a")), applied: try again.position(),
                by: .token(.reader))
            let after = try await again.convergence(at: head, within: .zero)
            #expect(after.lagging.map(\.text) == ["edge-b"])
        }
    }

    @Test func `have their last word written down now and then`() async throws {
        try await withRegistry { registry in
            try await registry.report("edge-a")
            try await registry.register("a.example.com")
            registry.clock.advance(by: .seconds(9))
            try await registry.report("edge-a")
            let stored = try await registry.service.store.agents()
            let now = try registry.position
            #expect(stored.map { $0.applied?.revision.next } == [now.revision], "the first one")
            try await registry.service.saveAgents()
            let saved = try #require(try await registry.service.store.agents().first)
            #expect(saved.applied == now)
            #expect(saved.lastSeen == registry.clock.now)
            #expect(saved.firstSeen == registry.clock.now.adding(.seconds(-9)))
        }
    }

    @Test func `can't be more than there is room for, and those that are there go on`() async throws
    {
        try await withRegistry(.with { $0.agentLimit = 2 }) { registry in
            try await registry.report("a")
            try await registry.report("b")
            await #expect(throws: RegistryError.tooManyAgents(limit: 2)) {
                try await registry.report("c")
            }
            try await registry.report("a")
            // There may be a copy that nobody has written down.
            #expect(try await registry.converged() == "2 of 3; *")
            try await registry.send(.DELETE, "/v1/agents/b")
            #expect(
                try await registry.converged() == "1 of 2; *",
                "until it has had the time to say it again")
            try await registry.report("c")
            registry.clock.advance(by: .seconds(61))
            try await registry.send(.DELETE, "/v1/agents/c")
            try await registry.report("a")
            #expect(try await registry.converged() == "1 of 1")
        }
    }

    @Test func `are forgotten a week after their eviction`() async throws {
        try await withRegistry { registry in
            try await registry.report("a")
            try await registry.report("b")
            try await registry.send(.DELETE, "/v1/agents/a")
            registry.clock.advance(by: .seconds(7 * 24 * 3600 - 1))
            try await registry.service.forgetAgents()
            #expect(try await registry.get("/v1/agents?evicted=true").items.count == 1)
            registry.clock.advance(by: .seconds(2))
            try await registry.service.forgetAgents()
            #expect(try await registry.get("/v1/agents?evicted=true").items.isEmpty)
            #expect(try await registry.get("/v1/agents").items.count == 1)
        }
    }

    @Test(arguments: [
        "", "a b", "ä", "a/b", "a\n", String(repeating: "a", count: 101),
    ])
    func `have plain names`(text: String) {
        #expect(AgentName(text) == nil)
    }
}
