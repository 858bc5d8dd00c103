import RegistryModel
import Testing

/// Two people: one plans, and another one approves what is large.
@Suite("An approval") struct ApprovalContract {
    private static let names = ["a.example", "b.example", "c.example"]
    private static let rule = ApprovalRule(above: 2)

    private static func required(_ wave: Int = 1, _ size: Int = 3) -> RegistryError {
        .approvalRequired(wave: wave, size: size, limit: 2, planner: .tester)
    }

    @Test(arguments: StoreUnderTest.all, [FreezeMode.readOnly, .none])
    func `is asked for before a large wave freezes or moves, and lets it go on`(
        engine: StoreUnderTest, freeze: FreezeMode
    ) async throws {
        try await engine.run(approval: Self.rule) { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names, freeze: freeze)
            let head = try await session.store.head()
            await #expect(throws: Self.required()) {
                if freeze == .none {
                    try await session.cutOver(of: migration)
                } else {
                    try await session.freeze(of: migration)
                }
            }
            #expect(try await session.store.head() == head)
            #expect(
                try await session.places(Self.names) == Array(repeating: "japan serve", count: 3))

            session.pass(.seconds(5))
            let approval = try await session.approve(of: migration)
            let revision = head.revision.next
            #expect(
                approval
                    == WaveApproval(by: .namesake, at: session.clock.value, revision: revision))
            if freeze != .none { try await session.freeze(of: migration) }
            try await session.cutOver(of: migration)
            #expect(try await session.places(Self.names) == Array(repeating: "aws serve", count: 3))
            let wave = try await session.current(migration).waves[0]
            #expect(wave.approval == approval && wave.state == .moved && !wave.needsApproval)
            try await session.take(.rollBack(skipsConflicts: false), of: migration)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is one revision with one line, which the digest covers`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(approval: Self.rule) { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names)
            let before = try await session.store.head()
            let note = Note(reason: "looked at", ticket: "CHG-1")
            let first = try await session.approve(of: migration, note: note)
            let items = try await session.log(of: before.revision.next)
            #expect(
                items.map(\.change) == [
                    Change(
                        .waveApproved,
                        .approval(
                            migration: migration.id,
                            ApprovalFacts(wave: 1, planDigest: migration.digestText)))
                ])
            let header = try #require(items.first?.header)
            #expect(header.migration == migration.id && header.wave == 1)
            #expect(header.actor == .namesake && header.note == note)
            let head = try await session.store.head()
            #expect(head.digest == IndependentDigest.after(before.digest, items))
            let filtered = try await session.store.history(
                HistoryQuery(action: .waveApproved, migration: migration.id))
            #expect(filtered.value.items == items)

            // Followers hear of a revision in which nothing is theirs.
            let told = try #require(session.observed.value.last)
            #expect(told == RevisionChanges(revision: head.revision))
            #expect(try await session.store.changes(after: before.revision, limit: 10) == [told])
            let lines = try await session.store.tableChanges(
                after: .init(revision: before.revision, position: .max), through: head.revision,
                limit: 10)
            #expect(lines.items.map(\.kind) == [.other])
            #expect(try await session.store.verify(nil) { _ in }.isGood)

            let again = try await session.reopened()
            #expect(try await again.current(migration).waves[0].approval == first)
            await again.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is nothing that the planner's token can give, whatever tokens are called`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(approval: Self.rule) { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names)
            let head = try await session.store.head()
            var renamed = Actor.tester
            (renamed.name, renamed.role) = ("another name", .admin)
            for planner in [Actor.tester, renamed] {
                for digest in [migration.digestText, "sha256:00"] {
                    await #expect(throws: RegistryError.selfApproval(wave: 1)) {
                        try await session.approve(of: migration, by: planner, planDigest: digest)
                    }
                }
            }
            #expect(try await session.store.head() == head)
            // An approval by somebody else doesn't make it his.
            try await session.approve(of: migration)
            await #expect(throws: RegistryError.selfApproval(wave: 1)) {
                try await session.approve(of: migration, by: .tester)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is of the plan that was looked at, and of a wave that there is`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(approval: Self.rule) { session in
            try await session.registerAll(Self.names)
            var migration = try await session.plan(Self.names)
            let words = "the plan's digest is \(migration.digestText)"
            await #expect(throws: RegistryError.planMismatch(words)) {
                try await session.approve(of: migration, planDigest: "sha256:00")
            }
            await #expect(throws: RegistryError.unknownWave("2", migration: migration.id)) {
                try await session.approve(2, of: migration)
            }
            try await session.approve(of: migration)
            // Also where there's an approval already: who asks has seen something else.
            await #expect(throws: RegistryError.planMismatch(words)) {
                try await session.approve(of: migration, planDigest: "sha256:00")
            }
            migration.id = "m-unknown"
            await #expect(throws: RegistryError.unknownMigration("m-unknown")) {
                try await session.approve(of: migration)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is given once: again it's the first one, and no revision`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(approval: Self.rule) { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names, freeze: .reject)
            let first = try await session.approve(of: migration, key: key("first"))
            let head = try await session.store.head()
            session.pass(.seconds(60))
            let third = Actor(token: "t-3", name: "third", role: .admin)
            #expect(try await session.approve(of: migration, by: third) == first)
            #expect(try await session.approve(of: migration, key: key("first")) == first)
            #expect(try await session.store.head() == head)
            // Also past the state in which it could be given.
            try await session.freeze(of: migration)
            #expect(try await session.approve(of: migration, by: third) == first)
            try await session.cutOver(of: migration)
            #expect(try await session.approve(of: migration) == first)
            #expect(try await session.current(migration).waves[0].approval == first)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `lasts past a thaw, and isn't asked for again`(engine: StoreUnderTest) async throws {
        try await engine.run(approval: Self.rule) { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names, freeze: .readOnly)
            let approval = try await session.approve(of: migration)
            try await session.freeze(of: migration)
            try await session.take(.thaw, of: migration)
            var wave = try await session.current(migration).waves[0]
            #expect(wave.state == .planned && wave.approval == approval && !wave.needsApproval)
            try await session.freeze(of: migration, for: .seconds(10))
            session.pass(.seconds(10))
            try await session.take(.thawWhenDue, of: migration, by: .system)
            try await session.freeze(of: migration)
            try await session.cutOver(of: migration)
            wave = try await session.current(migration).waves[0]
            #expect(wave.state == .moved && wave.approval == approval)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `of a wave that isn't planned any more comes too late`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(approval: ApprovalRule(above: 1)) { session in
            try await session.registerAll(Self.names + ["d.example", "e.example"])
            let small = try await session.plan(["a.example"], freeze: .readOnly)
            try await session.freeze(of: small)
            await #expect(throws: RegistryError.wrongWaveState(.frozen, wave: 1, .approve)) {
                try await session.approve(of: small)
            }
            try await session.cutOver(of: small)
            await #expect(throws: RegistryError.wrongWaveState(.moved, wave: 1, .approve)) {
                try await session.approve(of: small)
            }
            let large = try await session.plan(["b.example", "c.example"])
            try await session.commit(.cancelMigration(id: large.id))
            await #expect(throws: RegistryError.wrongWaveState(.cancelled, wave: 1, .approve)) {
                try await session.approve(of: large)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is recorded of small waves too, which need none`(engine: StoreUnderTest) async throws {
        try await engine.run(approval: Self.rule) { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names, waves: [.count(2), .rest])
            #expect(migration.warnings.isEmpty)
            #expect(migration.waves.allSatisfy { !$0.needsApproval })
            let approval = try await session.approve(2, of: migration)
            try await session.cutOver(1, of: migration)
            try await session.cutOver(2, of: migration)
            let waves = try await session.current(migration).waves
            #expect(waves.map(\.approval) == [nil, approval])
            let listed = try await session.store.migrations(MigrationQuery()).value.items
            #expect(listed.map(\.waves) == [waves])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is warned of and marked where it's missing, also in a dry run`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(approval: ApprovalRule(above: 1)) { session in
            let names = Self.names + ["d.example", "e.example"]
            try await session.registerAll(names)
            let waves: [WaveSize] = [.count(2), .count(1), .rest]
            let dry = try await session.plan(names, waves: waves, dryRun: true)
            let migration = try await session.plan(names, waves: waves)
            for plan in [dry, migration] {
                #expect(plan.warnings.map(\.wave) == [1, 3])
                #expect(plan.warnings.allSatisfy { $0.code == "approval-required" })
                #expect(plan.warnings[0].detail.contains("2 domains; above 1"))
                #expect(plan.waves.map(\.needsApproval) == [true, false, true])
            }
            #expect(dry.digest == migration.digest)
            try await session.approve(3, of: migration)
            let now = try await session.current(migration)
            #expect(now.waves.map(\.needsApproval) == [true, false, false])
            let listed = try await session.store.migrations(MigrationQuery()).value.items
            #expect(listed[0].waves == now.waves)
            guard
                case .migration(let cancelled) = try await session.commit(
                    .cancelMigration(id: migration.id)
                ).outcome
            else { throw RegistryError.inconsistent }
            #expect(cancelled.waves.allSatisfy { !$0.needsApproval })
            #expect(cancelled.waves[2].approval == now.waves[2].approval)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is the deciding node's to ask for, of older plans too, and of no wave that is frozen`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names + ["d.example", "e.example", "f.example"])
            let frozen = try await session.plan(Self.names, freeze: .readOnly)
            try await session.freeze(of: frozen)
            let planned = try await session.plan(
                ["d.example", "e.example", "f.example"], freeze: .readOnly)
            #expect(!planned.waves[0].needsApproval)

            let strict = try await session.reopened(approval: Self.rule)
            #expect(try await strict.current(planned).waves[0].needsApproval)
            #expect(try await !strict.current(frozen).waves[0].needsApproval)
            await #expect(throws: Self.required()) { try await strict.freeze(of: planned) }
            // Its freeze was let through, and so are its ways out; a new one isn't.
            try await strict.take(.thaw, of: frozen)
            await #expect(throws: Self.required()) { try await strict.freeze(of: frozen) }
            await #expect(throws: RegistryError.selfApproval(wave: 1)) {
                try await strict.approve(of: planned, by: .tester)
            }
            try await strict.approve(of: frozen)
            try await strict.freeze(of: frozen)

            let lax = try await strict.reopened(approval: ApprovalRule())
            try await lax.freeze(of: planned)
            let again = try await lax.reopened(approval: Self.rule)
            try await again.cutOver(of: planned)
            await again.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `isn't set aside by an override, and asked of each wave where the limit is 0`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run(
            blastRadius: BlastRadius(maximumWave: 1), approval: ApprovalRule(above: 0)
        ) { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names, waves: [.count(1), .rest])
            #expect(
                migration.warnings.map(\.code) == [
                    "blast-radius", "approval-required", "approval-required",
                ])
            for wave in [1, 2] {
                await #expect {
                    try await session.cutOver(wave, of: migration, override: "we must")
                } throws: { ($0 as? RegistryError)?.code == "approval-required" }
                try await session.approve(wave, of: migration)
            }
            try await session.cutOver(1, of: migration)
            await #expect {
                try await session.cutOver(2, of: migration)
            } throws: { ($0 as? RegistryError)?.code == "blast-radius" }
            try await session.cutOver(2, of: migration, override: "we must")
        }
    }
}
