import RegistryModel
import Testing

@Suite("Releasing a domain") struct ReleaseContract {
    private let name = fqdn("a.example")

    @Test(arguments: StoreUnderTest.all)
    func `keeps its name from everybody until the quarantine ends`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run(quarantine: .seconds(100)) { session in
            try await session.register("a.example")
            #expect(try await session.store.standing(of: name).value == .live)
            session.pass(.seconds(10))
            let committed = try await session.commit(.release(name, ifMatch: nil))
            #expect(committed == Committed(revision: Revision(2), outcome: .released))
            #expect(try await session.live("a.example") == nil)
            #expect(session.observed.value.last?.domains == [.gone(name)])

            let free = StoreSession.start.adding(.seconds(110))
            #expect(try await session.store.standing(of: name).value == .quarantined(until: free))
            session.clock.change { $0 = free.adding(.milliseconds(-1)) }
            await #expect(throws: RegistryError.domainQuarantined(name, availableAt: free)) {
                try await session.register("a.example")
            }
            session.clock.change { $0 = free }
            #expect(try await session.store.standing(of: name).value == .free)
            let again = try await session.register("a.example", at: aws, tenant: "other")
            #expect(again.registeredAt == free)
            #expect(again.revision == Revision(3))
            #expect(try await session.store.standing(of: name).value == .live)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `can be undone, as it was`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(100)) { session in
            try await session.register("a.example", at: aws, tenant: "acme")
            try await session.commit(.change(name, DomainPatch(mode: .readOnly), ifMatch: nil))
            let before = try #require(try await session.live("a.example"))
            try await session.commit(.release(name, ifMatch: nil))
            // Even after the quarantine, as long as nobody has taken the name.
            session.pass(.seconds(200))
            let committed = try await session.commit(.restore(name))
            var expected = before
            expected.revision = Revision(4)
            expected.changedAt = StoreSession.start.adding(.seconds(200))
            #expect(committed == Committed(revision: Revision(4), outcome: .domain(expected)))
            #expect(try await session.live("a.example") == expected)
            let item = try #require(try await session.log(of: Revision(4)).first)
            #expect(
                item.change
                    == Change(
                        .restored,
                        .domain(
                            name, before: nil, after: before.placement,
                            registeredAt: before.registeredAt)))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `can be undone only where it was released`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(100)) { session in
            await #expect(throws: RegistryError.unknownDomain(name)) {
                try await session.commit(.restore(name))
            }
            await #expect(throws: RegistryError.unknownDomain(name)) {
                try await session.commit(.release(name, ifMatch: nil))
            }
            try await session.register("a.example")
            await #expect(throws: RegistryError.domainTaken(name)) {
                try await session.commit(.restore(name))
            }
            try await session.commit(.release(name, ifMatch: nil))
            await #expect(throws: RegistryError.unknownDomain(name)) {
                try await session.commit(.release(name, ifMatch: nil))
            }
            session.pass(.seconds(100))
            try await session.register("a.example")
            await #expect(throws: RegistryError.domainTaken(name)) {
                try await session.commit(.restore(name))
            }
            try await session.commit(.release(name, ifMatch: nil))
            try await session.commit(.restore(name))
            await #expect(throws: RegistryError.domainTaken(name)) {
                try await session.commit(.restore(name))
            }
        }
    }
}
