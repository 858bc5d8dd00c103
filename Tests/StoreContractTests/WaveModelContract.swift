import RegistryModel
import Testing

@Suite("Migrations at random") struct WaveModelContract {
    private static let quarantine = Duration.seconds(60)

    @Test(
        arguments: StoreUnderTest.all,
        [
            (2, BlastRadius()), (5, BlastRadius()), (9, BlastRadius()),
            (4, BlastRadius(maximumWave: 4, minimumRemaining: 2)),
        ] as [(UInt64, BlastRadius)])
    func `do what a plain model of the contract does`(
        engine: StoreUnderTest, trial: (seed: UInt64, radius: BlastRadius)
    ) async throws {
        try await engine.run(quarantine: Self.quarantine, blastRadius: trial.radius) { session in
            var run = WaveTrial(
                session, seed: trial.seed, quarantine: Self.quarantine, radius: trial.radius)
            try await run.run(1_300)
            try await run.checkPast(300)
            await run.session.store.close()
            // A trial that never gets anywhere would agree with everything.
            for word in Self.mustHappen {
                #expect((run.tally[word] ?? 0) > 0, "\(word) in \(run.tally)")
            }
            #expect(((run.tally["blast-radius"] ?? 0) > 0) == (trial.radius != BlastRadius()))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `go on with two people where the model does`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: Self.quarantine, approval: ApprovalRule(above: 2)) {
            session in
            var run = WaveTrial(
                session, seed: 7, quarantine: Self.quarantine, radius: BlastRadius(),
                approveAbove: 2)
            try await run.run(800)
            await run.session.store.close()
            for word in [
                "wave_approved", "approval-required", "self-approval", "unchanged", "plan-mismatch",
                "wrong-state", "frozen", "moved", "thawed", "rolled_back", "replayed",
            ] {
                #expect((run.tally[word] ?? 0) > 0, "\(word) in \(run.tally)")
            }
        }
    }

    /// None of them is ever told what no order of their commands explains, and no tenant is parted unasked.
    @Test(arguments: StoreUnderTest.all, [11] as [UInt64])
    func `come out as one after the other, however many clients send at once`(
        engine: StoreUnderTest, seed: UInt64
    ) async throws {
        try await engine.run(quarantine: Self.quarantine) { session in
            var run = WaveTrial(
                session, seed: seed, quarantine: Self.quarantine, radius: BlastRadius())
            try await run.run(rounds: 150, clients: 12)
            #expect(try await session.store.verify(nil) { _ in }.isGood)
            await run.session.store.close()
            for word in [
                "refused for another", "made possible by another", "registered", "updated",
                "frozen", "moved", "rolled_back", "held", "domain-in-migration", "wave-conflict",
            ] {
                #expect((run.tally[word] ?? 0) > 0, "\(word) in \(run.tally)")
            }
        }
    }

    private static let mustHappen = [
        "registered", "updated", "released", "restored", "announced", "frozen", "moved", "thawed",
        "rolled_back", "migration_planned", "migration_finalized", "migration_cancelled",
        "wave-conflict", "wrong-state", "plan-mismatch", "domain-in-migration",
        "unknown-migration", "unknown-wave", "location-in-use", "tenant-split",
        "tenant-elsewhere", "unknown-tenant", "replayed", "thawed in time", "held",
        "hold_released", "hold_expired", "domain-held",
    ]

    @Test(arguments: StoreUnderTest.all)
    func `leave a digest chain that holds`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: Self.quarantine) { session in
            var run = WaveTrial(
                session, seed: 5, quarantine: Self.quarantine, radius: BlastRadius())
            try await run.run(200)
            let items = Dictionary(grouping: try await session.log(), by: \.header.revision)
            var digest = [UInt8](repeating: 0, count: 32)
            for number in 1...run.model.revision.number {
                digest = IndependentDigest.after(digest, items[Revision(number)] ?? [])
            }
            #expect(try await session.store.head().digest == digest)
        }
    }
}
