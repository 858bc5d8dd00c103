import RegistryModel
import Testing

@Suite("The end of a migration") struct MigrationEndContract {
    private static let names = ["a.example", "b.example", "c.example"]

    private static func running(_ session: StoreSession) async throws -> Migration {
        try await session.registerAll(names)
        return try await session.plan(
            names, waves: [.count(1), .count(1), .rest], freeze: .readOnly)
    }

    @Test(arguments: StoreUnderTest.all)
    func `is final where nothing is left to move`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let migration = try await Self.running(session)
            await #expect {
                try await session.commit(.finalizeMigration(id: migration.id))
            } throws: { ($0 as? RegistryError)?.code == "wrong-state" }
            for wave in 1...3 {
                try await session.freeze(wave, of: migration)
                try await session.cutOver(wave, of: migration)
            }
            try await session.take(.rollBack(skipsConflicts: false), 3, of: migration)
            try await session.commit(.finalizeMigration(id: migration.id))
            let now = try await session.current(migration)
            #expect(now.state == .finalized)
            #expect(now.waves.map(\.state) == [.finalized, .finalized, .rolledBack])
            await #expect(
                throws: RegistryError.wrongWaveState(.finalized, wave: 1, .rollBack)
            ) {
                try await session.take(.rollBack(skipsConflicts: false), 1, of: migration)
            }
            for end: Command in [
                .finalizeMigration(id: migration.id), .cancelMigration(id: migration.id),
            ] {
                await #expect {
                    try await session.commit(end)
                } throws: { ($0 as? RegistryError)?.code == "wrong-state" }
            }
            #expect(
                try await session.places(Self.names) == ["aws serve", "aws serve", "japan serve"])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `by cancelling thaws what is frozen, and leaves what has moved`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let migration = try await Self.running(session)
            try await session.freeze(1, of: migration)
            try await session.cutOver(1, of: migration)
            try await session.freeze(2, of: migration)
            try await session.freeze(3, of: migration)
            try await session.commit(.cancelMigration(id: migration.id))
            let now = try await session.current(migration)
            #expect(now.state == .running)
            #expect(now.waves.map(\.state) == [.moved, .cancelled, .cancelled])
            #expect(now.waves.allSatisfy { $0.deadline == nil })
            #expect(
                try await session.places(Self.names) == ["aws serve", "japan serve", "japan serve"])
            let items = try await session.log(of: try await session.store.head().revision)
            #expect(items.map(\.position) == [0, 1, 2])
            #expect(
                items.map(\.change.action) == [.thawed, .thawed, .migrationCancelled])
            try await session.commit(.patch("b.example", tenant: "free again"))
            try await session.take(.rollBack(skipsConflicts: false), 1, of: migration)
            try await session.commit(.finalizeMigration(id: migration.id))
            #expect(try await session.current(migration).state == .finalized)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is cancelled where nothing had moved, and lets its domains go`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let migration = try await Self.running(session)
            #expect(try await Snapshot(of: session.store).openMigrations == 1)
            try await session.commit(.cancelMigration(id: migration.id))
            #expect(try await session.current(migration).state == .cancelled)
            #expect(try await Snapshot(of: session.store).openMigrations == 0)
            #expect(session.observed.value.map(\.openMigrations).reduce(0, +) == 0)
            let next = try await session.plan(Self.names)
            #expect(next.counts.eligible == 3)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `leaves it in a list, newest first`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            var ids: [String] = []
            for name in Self.names { ids.append(try await session.plan([name]).id) }
            try await session.commit(.cancelMigration(id: ids[1]))
            let all = try await session.store.migrations(MigrationQuery(limit: 2))
            #expect(all.value.items.map(\.id) == [ids[2], ids[1]])
            #expect(all.value.hasMore)
            let rest = try await session.store.migrations(MigrationQuery(after: ids[1], limit: 2))
            #expect(rest.value.items.map(\.id) == [ids[0]])
            let open = try await session.store.migrations(MigrationQuery(state: .planned))
            #expect(open.value.items.map(\.id) == [ids[2], ids[0]])
        }
    }
}
