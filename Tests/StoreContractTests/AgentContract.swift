import RegistryModel
import Testing

@Suite("Agents") struct AgentContract {
    private static let edge = AgentName(canonical: "Edge_osaka-1.a")
    private static let start = StoreSession.start

    private static func seen(
        _ name: AgentName = edge, after seconds: Int64 = 0, applied revision: Int64? = nil
    ) -> AgentRecord {
        let time = start.adding(.seconds(seconds))
        return AgentRecord(
            name: name,
            applied: revision.map { Position(epoch: Epoch("e"), revision: Revision($0)) },
            firstSeen: time, lastSeen: time)
    }

    private static func eviction(after seconds: Int64, reason: String? = nil) -> Eviction {
        Eviction(
            at: start.adding(.seconds(seconds)), actor: .tester,
            note: Note(reason: reason, ticket: nil))
    }

    @Test(arguments: StoreUnderTest.all)
    func `are kept by name, and are no revision`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            #expect(try await session.store.agents().isEmpty)
            let others = ["b", "B", "a-1"].map { Self.seen(AgentName(canonical: $0)) }
            try await session.store.note(others + [Self.seen(applied: 7)])
            #expect(
                try await session.store.agents().map(\.name.text)
                    == ["B", "Edge_osaka-1.a", "a-1", "b"], "octet by octet")
            let reopened = try await session.reopened()
            let kept = try await reopened.store.agents()
            #expect(kept.contains(Self.seen(applied: 7)) && kept.contains(others[0]))
            #expect(try await reopened.revision() == 0)
            await reopened.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are noted as they were seen last`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.store.note([Self.seen(after: 5, applied: 7)])
            try await session.store.note([Self.seen(after: 9, applied: 3)])
            var expected = Self.seen(after: 5, applied: 3)
            expected.lastSeen = Self.start.adding(.seconds(9))
            #expect(try await session.store.agents() == [expected])
            try await session.store.note([Self.seen(after: 9, applied: 8)])
            try await session.store.note([Self.seen(after: 4, applied: 9)])
            #expect(try await session.store.agents() == [expected], "neither is later")
            try await session.store.note([Self.seen(after: 10)])
            #expect(try await session.store.agents().map(\.applied) == [nil])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are evicted until they are seen again, and who did it stays`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.store.note([Self.seen(after: 5, applied: 7)])
            let first = Self.eviction(after: 6, reason: "scrapped")
            try await session.store.evict(Self.edge, first)
            var agent = try #require(try await session.store.agents().first)
            #expect(agent.isEvicted && agent.eviction == first)
            await #expect(throws: RegistryError.unknownAgent(Self.edge.text)) {
                try await session.store.evict(Self.edge, Self.eviction(after: 7))
            }
            // One that was on its way to the disk.
            try await session.store.note([Self.seen(after: 6, applied: 8)])
            agent = try #require(try await session.store.agents().first)
            #expect(agent.isEvicted)

            try await session.store.note([Self.seen(after: 8, applied: 9)])
            agent = try #require(try await session.store.agents().first)
            #expect(!agent.isEvicted && agent.eviction == first)

            let second = Self.eviction(after: 2)
            try await session.store.evict(Self.edge, second)
            agent = try #require(try await session.store.agents().first)
            #expect(agent.isEvicted, "a clock that went back doesn't matter")
            #expect(agent.eviction?.at == agent.lastSeen)
            #expect(agent.eviction?.note.reason == nil)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that nobody knows can't be evicted`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            await #expect(throws: RegistryError.unknownAgent(Self.edge.text)) {
                try await session.store.evict(Self.edge, Self.eviction(after: 7))
            }
            let agents = try await session.store.agents()
            #expect(agents.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are asked for the very freeze that is in force`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example.com")
            let planned = try await session.commit(
                .planMigration(
                    MigrationPlan(
                        id: "m", name: "m", from: japan, to: aws,
                        selection: .names([fqdn("a.example.com")]), freeze: .reject)))
            guard case .migration(let migration) = planned.outcome else {
                throw RegistryError.inconsistent
            }
            var agreement = WaveAgreement(planDigest: migration.digestText, expectedCount: 1)
            let freeze = Command.waveStep(
                WaveStep(.freeze(agreement, deadline: .seconds(60)), migration: "m", wave: 1))
            func cutOver() async throws(RegistryError) {
                try await session.commit(
                    .waveStep(WaveStep(.cutOver(agreement), migration: "m", wave: 1)))
            }
            let first = try await session.commit(freeze).revision
            try await session.commit(.waveStep(WaveStep(.thaw, migration: "m", wave: 1)))
            let second = try await session.commit(freeze).revision

            agreement.appliedFreeze = first
            await #expect(throws: RegistryError.frozenAnew(wave: 1)) { try await cutOver() }
            #expect(try await session.live("a.example.com")?.placement.location == japan)
            agreement.appliedFreeze = second
            try await cutOver()
            #expect(try await session.live("a.example.com")?.placement.location == aws)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `have no freeze to apply where a wave isn't frozen`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example.com")
            let planned = try await session.commit(
                .planMigration(
                    MigrationPlan(
                        id: "m", name: "m", from: japan, to: aws,
                        selection: .names([fqdn("a.example.com")]))))
            guard case .migration(let migration) = planned.outcome else {
                throw RegistryError.inconsistent
            }
            var agreement = WaveAgreement(planDigest: migration.digestText, expectedCount: 1)
            agreement.appliedFreeze = .zero
            let step = WaveStep(.cutOver(agreement), migration: "m", wave: 1)
            await #expect(throws: RegistryError.noFreeze(wave: 1, .planned)) {
                try await session.commit(.waveStep(step))
            }
            #expect(try await session.live("a.example.com")?.placement.location == japan)
        }
    }
}
