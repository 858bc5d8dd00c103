import RegistryModel
import Testing

@Suite("A frozen wave") struct FreezeContract {
    private static let names = ["a.example", "b.example", "c.example"]

    @Test(arguments: StoreUnderTest.all)
    func `keeps its domains where they are`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(["a.example"], freeze: .readOnly)
            try await session.commit(.patch("a.example", tenant: "planned is not frozen"))
            try await session.freeze(of: migration)
            let refusal = RegistryError.domainInMigration(
                fqdn("a.example"), migration: migration.id, wave: 1)
            for command: Command in [
                .patch("a.example", location: aws),
                .patch("a.example", location: aws, mode: .reject),
                .release(fqdn("a.example"), ifMatch: nil),
            ] {
                await #expect(throws: refusal) { try await session.commit(command) }
            }
            try await session.commit(.patch("a.example", location: japan, tenant: "x"))
            try await session.commit(.patch("b.example", location: aws))
            try await session.take(.thaw, of: migration)
            try await session.commit(.patch("a.example", location: aws))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `never opens what is closed`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            try await session.commit(.patch("a.example", mode: .reject))
            try await session.commit(.patch("b.example", mode: .readOnly))
            let migration = try await session.plan(Self.names, freeze: .readOnly)
            try await session.freeze(of: migration)
            let frozen = ["japan reject", "japan read_only", "japan read_only"]
            #expect(try await session.places(Self.names) == frozen)
            #expect(
                try await session.store.domain(
                    fqdn("a.example"), at: try await session.store.head().revision)?
                    .mode == .reject)
            #expect(
                session.observed.value.last?.freezes == [
                    .began(
                        FrozenWave(
                            name: WaveName(migration: migration.id, number: 1), location: japan,
                            size: 3))
                ])
            #expect(try await Snapshot(of: session.store).frozenWaves.map(\.size) == [3])
            try await session.cutOver(of: migration)
            let moved = ["aws reject", "aws read_only", "aws serve"]
            #expect(try await session.places(Self.names) == moved)
            #expect(try await Snapshot(of: session.store).frozenWaves.isEmpty)
            try await session.take(.rollBack(skipsConflicts: false), of: migration)
            #expect(
                try await session.places(Self.names)
                    == ["japan reject", "japan read_only", "japan serve"])
        }
    }

    /// What somebody sets during a freeze is what the end of it gives back, whichever end that is.
    @Test(arguments: StoreUnderTest.all, [true, false])
    func `takes another mode of a domain's own`(
        engine: StoreUnderTest, thaws: Bool
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            try await session.commit(.patch("c.example", mode: .reject))
            let migration = try await session.plan(Self.names, freeze: .readOnly)
            try await session.freeze(of: migration)
            try await session.commit(.patch("a.example", mode: .reject))
            // Not looser than the freeze, and not forgotten.
            try await session.commit(.patch("c.example", mode: .serve))
            #expect(
                try await session.places(Self.names)
                    == ["japan reject", "japan read_only", "japan read_only"])
            let head = try await session.store.head().revision
            try await session.commit(.patch("c.example", mode: .serve))
            #expect(try await session.store.head().revision == head)
            try await session.commit(.patch("b.example", mode: .readOnly))
            #expect(try await session.store.head().revision == head.next)
            let again = try await session.reopened()
            if thaws {
                try await again.take(.thaw, of: migration)
                #expect(
                    try await again.places(Self.names)
                        == ["japan reject", "japan read_only", "japan serve"])
                try await again.freeze(of: migration)
            }
            try await again.cutOver(of: migration)
            #expect(
                try await again.places(Self.names) == ["aws reject", "aws read_only", "aws serve"])
            try await again.take(.rollBack(skipsConflicts: false), of: migration)
            #expect(
                try await again.places(Self.names)
                    == ["japan reject", "japan read_only", "japan serve"])
            #expect(try await again.store.verify(nil) { _ in }.isGood)
            await again.store.close()
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
