import RegistryModel
import Testing

@Suite("Locations") struct LocationContract {
    @Test(arguments: StoreUnderTest.all)
    func `begin with japan as the default, and aws`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let read = try await session.store.locations(after: nil, limit: 10)
            #expect(read.value.items.map(\.name) == [aws, japan])
            #expect(read.value.items.map(\.settings.isDefaultForSignups) == [false, true])
            #expect(read.value.items.allSatisfy { $0.revision == .zero })
            #expect(read.revision == .zero)
            let page = try await session.store.locations(after: aws, limit: 10).value
            #expect(page.items.map(\.name) == [japan])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are made and changed, each once in the log`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let osaka = LocationName(canonical: "osaka")
            let first = settings("http://osaka")
            let made = try await session.commit(.putLocation(osaka, first))
            #expect(
                made.outcome
                    == .location(
                        Location(name: osaka, settings: first, revision: Revision(1)), isNew: true))
            #expect(session.observed.value.last?.locations.count == 1)
            let same = try await session.commit(.putLocation(osaka, first))
            #expect(same.revision == Revision(1), "nothing changed")
            let second = settings("http://osaka/2", signups: false)
            let changed = try await session.commit(.putLocation(osaka, second))
            #expect(
                changed.outcome
                    == .location(
                        Location(name: osaka, settings: second, revision: Revision(2)), isNew: false
                    ))
            let changes = try await session.log().map(\.change)
            #expect(
                changes == [
                    Change(.locationChanged, .location(osaka, before: nil, after: first)),
                    Change(.locationChanged, .location(osaka, before: first, after: second)),
                ])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `pass the mark of the default on, in one revision and two lines`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            try await session.commit(.putLocation(aws, settings(isDefault: true)))
            let items = try await session.log(of: Revision(1))
            #expect(items.map(\.position) == [0, 1])
            let effects = try #require(session.observed.value.first)
            #expect(effects.locations.count == 2)
            let all = try await session.store.locations(after: nil, limit: 10).value.items
            #expect(all.map(\.settings.isDefaultForSignups) == [true, false])
            #expect(all.map(\.revision) == [Revision(1), Revision(1)])
            #expect(try await session.register("a.example").location == aws)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `always have a default`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            await #expect(throws: RegistryError.defaultLocationRequired(japan)) {
                try await session.commit(.putLocation(japan, settings()))
            }
            await #expect(throws: RegistryError.defaultLocationRequired(japan)) {
                try await session.commit(.deleteLocation(japan))
            }
            let revision = try await session.revision()
            #expect(revision == 0)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are deleted only when nobody needs them`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(100)) { session in
            await #expect(throws: RegistryError.locationNotFound(nowhere)) {
                try await session.commit(.deleteLocation(nowhere))
            }
            try await session.register("a.example", at: aws)
            await #expect(throws: RegistryError.locationInUse(aws)) {
                try await session.commit(.deleteLocation(aws))
            }
            try await session.commit(.release(fqdn("a.example"), ifMatch: nil))
            session.pass(.milliseconds(99_999))
            await #expect(throws: RegistryError.locationInUse(aws)) {
                try await session.commit(.deleteLocation(aws))
            }
            session.pass(.milliseconds(1))
            let committed = try await session.commit(.deleteLocation(aws))
            #expect(committed == Committed(revision: Revision(3), outcome: .locationDeleted))
            #expect(session.observed.value.last?.locations == [.gone(aws)])
            await #expect(throws: RegistryError.unknownLocation(aws)) {
                try await session.commit(.restore(fqdn("a.example")))
            }
            await #expect(throws: RegistryError.unknownLocation(aws)) {
                try await session.register("b.example", at: aws)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `aren't more than there may be, whoever comes first`(engine: StoreUnderTest) async throws {
        try await engine.run(locationLimit: 4) { session in
            for name in ["one", "two"] {
                try await session.commit(.putLocation(LocationName(canonical: name), settings()))
            }
            let two = LocationName(canonical: "two")
            await #expect(throws: RegistryError.tooManyLocations(limit: 4)) {
                try await session.commit(.putLocation(nowhere, settings()))
            }
            // One that is there is changed all the same; and where one goes, another may come.
            try await session.commit(.putLocation(two, settings("http://other")))
            try await session.commit(.deleteLocation(two))
            let made = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    let name = LocationName(canonical: "new-\(number)")
                    group.addTask {
                        (try? await session.commit(.putLocation(name, settings()))) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(made == 1)
            let all = try await session.store.locations(after: nil, limit: 9).value.items
            #expect(all.count == 4)
        }
    }
}
