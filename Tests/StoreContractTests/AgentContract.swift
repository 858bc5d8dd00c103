import RegistryModel
import Testing

@Suite("Agents") struct AgentContract {
    private static let edge = AgentName(canonical: "Edge_osaka-1.a")
    private static let start = StoreSession.start

    private static let epoch = Epoch("e")

    private static func report(
        _ name: AgentName = edge, applied revision: Int64? = nil, _ epoch: Epoch = epoch,
        age: Duration = .zero, follows: Timestamp? = nil
    ) -> AgentReport {
        AgentReport(
            name, applied: revision.map { Position(epoch: epoch, revision: Revision($0)) },
            age: { age }, follows: follows)
    }

    private static func time(_ seconds: Int64) -> Timestamp { start.adding(.seconds(seconds)) }

    @Test(arguments: StoreUnderTest.all)
    func `are kept by name, and are no revision`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            #expect(try await session.store.agents().isEmpty)
            let reports = ["b", "B", "a-1"].map { Self.report(AgentName(canonical: $0)) }
            let sightings = try await session.note(reports + [Self.report(applied: 7)])
            #expect(sightings.count == 4 && Set(sightings.values) == [Self.start])
            #expect(
                try await session.store.agents().map(\.name.text)
                    == ["B", "Edge_osaka-1.a", "a-1", "b"], "byte by byte")
            let reopened = try await session.reopened()
            let kept = try await reopened.store.agents()
            #expect(
                kept.map { $0.applied?.revision.number } == [nil, 7, nil, nil]
                    && kept.map(\.firstSeen) == kept.map(\.lastSeen))
            #expect(try await reopened.revision() == 0)
            await reopened.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `were seen when they spoke, not when it's written, by the store's clock`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            session.pass(.seconds(100))
            let first = try await session.note([Self.report(applied: 1, age: .seconds(40))])
            #expect(first == [Self.edge: Self.time(60)])
            let next = try await session.note([
                Self.report(applied: 2, age: .seconds(10), follows: Self.time(60))
            ])
            #expect(next == [Self.edge: Self.time(90)])
            let agent = try #require(try await session.store.agents().first)
            #expect(agent.firstSeen == Self.time(60) && agent.lastSeen == Self.time(90))
            #expect(agent.applied?.revision == Revision(2))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are heard by one node at a time: what another heard before changes nothing`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let first = try #require(
                try await session.note([Self.report(applied: 7)])[Self.edge])
            // It has come to another node, with less.
            session.pass(.seconds(1))
            let second = try #require(
                try await session.note([Self.report(applied: 5)])[Self.edge])
            session.pass(.seconds(1))
            let late = try await session.note([Self.report(applied: 8, follows: first)])
            #expect(late.isEmpty)
            #expect(try await session.applied() == 5)
            let next = try await session.note([Self.report(applied: 9, follows: second)])
            #expect(next.count == 1)
            #expect(try await session.applied() == 9)
            let nothing = try await session.note([
                Self.report(follows: next[Self.edge])
            ])
            #expect(nothing.count == 1)
            #expect(try await session.applied() == nil)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `have a sighting of its own for each report, whatever the clock says`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            var sightings: [Timestamp] = []
            for revision in 1...3 {
                sightings += try await session.note([
                    Self.report(applied: Int64(revision), follows: sightings.last)
                ]).values
            }
            sightings += try await session.note([Self.report(applied: 4)]).values
            #expect(sightings.count == 4 && Set(sightings).count == 4)
            #expect(try await session.applied() == 4)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are evicted until they are seen again, and who did it stays`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let seen = try await session.note([Self.report(applied: 7)])[Self.edge]
            session.pass(.seconds(5))
            let first = try await session.evict(Self.edge, "scrapped")
            var agent = try #require(try await session.store.agents().first)
            #expect(agent.isEvicted && agent.eviction == first)
            #expect(first.at == Self.time(5) && first.actor == .tester)
            #expect(first.note.reason == "scrapped")
            await #expect(throws: RegistryError.unknownAgent(Self.edge.text)) {
                try await session.evict(Self.edge)
            }
            session.pass(.seconds(5))
            // One that was on its way to the disk.
            let late = try await session.note([
                Self.report(applied: 8, age: .seconds(5), follows: seen)
            ])
            #expect(late.isEmpty)
            agent = try #require(try await session.store.agents().first)
            #expect(agent.isEvicted && agent.applied?.revision == Revision(7))

            // What it has said since, its node not knowing of the eviction.
            let back = try await session.note([
                Self.report(applied: 9, age: .seconds(4), follows: seen)
            ])
            #expect(back == [Self.edge: Self.time(6)])
            agent = try #require(try await session.store.agents().first)
            #expect(!agent.isEvicted && agent.eviction == first)

            session.pass(.seconds(-8))
            _ = try await session.evict(Self.edge)
            agent = try #require(try await session.store.agents().first)
            #expect(agent.isEvicted, "a clock that went back doesn't matter")
            #expect(agent.eviction?.at == agent.lastSeen)
            #expect(agent.eviction?.note.reason == nil)
            _ = try await session.note([Self.report(applied: 9)])
            agent = try #require(try await session.store.agents().first)
            #expect(!agent.isEvicted, "nor does it here")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that nobody knows can't be evicted`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            await #expect(throws: RegistryError.unknownAgent(Self.edge.text)) {
                try await session.evict(Self.edge)
            }
            let agents = try await session.store.agents()
            #expect(agents.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `can't be more than there is room for`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let names = ["a", "b", "c", "d"].map { AgentName(canonical: $0) }
            let taken = try await session.store.note(names.map { Self.report($0) }, limit: 3)
            #expect(taken.count == 3)
            let again = try await session.store.note(names.map { Self.report($0) }, limit: 3)
            #expect(Set(again.keys) == Set(taken.keys), "those that are there go on")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `leave their place when they are evicted, and may always come back`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let names = ["a", "b", "c"].map { AgentName(canonical: $0) }
            func note(_ name: AgentName) async throws -> Bool {
                !(try await session.store.note([Self.report(name)], limit: 2)).isEmpty
            }
            #expect(try await note(names[0]))
            #expect(try await note(names[1]))
            #expect(try await !note(names[2]))
            _ = try await session.evict(names[0])
            #expect(try await note(names[2]))
            #expect(try await note(names[0]), "it was here before")
            #expect(try await session.store.agents().count == 3)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are forgotten when they're evicted and long silent, and no others`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let (gone, back, alive) = (
                AgentName(canonical: "a"), AgentName(canonical: "b"), AgentName(canonical: "c")
            )
            _ = try await session.note([gone, back, alive].map { Self.report($0) })
            _ = try await session.evict(gone)
            _ = try await session.evict(back)
            session.pass(.seconds(99))
            #expect(try await session.store.forgetAgents(silentFor: .seconds(100)).isEmpty)
            _ = try await session.note([Self.report(back)])
            session.pass(.seconds(2))
            #expect(try await session.store.forgetAgents(silentFor: .seconds(100)) == [gone])
            #expect(try await session.store.agents().map(\.name) == [back, alive])
            _ = try await session.note([Self.report(gone)])
            #expect(try await session.store.agents().count == 3)
            #expect(try await session.store.agents().first?.eviction == nil)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `of all nodes are judged by the store's clock, where several share it`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            guard let store = session.store as? any SharedStore else { return }
            let (a, b, c, d, e) = ("a", "b", "c", "d", "e")
            func named(_ name: String) -> AgentName { AgentName(canonical: name) }
            func judged() async throws -> String {
                let found = try await store.convergence(
                    at: Position(epoch: Self.epoch, revision: Revision(7)), lease: .seconds(60))
                #expect(found.agents - found.converged == found.lagging.count)
                return "\(found.converged) of \(found.agents) "
                    + found.lagging.map(\.text).joined()
            }
            #expect(try await judged() == "0 of 0 ")
            session.pass(.seconds(100))
            _ = try await session.note([
                Self.report(named(a), applied: 7), Self.report(named(b), applied: 6),
                Self.report(named(c), applied: 8, Epoch("other")), Self.report(named(d)),
                Self.report(named(e), applied: 9, age: .seconds(60)),
            ])
            #expect(try await judged() == "2 of 5 bcd")
            session.pass(.milliseconds(1))
            #expect(try await judged() == "1 of 5 bcde")
            for name in [b, c, d, e] {
                _ = try await store.evict(named(name), by: .tester, Note(), idempotency: nil)
            }
            #expect(try await judged() == "1 of 1 ")
            _ = try await session.note([Self.report(named(b), applied: 7)])
            #expect(try await judged() == "2 of 2 ")
            // A sighting of a clock that was far ahead.
            session.pass(.seconds(-61))
            #expect(try await judged() == "0 of 2 ab")
            let roll = try await store.agentRoll()
            #expect(roll.time == session.clock.value && roll.agents.count == 5)
        }
    }
}

extension StoreSession {
    fileprivate func note(_ reports: [AgentReport]) async throws -> [AgentName: Timestamp] {
        try await store.note(reports, limit: 100)
    }

    fileprivate func evict(
        _ agent: AgentName, _ reason: String? = nil
    ) async throws -> Eviction {
        try #require(
            try await store.evict(agent, by: .tester, Note(reason: reason), idempotency: nil))
    }

    /// What the only agent has.
    fileprivate func applied() async throws -> Int64? {
        try await store.agents().first?.applied?.revision.number
    }
}
