import RegistryModel
import Testing

/// A domain that moved with one migration may be in another one's wave.
@Suite("Waves that meet") struct MeetingWavesContract {
    private static let names = ["a.example", "b.example"]

    /// Both domains moved to aws with the first; the second has frozen one of them there, in the
    /// mode that it had anyway.
    private static func meet(
        _ session: StoreSession
    ) async throws -> (moved: Migration, frozen: Migration) {
        try await session.registerAll(names)
        try await session.commit(.patch("a.example", mode: .readOnly))
        let moved = try await session.plan(names)
        try await session.cutOver(of: moved)
        let frozen = try await session.plan(
            ["a.example"], freeze: .readOnly, from: aws, to: japan)
        try await session.freeze(of: frozen)
        return (moved, frozen)
    }

    @Test(arguments: StoreUnderTest.all)
    func `aren't rolled back out of another one's freeze`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let (moved, frozen) = try await Self.meet(session)
            let place = WaveConflict.Place(location: aws, mode: .readOnly)
            let conflict = WaveConflict(
                fqdn: fqdn("a.example"), expected: place, found: place, isFrozen: true)
            await #expect(throws: RegistryError.waveConflict([conflict], total: 1)) {
                try await session.take(.rollBack(skipsConflicts: false), of: moved)
            }
            let rolled = try await session.take(.rollBack(skipsConflicts: true), of: moved)
            #expect(rolled.count == 1)
            #expect(rolled.skipped == [fqdn("a.example")])
            #expect(try await session.places(Self.names) == ["aws read_only", "japan serve"])
            #expect(
                try await session.rows(of: moved) == [
                    "a.example 1 moved", "b.example 1 rolled_back",
                ])
            // The freeze is as good as before.
            try await session.take(.thaw, of: frozen)
            try await session.freeze(of: frozen)
            try await session.cutOver(of: frozen)
            #expect(try await session.places(["a.example"]) == ["japan read_only"])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are rolled back from under another one's plan, which is stale then`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let (moved, frozen) = try await Self.meet(session)
            try await session.take(.thaw, of: frozen)
            try await session.take(.rollBack(skipsConflicts: false), of: moved)
            #expect(try await session.places(Self.names) == ["japan read_only", "japan serve"])
            let conflict = WaveConflict(
                fqdn: fqdn("a.example"), expected: .init(location: aws, mode: .readOnly),
                found: .init(location: japan, mode: .readOnly))
            await #expect(throws: RegistryError.waveConflict([conflict], total: 1)) {
                try await session.freeze(of: frozen)
            }
            try await session.commit(.cancelMigration(id: frozen.id))
        }
    }
}
