import RegistryModel
import Testing

@Suite("A plan") struct PlanContract {
    @Test(arguments: StoreUnderTest.all)
    func `says of each name whether it moves, and why not`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(["a.example", "b.example", "c.example", "d.example"])
            try await session.registerAll(["there.example"], at: aws)
            let other = try await session.plan(["d.example"])
            let migration = try await session.plan([
                "c.example", "unknown.example", "a.example", "c.example", "there.example",
                "d.example", "b.example",
            ])
            #expect(migration.state == .planned)
            #expect(migration.counts == PlanCounts(selected: 7, eligible: 3))
            #expect(
                migration.skipped?.map { "\($0.fqdn) \($0.code.rawValue)" } == [
                    "unknown.example unknown-domain", "c.example duplicate",
                    "there.example not-at-source", "d.example in-another-migration",
                ])
            #expect(
                try await session.rows(of: migration) == [
                    "a.example 1 planned", "b.example 1 planned", "c.example 1 planned",
                    "unknown.example unknown-domain skipped", "c.example duplicate skipped",
                    "there.example not-at-source skipped",
                    "d.example in-another-migration skipped",
                ])
            #expect(try await session.current(migration) == migration)
            #expect(other.counts.eligible == 1)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `takes its first names into its first wave, and sorts within a wave`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let names = ["e", "a", "d", "b", "c"].map { "\($0).example" }
            try await session.registerAll(names)
            let migration = try await session.plan(names, waves: [.count(2), .percent(21), .rest])
            // 21 % of 5 is 1.05: rounded up to 2.
            #expect(migration.waves.map(\.size) == [2, 2, 1])
            #expect(
                try await session.rows(of: migration) == [
                    "a.example 1 planned", "e.example 1 planned", "b.example 2 planned",
                    "d.example 2 planned", "c.example 3 planned",
                ])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `lets a wave take what there is, and plans none that nothing is left for`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(["a.example", "b.example", "c.example"])
            let names = ["a.example", "b.example", "c.example"]
            let many = try await session.plan(
                names, waves: [.count(2), .count(5), .percent(10), .rest], dryRun: true)
            #expect(many.waves.map(\.size) == [2, 1])
            let canary = try await session.plan(names, waves: [.count(1)], dryRun: true)
            #expect(canary.waves.map(\.size) == [1])
            #expect(canary.counts.eligible == 3, "those beyond the last wave stay out")
            let none = try await session.plan(["unknown.example"])
            #expect(none.waves.isEmpty)
            #expect(none.state == .cancelled, "nobody could ever end it by moving something")
            #expect(try await session.current(none) == none)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that is dry writes nothing, and has the digest of the one that follows`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(["a.example", "b.example"])
            let head = try await session.store.head()
            let dry = try await session.plan(["b.example", "a.example"], dryRun: true)
            #expect(dry.id.isEmpty)
            #expect(try await session.store.head() == head)
            #expect(try await session.store.migrations(MigrationQuery()).value.items.isEmpty)
            let real = try await session.plan(["b.example", "a.example"])
            #expect(real.digest == dry.digest)
            #expect(real.waves == dry.waves)
            let item = try #require(try await session.log().last)
            #expect(item.change.action == .migrationPlanned)
            #expect(item.header.migration == real.id)
            #expect(
                item.change.subject == .migration(id: real.id, before: nil, after: real.facts))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `has another digest as soon as it would do anything else`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(["a.example", "b.example", "c.example"])
            let names = ["a.example", "b.example"]
            var digests = [try await session.plan(names, dryRun: true).digest]
            digests += [try await session.plan(["a.example", "c.example"], dryRun: true).digest]
            digests += [try await session.plan(["a.example"], dryRun: true).digest]
            digests += [
                try await session.plan(names, waves: [.count(1), .rest], dryRun: true).digest
            ]
            digests += [try await session.plan(names, freeze: .reject, dryRun: true).digest]
            try await session.commit(.patch("b.example", mode: .readOnly))
            digests += [try await session.plan(names, dryRun: true).digest]
            #expect(Set(digests).count == digests.count)
        }
    }

    /// The names that a filter selects: planned, read, and cancelled again.
    private static func selected(
        _ filter: DomainFilter, percent: Double? = nil, _ session: StoreSession
    ) async throws -> [String] {
        let migration = try await session.plan(
            MigrationPlan(
                id: MigrationPlan.newID(), name: "n", from: japan, to: aws,
                selection: .filter(filter, sample: percent.flatMap { Sample(percent: $0) })))
        let rows = try await session.rows(of: migration)
        if migration.state.isOpen {
            try await session.commit(.cancelMigration(id: migration.id))
        }
        return rows
    }

    @Test(arguments: StoreUnderTest.all)
    func `filters by name, tenant and age`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(["a.one.example", "b.one.example", "a.notone.example"])
            session.pass(.seconds(10))
            let later = session.clock.value
            try await session.registerAll(["late.one.example"])
            try await session.commit(.patch("b.one.example", tenant: "seven"))
            try await session.commit(.patch("a.notone.example", location: aws))

            func names(_ filter: DomainFilter) async throws -> [String] {
                try await Self.selected(filter, session)
            }
            #expect(
                try await names(DomainFilter(suffix: "one.example")) == [
                    "a.one.example 1 planned", "b.one.example 1 planned",
                    "late.one.example 1 planned",
                ])
            #expect(
                try await names(DomainFilter(prefix: "a.")) == [
                    "a.one.example 1 planned", "a.notone.example not-at-source skipped",
                ])
            #expect(
                try await names(DomainFilter(tenant: "seven")) == ["b.one.example 1 planned"])
            #expect(
                try await names(DomainFilter(suffix: "one.example", registeredBefore: later)) == [
                    "a.one.example 1 planned", "b.one.example 1 planned",
                ])
            #expect(
                try await names(DomainFilter(location: aws)) == [
                    "a.notone.example not-at-source skipped"
                ])
            #expect(try await names(DomainFilter(mode: .reject)).isEmpty)
            #expect(try await names(DomainFilter(tenant: "nobody")).isEmpty)
            #expect(try await names(DomainFilter()).count == 4)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `samples the same names every time, and a larger share holds every smaller one`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll((0..<1_000).map { "n\($0).example" })
            var last: Set<String> = []
            for percent in [1.0, 10, 50, 100] {
                let names = try await Self.selected(DomainFilter(), percent: percent, session)
                let again = try await Self.selected(DomainFilter(), percent: percent, session)
                #expect(names == again)
                #expect(last.isSubset(of: names))
                // Five standard deviations of a fair draw, and more.
                #expect(abs(Double(names.count) - 10 * percent) < 80)
                last = Set(names)
            }
            #expect(last.count == 1_000)
            // SHA-256 of "n0.example" begins with 42272720.
            let share = Double(0x42272720) / 0x1p32 * 100
            let n0 = DomainFilter(prefix: "n0.")
            #expect(try await Self.selected(n0, percent: share + 1e-6, session).count == 1)
            #expect(try await Self.selected(n0, percent: share - 1e-6, session).isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is refused for a location that nobody knows`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(["a.example"])
            await #expect(throws: RegistryError.unknownLocation(nowhere)) {
                try await session.plan(["a.example"], to: nowhere)
            }
            await #expect(throws: RegistryError.unknownLocation(nowhere)) {
                try await session.plan(["a.example"], from: nowhere)
            }
            #expect(try await session.revision() == 1)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `keeps its locations until it is over`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(.putLocation(nowhere, settings()))
            try await session.registerAll(["a.example"])
            let migration = try await session.plan(["a.example"], to: nowhere)
            await #expect(throws: RegistryError.locationInUse(nowhere)) {
                try await session.commit(.deleteLocation(nowhere))
            }
            try await session.commit(.cancelMigration(id: migration.id))
            try await session.commit(.deleteLocation(nowhere))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that is dry is what follows, with many waves, filters and names left out`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let names = (0..<40).map { "n\($0 * 7 % 40).example" }
            try await session.registerAll(names)
            try await session.registerAll(["there.example"], at: aws)
            _ = try await session.plan(["n3.example", "n4.example"])
            let selections: [Selection] = [
                .names(
                    (names + ["unknown.example", "n1.example", "there.example"]).map { fqdn($0) }),
                .filter(DomainFilter(suffix: "example"), sample: nil),
                .filter(DomainFilter(prefix: "n1"), sample: Sample(percent: 50)),
                .filter(DomainFilter(tenant: "nobody"), sample: nil),
            ]
            for selection in selections {
                for waves in [
                    [WaveSize.rest], [.count(3), .percent(10), .count(1), .rest], [.count(2)],
                ] {
                    var plan = MigrationPlan(
                        id: MigrationPlan.newID(), name: "n", from: japan, to: aws,
                        selection: selection, waves: waves, freeze: .reject, isDryRun: true)
                    var dry = try await session.plan(plan)
                    plan.listing = MigrationDomainQuery(migration: "", limit: 7)
                    let listed = try await session.listed(by: plan)
                    plan.listing = nil
                    plan.isDryRun = false
                    let real = try await session.plan(plan)
                    let kept = try await session.store.domains(
                        of: MigrationDomainQuery(migration: real.id, limit: 1_000)
                    ).value.items
                    #expect(listed.map(\.position) == kept.map(\.position))
                    #expect(listed.map(\.fqdn) == kept.map(\.fqdn))
                    #expect(listed.map(\.wave) == kept.map(\.wave))
                    #expect(listed.map(\.code) == kept.map(\.code))
                    dry.id = real.id
                    #expect(dry == real)
                    #expect(try await session.current(real) == real)
                    if real.state.isOpen {
                        try await session.commit(.cancelMigration(id: real.id))
                    }
                }
            }
        }
    }
}
