import RegistryModel
import TestRandom

/// Commands at random, of a kind that makes migrations meet: few names, and steps that mostly fit
/// where a wave stands.
struct WaveCommands {
    var random: SeededRandom

    static let names = (0..<9).flatMap { ["a\($0).x.example", "b\($0).y.example"] }.map {
        fqdn($0)
    }

    static let tenants = ["one", "two", "three", "four"]

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    private mutating func place() -> LocationName {
        pick([japan, japan, japan, aws, aws, nowhere])
    }

    /// Mostly short, at times longer than deadlines and quarantine.
    mutating func pause() -> Duration {
        chance(4)
            ? .milliseconds(Int.random(in: 1...90_000, using: &random))
            : .milliseconds(Int.random(in: 1...2_500, using: &random))
    }

    mutating func next(in model: WaveModel) -> Command {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<10: return registration()
        case 10..<14: return hold(in: model)
        case 14..<26: return change()
        case 26..<30: return .release(pick(Self.names), ifMatch: nil)
        case 30..<33: return .restore(pick(Self.names), allowsSplit: chance(20))
        case 33:
            return .changeTenant(
                pick(Self.tenants + ["nobody"]),
                TenantPatch(
                    location: chance(70) ? place() : nil,
                    mode: chance(40) ? pick(Mode.allCases) : nil))
        case 34: return .putLocation(nowhere, settings("http://\(pick(["one", "two"]))"))
        case 35: return .deleteLocation(nowhere)
        case 36..<50: return .planMigration(plan())
        default: return step(in: model)
        }
    }

    /// Who sends it: now and then the planner would approve his own plan.
    mutating func actor(of command: Command) -> Actor {
        guard case .approveWave = command else { return .tester }
        return chance(80) ? .namesake : .tester
    }

    private mutating func registration() -> Command {
        guard chance(40) else {
            return .register(
                NewDomain(
                    fqdn: pick(Self.names), location: chance(70) ? place() : nil,
                    tenant: chance(50) ? pick(Self.tenants) : nil, allowsSplit: chance(15)))
        }
        let location = place()
        let allowsSplit = chance(20)
        return .registerBatch(
            Self.names.shuffled(using: &random).prefix(8).map {
                .wanted(
                    NewDomain(
                        fqdn: $0, location: chance(60) ? location : nil,
                        tenant: chance(60) ? pick(Self.tenants) : nil, allowsSplit: allowsSplit))
            })
    }

    private mutating func hold(in model: WaveModel) -> Command {
        let free = Self.names.filter { model.domains[$0] == nil }
        let held = Self.names.filter { model.held[$0] != nil }
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5:
            let name = pick(chance(80) && !free.isEmpty ? free : Self.names)
            return .hold(
                NewDomain(
                    fqdn: name, location: chance(50) ? place() : nil,
                    tenant: chance(70) ? pick(Self.tenants) : nil, allowsSplit: chance(15)),
                for: .seconds(Int.random(in: 5...60, using: &random)))
        case 5..<7: return .activate(pick(held.isEmpty ? Self.names : held))
        case 7..<9: return .release(pick(held.isEmpty ? Self.names : held), ifMatch: nil)
        default: return .expireHolds(nil)
        }
    }

    private mutating func change() -> Command {
        var patch = DomainPatch()
        if chance(40) { patch.location = place() }
        if chance(60) { patch.mode = pick(Mode.allCases) }
        if chance(30) { patch.tenant = chance(30) ? .clear : .set(pick(Self.tenants)) }
        patch.allowsSplit = chance(25)
        return .change(pick(Self.names), patch, ifMatch: nil)
    }

    private mutating func plan() -> MigrationPlan {
        let from = place()
        var to = place()
        while to == from { to = place() }
        let waves: [[WaveSize]] = [
            [.rest], [.count(2), .rest], [.count(1), .percent(34), .rest], [.percent(50)],
            [.count(3), .count(3), .count(30), .rest],
        ]
        return MigrationPlan(
            id: "m-\(UInt64.random(in: 0 ... .max, using: &random))", name: "at random",
            from: from, to: to, selection: selection(), waves: pick(waves),
            freeze: pick([.none, .readOnly, .readOnly, .reject]), wholeTenants: chance(70),
            isDryRun: chance(15))
    }

    private mutating func selection() -> Selection {
        guard chance(35) else {
            let count = Int.random(in: 1...10, using: &random)
            return .names((0..<count).map { _ in pick(Self.names + [fqdn("unknown.example")]) })
        }
        var filter = DomainFilter()
        if chance(40) { filter.suffix = pick(["x.example", "example", "a1.x.example"]) }
        if chance(30) { filter.prefix = pick(["a", "b", "a1."]) }
        if chance(20) { filter.contains = pick(["x.ex", "a1", ".x"]) }
        if chance(20) { filter.tenant = pick(Self.tenants) }
        if chance(20) {
            let seconds = Int.random(in: 0...3_000, using: &random)
            filter.registeredBefore = StoreSession.start.adding(.seconds(seconds))
        }
        return .filter(filter, sample: nil)
    }

    // MARK: Steps

    private mutating func step(in model: WaveModel) -> Command {
        let open = model.migrations.filter(\.state.isOpen).suffix(8)
        guard
            let migration = (chance(90) ? open.randomElement(using: &random) : nil)
                ?? model.migrations.suffix(12).randomElement(using: &random)
        else { return .cancelMigration(id: "m-unknown") }
        let isUnknown = chance(1)
        let id = isUnknown ? "m-unknown" : migration.id
        if chance(12) || migration.waves.isEmpty {
            return chance(50) ? .finalizeMigration(id: id) : .cancelMigration(id: id)
        }
        let number = Int.random(in: 1...migration.waves.count, using: &random)
        let wave = migration.waves[number - 1]
        if model.approveAbove != nil, chance(35) {
            let digest = DigestText.text(migration.digest)
            return .approveWave(
                WaveName(migration: id, number: chance(3) ? 99 : number),
                planDigest: chance(4) ? "sha256:00" : digest)
        }
        let action = chance(80) ? fitting(wave, migration) : any(wave, migration)
        return .waveStep(WaveStep(action, migration: id, wave: chance(1) ? 99 : number))
    }

    private mutating func fitting(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) -> WaveStep.Action {
        switch wave.state {
        case .planned where migration.plan.freeze != .none:
            chance(25) ? .announce(agreement(wave, migration)) : freeze(wave, migration)
        case .announced: chance(75) ? freeze(wave, migration) : .thaw
        case .planned: .cutOver(agreement(wave, migration))
        case .frozen: chance(75) ? .cutOver(agreement(wave, migration)) : .thaw
        default: .rollBack(skipsConflicts: chance(50))
        }
    }

    private mutating func any(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) -> WaveStep.Action {
        switch Int.random(in: 0..<6, using: &random) {
        case 5: .announce(agreement(wave, migration))
        case 0: freeze(wave, migration)
        case 1: .cutOver(agreement(wave, migration))
        case 2: .thaw
        case 3: .thawWhenDue
        default: .rollBack(skipsConflicts: chance(50))
        }
    }

    private mutating func freeze(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) -> WaveStep.Action {
        .freeze(
            agreement(wave, migration),
            deadline: .seconds(Int.random(in: 1...60, using: &random)))
    }

    private mutating func agreement(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) -> WaveAgreement {
        let digest = DigestText.text(migration.digest)
        return WaveAgreement(
            planDigest: chance(2) ? String(digest.dropLast()) : digest,
            expectedCount: wave.rows.count + (chance(2) ? 1 : 0),
            overrideReason: chance(30) ? "because" : nil)
    }
}
