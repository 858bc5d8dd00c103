import RegistryModel
import Testing

@Suite("A plan's warnings") struct PlanWarningContract {
    @Test(arguments: StoreUnderTest.all)
    func `warns of what a step would be refused for`(engine: StoreUnderTest) async throws {
        try await engine.run(blastRadius: BlastRadius(maximumWave: 2, minimumRemaining: 2)) {
            session in
            let names = ["a.example", "b.example", "c.example", "d.example", "e.example"]
            try await session.registerAll(names)
            let migration = try await session.plan(names, waves: [.count(3), .count(1), .count(1)])
            #expect(migration.warnings.map(\.wave) == [1, 2, 3])
            #expect(Set(migration.warnings.map(\.code)) == ["blast-radius"])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `counts what its source has left as of its own revision`(engine: StoreUnderTest)
        async throws
    {
        let radius = BlastRadius(minimumRemaining: 3)
        try await engine.run(blastRadius: radius) { session in
            let names = (0..<5).map { "n\($0).example" }
            try await session.registerAll(names)
            func left(_ planned: [String]) async throws -> String? {
                let dry = try await session.plan(planned, dryRun: true)
                let plan = try await session.plan(planned)
                #expect(dry.warnings == plan.warnings)
                try await session.commit(.cancelMigration(id: plan.id))
                return dry.warnings.first?.detail
            }
            #expect(try await left(["n0.example", "n1.example"]) == nil)
            try await session.commit(.patch("n4.example", location: aws))
            let words = "the wave leaves 2 domains at japan; at least 3 must remain"
            #expect(try await left(["n0.example", "n1.example"]) == words)
            try await session.commit(.release(fqdn("n3.example"), ifMatch: nil))
            #expect(try await left(["n0.example"]) == words)
            try await session.commit(.restore(fqdn("n3.example")))
            #expect(try await left(["n0.example"]) == nil)

            let plan = try await session.plan(
                ["n0.example", "n1.example"], waves: [.count(1), .rest])
            try await session.cutOver(1, of: plan)
            await #expect(throws: RegistryError.blastRadius(words)) {
                try await session.cutOver(2, of: plan)
            }
            try await session.register("more.example")
            try await session.cutOver(2, of: plan)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `counts in the store where memory is behind, or isn't there`(engine: StoreUnderTest)
        async throws
    {
        let radius = BlastRadius(minimumRemaining: 3)
        try await engine.run(blastRadius: radius) { session in
            // A node's memory that hears of nothing after its start.
            let deaf = try await session.alongside { table in
                let counts = Dictionary(
                    uniqueKeysWithValues: try table.statistics().value.locations.map {
                        ($0.name, $0.domains)
                    })
                let known = Read(counts, at: try table.statistics().revision)
                return { known }
            }
            try await deaf.registerAll((0..<4).map { "n\($0).example" })
            #expect(try await deaf.plan(["n0.example"], dryRun: true).warnings.isEmpty)
            #expect(
                try await deaf.plan(["n0.example", "n1.example"], dryRun: true).warnings.count == 1)
            await deaf.store.close()
            let none = try await deaf.alongside { _ in { nil } }
            #expect(try await none.plan(["n0.example"], dryRun: true).warnings.isEmpty)
            #expect(try await none.plan(["n0.example", "n1.example"]).warnings.count == 1)
            await none.store.close()
        }
    }
}
