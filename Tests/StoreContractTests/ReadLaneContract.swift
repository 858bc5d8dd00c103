import RegistryLedger
import RegistryModel
import StoreCore
import Testing

/// What readers do may not hold up what the service itself needs.
@Suite("Reads", .timeLimit(.minutes(10))) struct ReadLaneContract {
    private static func lanes(_ session: StoreSession) throws -> ReadLanes {
        try #require(session.store as? any LanedStore).lanes
    }

    /// Takes every place of some lanes while `body` runs.
    private static func holding(
        _ session: StoreSession, _ held: [ReadLane], _ body: () async throws -> Void
    ) async throws {
        let lanes = try lanes(session)
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in held {
                for _ in 0..<(lanes.limits.places[lane] ?? 0) {
                    group.addTask {
                        try await lanes.run(lane) { () async throws(RegistryError) in
                            await gate.pass()
                        }
                    }
                }
            }
            while !held.allSatisfy({ lanes.running($0) == lanes.limits.places[$0] }) {
                await Task.yield()
            }
            let result = await Result { try await body() }
            gate.open()
            try await group.waitForAll()
            try result.get()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `of the service itself go on while every other connection is taken`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.commit(new("a.example"), key: key("k"))
            try await Self.holding(session, [.quick, .walk]) { () async throws in
                let store = session.store
                #expect(try await store.replay(of: key("k"))?.isReplay == true)
                #expect(try await store.replay(of: key("other")) == nil)
                #expect(try await store.wavesDue().isEmpty)
                #expect(try await store.standing(of: fqdn("a.example")).value == .live)
                #expect(try await store.defaultLocation()?.name == japan)
                #expect(try await store.agents().isEmpty)
                try await store.note(tokenUses: [:])
                #expect(try await store.forgetKeys(atMost: 10) == 0)
                _ = try await store.clocks()
                try await session.register("b.example")
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `along an index go on while others walk`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example", tenant: "t")
            try await session.register("b.example")
            try await session.commit(
                .change(fqdn("b.example"), DomainPatch(mode: .reject), ifMatch: nil))
            let revision = try await session.store.head().revision
            try await Self.holding(session, [.walk]) { () async throws in
                let store = session.store
                #expect(try await store.domain(fqdn("a.example"), at: revision) != nil)
                #expect(try await store.domains(DomainQuery()).value.items.count == 2)
                #expect(
                    try await store.domains(DomainQuery(DomainFilter(tenant: "t"))).value.items
                        .count == 1)
                #expect(
                    try await store.domains(DomainQuery(DomainFilter(tenant: "t")), at: revision)
                        .items.count == 1
                )
                #expect(
                    try await store.domains(DomainQuery(DomainFilter(mode: .reject))).value.items
                        .count == 1)
                #expect(try await store.history(HistoryQuery()).value.items.count == 3)
                #expect(
                    try await store.history(
                        HistoryQuery(action: .updated, location: japan)
                    ).value.items.count == 1)
                #expect(try await store.locations(after: nil, limit: 10).value.items.count == 2)
                #expect(try await store.tokens(after: nil, limit: 10).value.items.isEmpty)
                #expect(try await store.migrations(MigrationQuery()).value.items.isEmpty)
                #expect(try await store.revision(at: StoreSession.start) == revision)
            }
        }
    }

    /// More domains than a quick look and one step see.
    private static func fill(_ session: StoreSession) async throws {
        try await session.commit(
            .registerBatch(
                (0..<6_000).map {
                    .wanted(NewDomain(fqdn: fqdn("n\(10_000 + $0).example"), tenant: "all"))
                }))
    }

    @Test(arguments: StoreUnderTest.all)
    func `that walk wait for their turn, and end with their task`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await Self.fill(session)
            let lanes = try Self.lanes(session)
            let revision = try await session.store.head().revision
            let store = session.store
            let walks: [@Sendable () async throws -> Void] = [
                { _ = try await store.domains(DomainQuery(DomainFilter(mode: .reject))) },
                { _ = try await store.domains(DomainQuery(DomainFilter(location: aws))) },
                { _ = try await store.domains(DomainQuery(DomainFilter(suffix: "none.example"))) },
                { _ = try await store.domains(DomainQuery(DomainFilter(contains: "nowhere"))) },
                {
                    _ = try await store.domains(
                        DomainQuery(DomainFilter(mode: .reject, tenant: "all")))
                },
                {
                    _ = try await store.domains(
                        DomainQuery(DomainFilter(mode: .reject)), at: revision)
                },
                { _ = try await store.domains(DomainQuery(limit: 2_000), at: revision) },
                {
                    _ = try await store.tableChanges(
                        after: .init(revision: .zero, position: .max), through: revision, limit: 10)
                },
                {
                    _ = try await store.domainFlow(
                        after: .init(revision: .zero, position: .max), through: revision, limit: 10)
                },
                { _ = try await store.history(HistoryQuery(limit: 2_000)) },
                { _ = try await store.verify(nil) { _ in } },
            ]
            for walk in walks {
                let before = lanes.steps
                try await Self.holding(session, [.walk]) { () async throws in
                    let task = Task { try await walk() }
                    while lanes.waiting(.walk) == 0 { await Task.yield() }
                    task.cancel()
                    await #expect(throws: RegistryError.overloaded) { try await task.value }
                    #expect(lanes.waiting(.walk) == 0)
                }
                // Nothing was looked at, and nothing goes on.
                #expect(lanes.steps == before && lanes.walks == 0)
                try await walk()
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that walk are bounded, and refused beyond`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await Self.fill(session)
            let lanes = try Self.lanes(session)
            for _ in 0..<lanes.limits.walks { try lanes.beginWalk() }
            await #expect(throws: RegistryError.overloaded) {
                try await session.store.domains(DomainQuery(DomainFilter(mode: .reject)))
            }
            // Those that don't have to walk are none of them.
            #expect(try await session.store.domains(DomainQuery(limit: 5)).value.items.count == 5)
            lanes.endWalk()
            let found = try await session.store.domains(DomainQuery(DomainFilter(mode: .reject)))
            #expect(found.value.items.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `of many rows go in steps of a few thousand`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await Self.fill(session)
            let lanes = try Self.lanes(session)
            let before = lanes.steps
            _ = try await session.store.domains(DomainQuery(DomainFilter(mode: .reject)))
            // 1,500 in the first look, 4,000 and the rest in two steps.
            #expect(lanes.steps >= before + 2)
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
