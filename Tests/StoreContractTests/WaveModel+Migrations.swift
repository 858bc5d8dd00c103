import RegistryModel

// the contract.

/// A plan and where its waves stand.
struct ModelMigration {
    struct Row {
        var name: FQDN
        /// As the plan saw it.
        var mode: Mode
        /// As somebody set it while the wave was frozen.
        var changed: Mode?
        var life: Int
        /// Left where it was by a rollback that skips.
        var stayed = false

        var own: Mode { changed ?? mode }

        func told(_ freeze: FreezeMode) -> Mode { max(own, freeze.mode ?? .serve) }
    }

    struct Wave {
        var rows: [Row]
        var state = WaveState.planned
        var deadline: Timestamp?
        var revision: Revision?
        var announcement: Revision?
        var approval: WaveApproval?

        var isStillToBegin: Bool { state == .planned || state == .announced }
    }

    var plan: MigrationPlan
    var state = MigrationState.planned
    var waves: [Wave]
    var skipped: [SkippedName]
    var counts: PlanCounts
    /// Only the service knows how to make one: taken from its answer.
    var digest: [UInt8] = []
    var createdAt: Timestamp
    /// Waves of more domains need two people.
    var approveAbove: Int?

    var id: String { plan.id }
    var from: LocationName { plan.from }
    var to: LocationName { plan.to }

    /// As answers have it, with the first skipped names or without.
    func resource(showsSkipped: Bool = true) -> Migration {
        Migration(
            id: plan.isDryRun ? "" : id, name: plan.name, from: from, to: to, freeze: plan.freeze,
            state: state, digest: digest, counts: counts,
            waves: zip(1..., waves).map { number, wave in
                var shown = RegistryModel.Wave(
                    number: number, state: wave.state, size: wave.rows.count,
                    deadline: wave.deadline, revision: wave.revision,
                    announcement: wave.announcement, approval: wave.approval)
                shown.needsApproval = wave.isStillToBegin && isHeldUp(wave)
                return shown
            }, skipped: showsSkipped ? Array(skipped.prefix(100)) : nil, createdAt: createdAt,
            createdBy: .tester, note: Note(), wholeTenants: plan.wholeTenants)
    }

    /// Every name of the plan: `name wave status`, `name code skipped`.
    var lines: [String] {
        zip(1..., waves).flatMap { number, wave in
            wave.rows.map { row in
                "\(row.name) \(number) \(row.stayed ? "moved" : wave.state.rawValue)"
            }
        } + skipped.map { "\($0.fqdn) \($0.code.rawValue) skipped" }
    }

    /// What a digest stands for: where from, where to, how frozen, and each wave's rows.
    var substance: [String] {
        ["\(from) \(to) \(plan.freeze) \(plan.wholeTenants)"]
            + zip(1..., waves).flatMap { number, wave in
                wave.rows.map { "\(number) \($0.name) \($0.mode)" }
            }
    }
}

extension WaveModel {
    /// The frozen wave that a domain is in.
    func freeze(of name: FQDN) -> (migration: String, wave: Int)? {
        wave(of: name) { $0 == .frozen }
    }

    private func wave(
        of name: FQDN, in isMeant: (WaveState) -> Bool
    ) -> (migration: String, wave: Int)? {
        for migration in migrations {
            for (number, wave) in zip(1..., migration.waves) where isMeant(wave.state) {
                if wave.rows.contains(where: { $0.name == name }) { return (migration.id, number) }
            }
        }
        return nil
    }

    // MARK: Plans

    mutating func plan(_ plan: MigrationPlan) throws(Refusal) -> Written {
        for location in [plan.from, plan.to] where locations[location] == nil {
            throw Refusal("unknown-location")
        }
        let migration = sketch(plan)
        var resource = migration.resource()
        resource.warnings = warnings(about: migration)
        guard !plan.isDryRun else { return Written(outcome: .migration(resource), lines: []) }
        migrations.append(migration)
        return Written(
            outcome: .migration(resource),
            lines: [
                Change(
                    .migrationPlanned,
                    .migration(id: plan.id, before: nil, after: resource.facts))
            ], migration: plan.id)
    }

    /// What a plan would be now.
    func sketch(_ plan: MigrationPlan) -> ModelMigration {
        let selected = names(of: plan.selection)
        let hasTenants = plan.wholeTenants && domains.values.contains { $0.domain.tenant != nil }
        let units = hasTenants ? bringingTenants(selected, plan.from) : selected.map { [$0] }
        var (eligible, skipped): ([[ModelMigration.Row]], [SkippedName]) = ([], [])
        var seen: Set<FQDN> = []
        for unit in units {
            let isWhole =
                !hasTenants
                || movesWhole(unit, plan) {
                    reasonToSkip($0, isAgain: false, plan.from) == .inAnotherMigration
                }
            var rows: [ModelMigration.Row] = []
            for name in unit {
                let isAgain = !seen.insert(name).inserted
                if let code = reasonToSkip(name, isAgain: isAgain, plan.from) {
                    skipped.append(SkippedName(fqdn: name, code: code))
                } else if !isWhole {
                    skipped.append(SkippedName(fqdn: name, code: .tenantNotWhole))
                } else if let live = domains[name] {
                    rows.append(.init(name: name, mode: live.domain.mode, life: live.life))
                }
            }
            if !rows.isEmpty { eligible.append(rows) }
        }
        let waves = Self.waves(plan.waves, eligible)
        return ModelMigration(
            plan: plan, state: waves.isEmpty ? .cancelled : .planned, waves: waves,
            skipped: skipped,
            counts: PlanCounts(
                selected: units.joined().count, eligible: eligible.joined().count),
            createdAt: now, approveAbove: approveAbove)
    }

    /// Takes over the digest of the plan that was just made, here and in the log.
    mutating func learn(_ digest: [UInt8]) {
        guard !migrations.isEmpty else { return }
        migrations[migrations.count - 1].digest = digest
        let facts = migrations[migrations.count - 1].resource().facts
        relog(
            Change(
                .migrationPlanned,
                .migration(id: migrations[migrations.count - 1].id, before: nil, after: facts)))
    }

    private func names(of selection: Selection) -> [FQDN] {
        guard case .filter(let filter, _) = selection else {
            guard case .names(let names) = selection else { return [] }
            return names
        }
        return domains.values.map(\.domain).filter { domain in
            let name = domain.fqdn.text
            return filter.prefix.map(name.hasPrefix) ?? true
                && filter.suffix.map { name == $0 || name.hasSuffix("." + $0) } ?? true
                && filter.contains.map { !name.ranges(of: $0).isEmpty } ?? true
                && filter.tenant.map { $0 == domain.tenant } ?? true
                && filter.registeredBefore.map { domain.registeredAt < $0 } ?? true
        }.map(\.fqdn).sorted { $0.text < $1.text }
    }

    private func reasonToSkip(
        _ name: FQDN, isAgain: Bool, _ from: LocationName
    ) -> SkippedName.Code? {
        if isAgain { return .duplicate }
        guard let live = domains[name] else { return .unknownDomain }
        if live.domain.location != from { return .notAtSource }
        return wave(of: name) { [.planned, .announced, .frozen].contains($0) } == nil
            ? nil : .inAnotherMigration
    }

    private static func waves(
        _ sizes: [WaveSize], _ eligible: [[ModelMigration.Row]]
    ) -> [ModelMigration.Wave] {
        var left = eligible[...]
        var waves: [ModelMigration.Wave] = []
        let total = eligible.joined().count
        for size in sizes {
            let wanted =
                switch size {
                case .count(let count): count
                // Rounded up; tests of this model ask for whole percents.
                case .percent(let percent): (total * Int(percent) + 99) / 100
                case .rest: total
                }
            var rows: [ModelMigration.Row] = []
            while let next = left.first, rows.isEmpty || rows.count + next.count <= wanted {
                rows += next
                left.removeFirst()
            }
            rows.sort { $0.name.text < $1.name.text }
            if !rows.isEmpty { waves.append(ModelMigration.Wave(rows: rows)) }
        }
        return waves
    }

    private func warnings(about migration: ModelMigration) -> [PlanWarning] {
        largeWaves(of: migration) + migration.unapproved + leftOut(of: migration)
    }

    /// Waves that would have held what is in none, had tenants been divided.
    private func leftOut(of migration: ModelMigration) -> [PlanWarning] {
        let planned = migration.waves.reduce(0) { $0 + $1.rows.count }
        let total = migration.counts.eligible
        var wanted = 0
        for wave in migration.plan.waves {
            switch wave {
            case .count(let count): wanted += count
            case .percent(let percent): wanted += (total * Int(percent) + 99) / 100
            case .rest: wanted = total
            }
        }
        guard planned < min(wanted, total) else { return [] }
        return [PlanWarning(wave: migration.waves.count, code: "left-out", detail: "")]
    }

    private func largeWaves(of migration: ModelMigration) -> [PlanWarning] {
        var remaining = count(at: migration.from)
        return zip(1..., migration.waves).compactMap { number, wave in
            remaining -= wave.rows.count
            let isLarge = wave.rows.count > radius.maximumWave
            guard isLarge || remaining < radius.minimumRemaining else { return nil }
            return PlanWarning(wave: number, code: "blast-radius", detail: "")
        }
    }

    func count(at location: LocationName) -> Int {
        domains.values.count { $0.domain.location == location }
    }

    // MARK: The end

    mutating func finalize(_ id: String) throws(Refusal) -> Written {
        let index = try index(of: id)
        let migration = migrations[index]
        guard migration.state.isOpen,
            migration.waves.allSatisfy({ !$0.state.isOpen })
        else { throw Refusal("wrong-state", migration.state.rawValue) }
        return end(index, .migrationFinalized, as: .finalized, [.moved], wave: .finalized, [])
    }

    mutating func cancel(_ id: String) throws(Refusal) -> Written {
        let index = try index(of: id)
        let migration = migrations[index]
        // A plan of nothing is over when anybody says so.
        guard migration.state.isOpen,
            migration.waves.isEmpty
                || migration.waves.contains(where: \.state.isOpen)
        else { throw Refusal("wrong-state", migration.state.rawValue) }
        let lines = migration.waves.flatMap { wave in
            switch wave.state {
            case .frozen:
                wave.rows.compactMap { move($0, to: migration.from, mode: $0.own, .thawed) }
            case .announced: unannounce(wave, migration)
            default: [Change]()
            }
        }
        let hasMoved = migration.waves.contains { !$0.state.isOpen }
        return end(
            index, .migrationCancelled, as: hasMoved ? .running : .cancelled,
            [.planned, .announced, .frozen], wave: .cancelled, lines)
    }

    private mutating func end(
        _ index: Int, _ action: Action, as state: MigrationState, _ states: Set<WaveState>,
        wave: WaveState, _ lines: [Change]
    ) -> Written {
        let before = migrations[index].resource().facts
        for number in migrations[index].waves.indices
        where states.contains(migrations[index].waves[number].state) {
            migrations[index].waves[number].state = wave
            migrations[index].waves[number].deadline = nil
            migrations[index].waves[number].announcement = nil
            migrations[index].waves[number].revision = next
        }
        migrations[index].state = state
        let resource = migrations[index].resource()
        return Written(
            outcome: .migration(resource),
            lines: lines + [
                Change(
                    action, .migration(id: resource.id, before: before, after: resource.facts))
            ], migration: resource.id)
    }

    func index(of id: String) throws(Refusal) -> Int {
        guard let index = migrations.firstIndex(where: { $0.id == id }) else {
            throw Refusal("unknown-migration")
        }
        return index
    }
}
