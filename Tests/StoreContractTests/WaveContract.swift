import RegistryModel
import Testing

@Suite("A wave") struct WaveContract {
    private static let names = ["a.example", "b.example", "c.example"]

    @Test(arguments: StoreUnderTest.all)
    func `moves in one revision, one line of the log for each domain`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            try await session.commit(.patch("b.example", mode: .readOnly, tenant: "bee"))
            let migration = try await session.plan(Self.names, waves: [.count(2), .rest])
            let before = try await session.revision()
            let outcome = try await session.cutOver(of: migration)
            #expect(outcome.count == 2)
            #expect(try await session.revision() == before + 1)
            #expect(
                try await session.places(Self.names) == [
                    "aws serve", "aws read_only", "japan serve",
                ])
            let items = try await session.log(of: Revision(before + 1))
            #expect(items.map(\.position) == [0, 1])
            #expect(items.allSatisfy { $0.header.migration == migration.id && $0.header.wave == 1 })
            #expect(items.map(\.change.action) == [.moved, .moved])
            let domain = try #require(try await session.live("b.example"))
            #expect(domain.tenant == "bee")
            #expect(domain.revision.number == before + 1)
            #expect(
                items.last?.change.subject
                    == .domain(
                        fqdn("b.example"),
                        before: Placement(
                            location: japan, mode: .readOnly, tenant: "bee", fence: nil),
                        after: Placement(location: aws, mode: .readOnly, tenant: "bee", fence: nil),
                        registeredAt: domain.registeredAt))
            let now = try await session.current(migration)
            #expect(now.state == .running)
            #expect(now.waves.map(\.state) == [.moved, .planned])
            #expect(now.waves[0].revision == domain.revision)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is frozen, moves, and gets back the modes that it had before`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            try await session.commit(.patch("b.example", mode: .reject))
            let migration = try await session.plan(Self.names, freeze: .readOnly)
            let frozen = try await session.freeze(of: migration)
            #expect(frozen.state == .frozen)
            #expect(frozen.deadline == session.clock.value.adding(.seconds(600)))
            #expect(
                try await session.places(Self.names)
                    == ["japan read_only", "japan reject", "japan read_only"])
            #expect(try await session.current(migration).waves[0].deadline == frozen.deadline)
            try await session.cutOver(of: migration)
            #expect(
                try await session.places(Self.names) == ["aws serve", "aws reject", "aws serve"])
            #expect(try await session.current(migration).waves[0].deadline == nil)
            let rolled = try await session.take(.rollBack(skipsConflicts: false), of: migration)
            #expect(rolled.count == 3)
            #expect(rolled.skipped == nil)
            #expect(
                try await session.places(Self.names) == [
                    "japan serve", "japan reject", "japan serve",
                ])
            #expect(
                try await session.rows(of: migration)
                    == Self.names.map { "\($0) 1 rolled_back" })
            let actions = try await session.log().map(\.change.action).suffix(9)
            #expect(
                actions == [.frozen, .frozen, .frozen, .moved, .moved, .moved]
                    + [.rolledBack, .rolledBack, .rolledBack])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `moves nothing when one row changed since the plan, and names it`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(quarantine: .zero) { session in
            let names = ["a.example", "b.example", "c.example", "d.example", "e.example"]
            try await session.registerAll(names)
            let migration = try await session.plan(names)
            try await session.commit(.patch("a.example", tenant: "that counts for nothing"))
            try await session.commit(.patch("b.example", location: aws))
            try await session.commit(.patch("c.example", mode: .reject))
            try await session.commit(.release(fqdn("d.example"), ifMatch: nil))
            // Released and registered anew is another customer's domain.
            try await session.commit(.release(fqdn("e.example"), ifMatch: nil))
            session.pass(.seconds(1))
            try await session.register("e.example", at: japan)
            let head = try await session.store.head()
            let before = try await session.places(names)
            let expected = WaveConflict.Place(location: japan, mode: .serve)
            let conflicts = [
                WaveConflict(
                    fqdn: fqdn("b.example"), expected: expected,
                    found: .init(location: aws, mode: .serve)),
                WaveConflict(
                    fqdn: fqdn("c.example"), expected: expected,
                    found: .init(location: japan, mode: .reject)),
                WaveConflict(fqdn: fqdn("d.example"), expected: expected, found: nil),
                WaveConflict(fqdn: fqdn("e.example"), expected: expected, found: nil),
            ]
            await #expect(throws: RegistryError.waveConflict(conflicts, total: 4)) {
                try await session.cutOver(of: migration)
            }
            #expect(try await session.store.head() == head)
            #expect(try await session.places(names) == before)
            #expect(try await session.current(migration) == migration)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `rolls back all or, when told so, what hasn't changed since`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names)
            try await session.cutOver(of: migration)
            try await session.commit(.patch("b.example", mode: .reject))
            let conflict = WaveConflict(
                fqdn: fqdn("b.example"), expected: .init(location: aws, mode: .serve),
                found: .init(location: aws, mode: .reject))
            await #expect(throws: RegistryError.waveConflict([conflict], total: 1)) {
                try await session.take(.rollBack(skipsConflicts: false), of: migration)
            }
            let rolled = try await session.take(.rollBack(skipsConflicts: true), of: migration)
            #expect(rolled.count == 2)
            #expect(rolled.skipped == [fqdn("b.example")])
            #expect(rolled.skippedCount == 1)
            #expect(
                try await session.places(Self.names) == [
                    "japan serve", "aws reject", "japan serve",
                ])
            #expect(
                try await session.rows(of: migration) == [
                    "a.example 1 rolled_back", "b.example 1 moved", "c.example 1 rolled_back",
                ])
            let stayed = try await session.store.domains(
                of: MigrationDomainQuery(migration: migration.id, status: .moved))
            #expect(stayed.value.items.map(\.fqdn) == [fqdn("b.example")])
            let items = try await session.log(of: try await session.store.head().revision)
            #expect(items.map(\.position) == [0, 1])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `isn't rolled back when there's nothing left to roll back`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(["a.example"])
            let migration = try await session.plan(["a.example"])
            try await session.cutOver(of: migration)
            try await session.commit(.release(fqdn("a.example"), ifMatch: nil))
            let conflict = WaveConflict(
                fqdn: fqdn("a.example"), expected: .init(location: aws, mode: .serve), found: nil)
            await #expect(throws: RegistryError.waveConflict([conflict], total: 1)) {
                try await session.take(.rollBack(skipsConflicts: true), of: migration)
            }
            #expect(try await session.current(migration).waves[0].state == .moved)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is bound to the plan that was reviewed`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names)
            for agreement in [
                WaveAgreement(planDigest: "sha256:00", expectedCount: 3),
                WaveAgreement(planDigest: migration.digestText, expectedCount: 2),
            ] {
                await #expect {
                    try await session.take(.cutOver(agreement), of: migration)
                } throws: { ($0 as? RegistryError)?.code == "plan-mismatch" }
            }
            await #expect(throws: RegistryError.unknownWave("2", migration: migration.id)) {
                try await session.take(.thaw, 2, of: migration)
            }
            var unknown = migration
            unknown.id = "m-unknown"
            await #expect(throws: RegistryError.unknownMigration("m-unknown")) {
                try await session.cutOver(of: unknown)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is guarded, and an override is in each line of its revision`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(blastRadius: BlastRadius(maximumWave: 2, minimumRemaining: 1)) {
            session in
            try await session.registerAll(Self.names)
            let large = try await session.plan(Self.names, freeze: .readOnly)
            for step in [false, true] {
                await #expect {
                    if step { try await session.freeze(of: large) }
                    if !step {
                        try await session.freeze(of: large, override: nil)
                    }
                } throws: { ($0 as? RegistryError)?.code == "blast-radius" }
            }
            try await session.freeze(of: large, override: "we know")
            await #expect {
                try await session.cutOver(of: large)
            } throws: { ($0 as? RegistryError)?.code == "blast-radius" }
            try await session.cutOver(of: large, override: "we know that too")
            let items = try await session.log(of: try await session.store.head().revision)
            #expect(
                items.map(\.header.overrideReason) == Array(repeating: "we know that too", count: 3)
            )

            try await session.registerAll(["d.example", "e.example"])
            let last = try await session.plan(["d.example", "e.example"])
            await #expect {
                try await session.cutOver(of: last)
            } throws: { ($0 as? RegistryError)?.code == "blast-radius" }
            let one = try await session.plan(["d.example"])
            #expect(one.waves.isEmpty, "the other plan speaks for it")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `gives the first answer again to a repeated key, whatever came after`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names)
            let step = Command.waveStep(
                WaveStep(.cutOver(migration.agreement(1)), migration: migration.id, wave: 1))
            let first = try await session.commit(step, key: key("cutover"))
            try await session.take(.rollBack(skipsConflicts: false), of: migration)
            let again = try await session.reopened()
            let replay = try await again.commit(step, key: key("cutover"))
            #expect(replay.isReplay)
            #expect(replay.outcome == first.outcome)
            #expect(replay.revision == first.revision)
            await again.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is cut over once, however many try at the same moment`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let names = (0..<500).map { "n\($0).example" }
            try await session.registerAll(names)
            let migration = try await session.plan(names)
            let results = await withTaskGroup(of: Result<WaveOutcome, RegistryError>.self) {
                group in
                for _ in 0..<8 {
                    group.addTask {
                        do throws(RegistryError) {
                            return .success(try await session.cutOver(of: migration))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.count { (try? $0.get()) != nil } == 1)
            for case .failure(let error) in results {
                #expect(error == .wrongWaveState(.moved, wave: 1, .cutOver))
            }
        }
    }
}
