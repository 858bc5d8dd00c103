import RegistryModel
import Testing

@Suite("A frozen wave") struct FreezeContract {
    private static let names = ["a.example", "b.example", "c.example"]

    @Test(arguments: StoreUnderTest.all)
    func `keeps its domains as they are`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(["a.example"], freeze: .readOnly)
            try await session.commit(.patch("a.example", tenant: "planned is not frozen"))
            try await session.freeze(of: migration)
            let refusal = RegistryError.domainInMigration(
                fqdn("a.example"), migration: migration.id, wave: 1)
            for command: Command in [
                .patch("a.example", location: aws), .patch("a.example", tenant: "x"),
                .release(fqdn("a.example"), ifMatch: nil),
            ] {
                await #expect(throws: refusal) { try await session.commit(command) }
            }
            try await session.commit(.patch("b.example", location: aws))
            try await session.take(.thaw, of: migration)
            try await session.commit(.patch("a.example", location: aws))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `thaws at its deadline and not before, and doesn't move past it`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names, freeze: .reject)
            let deadline = try #require(
                try await session.freeze(of: migration, for: .seconds(60)).deadline)
            session.pass(.seconds(59))
            #expect(try await session.store.wavesDue().isEmpty)
            await #expect(throws: RegistryError.self) {
                try await session.take(.thawWhenDue, of: migration)
            }
            let again = try await session.reopened()
            again.pass(.seconds(1))
            #expect(
                try await again.store.wavesDue()
                    == [WaveName(migration: migration.id, number: 1)])
            await #expect(throws: RegistryError.freezeIsOver(wave: 1, at: deadline)) {
                try await again.cutOver(of: migration)
            }
            try await again.take(.thawWhenDue, of: migration, by: .system)
            #expect(
                try await again.places(Self.names) == Array(repeating: "japan serve", count: 3))
            let now = try await again.current(migration)
            #expect(now.waves[0].state == .planned)
            #expect(now.waves[0].deadline == nil)
            #expect(now.state == .running)
            #expect(try await again.log().last?.change.action == .thawed)
            // And it can be frozen and moved after all.
            try await again.freeze(of: migration)
            try await again.cutOver(of: migration)
            await again.store.close()
        }
    }
}
