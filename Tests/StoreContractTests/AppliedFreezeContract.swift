import RegistryModel
import Testing

@Suite("Agents before a cutover") struct AppliedFreezeContract {
    @Test(arguments: StoreUnderTest.all)
    func `are asked for the very freeze that is in force`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example.com")
            let planned = try await session.commit(
                .planMigration(
                    MigrationPlan(
                        id: "m", name: "m", from: japan, to: aws,
                        selection: .names([fqdn("a.example.com")]), freeze: .reject)))
            guard case .migration(let migration) = planned.outcome else {
                throw RegistryError.inconsistent
            }
            var agreement = WaveAgreement(planDigest: migration.digestText, expectedCount: 1)
            let freeze = Command.waveStep(
                WaveStep(.freeze(agreement, deadline: .seconds(60)), migration: "m", wave: 1))
            func cutOver() async throws(RegistryError) {
                try await session.commit(
                    .waveStep(WaveStep(.cutOver(agreement), migration: "m", wave: 1)))
            }
            let first = try await session.commit(freeze).revision
            try await session.commit(.waveStep(WaveStep(.thaw, migration: "m", wave: 1)))
            let second = try await session.commit(freeze).revision

            agreement.appliedFreeze = first
            await #expect(throws: RegistryError.frozenAnew(wave: 1)) { try await cutOver() }
            #expect(try await session.live("a.example.com")?.placement.location == japan)
            agreement.appliedFreeze = second
            try await cutOver()
            #expect(try await session.live("a.example.com")?.placement.location == aws)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `have no freeze to apply where a wave isn't frozen`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example.com")
            let planned = try await session.commit(
                .planMigration(
                    MigrationPlan(
                        id: "m", name: "m", from: japan, to: aws,
                        selection: .names([fqdn("a.example.com")]))))
            guard case .migration(let migration) = planned.outcome else {
                throw RegistryError.inconsistent
            }
            var agreement = WaveAgreement(planDigest: migration.digestText, expectedCount: 1)
            agreement.appliedFreeze = .zero
            let step = WaveStep(.cutOver(agreement), migration: "m", wave: 1)
            await #expect(throws: RegistryError.noFreeze(wave: 1, .planned)) {
                try await session.commit(.waveStep(step))
            }
            #expect(try await session.live("a.example.com")?.placement.location == japan)
        }
    }
}
