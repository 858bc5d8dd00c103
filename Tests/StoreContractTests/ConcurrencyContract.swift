import RegistryModel
import Testing

@Suite("Writers at the same time") struct ConcurrencyContract {
    @Test(arguments: StoreUnderTest.all)
    func `get revisions without gaps, told in order and before the answer`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            let revisions = try await withThrowingTaskGroup(of: [Revision].self) { group in
                for writer in 0..<64 {
                    group.addTask { try await Self.write(as: writer, to: session) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let all = (1...512).map { Revision(Int64($0)) }
            #expect(revisions.sorted() == all)
            #expect(session.observed.value.map(\.revision) == all)
            #expect(try await session.log().map(\.header.revision) == all)
            #expect(try await session.revision() == 512)
        }
    }

    private static func write(
        as writer: Int, to session: StoreSession
    ) async throws -> [Revision] {
        var revisions: [Revision] = []
        for number in 0..<8 {
            let name = "w\(writer)-\(number).example"
            let committed = try await session.commit(new(name))
            let told = session.observed.value.contains { $0.revision == committed.revision }
            #expect(told, "\(name) was answered before the table knew it")
            // A refusal among them takes no revision.
            await #expect(throws: RegistryError.domainTaken(fqdn(name))) {
                try await session.commit(new(name))
            }
            if let last = revisions.last { #expect(committed.revision > last) }
            revisions.append(committed.revision)
        }
        return revisions
    }

    @Test(arguments: StoreUnderTest.all)
    func `race for one name, and exactly one wins`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            for round in 0..<10 {
                let name = "race-\(round).example"
                let wins = await withTaskGroup(of: Bool.self) { group in
                    for racer in 0..<64 {
                        group.addTask {
                            do throws(RegistryError) {
                                try await session.register(name, tenant: "racer-\(racer)")
                                return true
                            } catch {
                                #expect(error == .domainTaken(fqdn(name)))
                                return false
                            }
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(wins == 1)
            }
            let revision = try await session.revision()
            #expect(revision == 10)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `never see time go back, although the clock does`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example")
            session.pass(.seconds(-3_600))
            try await session.register("b.example")
            let again = try await session.reopened()
            again.pass(.seconds(-3_600))
            try await again.register("c.example")
            again.clock.change { $0 = StoreSession.start.adding(.seconds(1)) }
            try await again.register("d.example")
            let times = try await again.log().map(\.header.at)
            let start = StoreSession.start
            #expect(times == [start, start, start, start.adding(.seconds(1))])
            #expect(try await again.store.head().at == start.adding(.seconds(1)))
            await again.store.close()
        }
    }
}
