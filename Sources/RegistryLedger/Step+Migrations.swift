import RegistryModel

extension Step {
    func planMigration(_ plan: MigrationPlan) throws -> Decision {
        for name in [plan.from, plan.to] where try transaction.location(name) == nil {
            throw RegistryError.unknownLocation(name)
        }
        let counts = try transaction.stage(plan.selection, from: plan.from)
        let sizes = WaveSize.sizes(of: plan.waves, eligible: counts.eligible)
        var migration = Migration(
            id: plan.id, name: plan.name, from: plan.from, to: plan.to, freeze: plan.freeze,
            state: .planned, digest: RevisionDigest.genesis, counts: counts,
            waves: zip(1..., sizes).map { Wave(number: $0, size: $1) },
            createdAt: at, createdBy: actor, note: note)
        try transaction.keepPlan(migration)
        migration.digest = try digest(of: migration)
        try transaction.setDigest(migration.digest, ofMigration: migration.id)
        migration.skipped = try transaction.skippedNames(
            of: migration.id, limit: Migration.skippedShown)
        migration.warnings = try warnings(about: migration)
        guard !plan.isDryRun else {
            migration.id = ""
            var decision = Decision.unchanged(.migration(migration), at: revision)
            decision.isKept = false
            return decision
        }
        return Decision(
            outcome: .migration(migration),
            log: [
                Change(
                    .migrationPlanned,
                    .migration(id: migration.id, before: nil, after: migration.facts))
            ],
            effects: RevisionChanges(revision: revision, openMigrations: 1),
            migration: migration.id)
    }

    /// The plan's identity: where from, where to, how frozen, and each wave's rows. Neither its name
    /// nor its time: a dry run and the plan that follows have one digest where they'd do the same.
    private func digest(of migration: Migration) throws -> [UInt8] {
        var hash = NetstringHash()
        hash.text(migration.from.text)
        hash.text(migration.to.text)
        hash.text(migration.freeze.rawValue)
        hash.number(Int64(migration.waves.count))
        try transaction.addPlan(of: migration.id, to: &hash)
        return hash.finish()
    }

    private func warnings(about migration: Migration) throws -> [PlanWarning] {
        var remaining = try transaction.domainCount(at: migration.from)
        return migration.waves.compactMap { wave in
            remaining -= wave.size
            return settings.blastRadius.refusal(
                size: wave.size, remaining: remaining, source: migration.from
            ).map { PlanWarning(wave: wave.number, code: "blast-radius", detail: $0) }
        }
    }

    func finalizeMigration(_ id: String) throws -> Decision {
        var migration = try migration(id)
        guard migration.state.isOpen else {
            throw RegistryError.wrongMigrationState(
                migration.state, why: "the migration is \(migration.state.rawValue) already")
        }
        if let open = migration.waves.first(where: \.state.isOpen) {
            throw RegistryError.wrongMigrationState(
                migration.state,
                why: "wave \(open.number) is \(open.state.rawValue): move or cancel it first")
        }
        return try end(&migration, .migrationFinalized, as: .finalized, .finalize) {
            $0.state == .moved
        }
    }

    func cancelMigration(_ id: String) throws -> Decision {
        var migration = try migration(id)
        guard migration.waves.contains(where: \.state.isOpen) || migration.waves.isEmpty,
            migration.state.isOpen
        else {
            throw RegistryError.wrongMigrationState(
                migration.state,
                why: "no wave of the migration is planned or frozen: there is nothing to cancel")
        }
        var thawed = 0
        for wave in migration.waves where wave.state == .frozen {
            thawed += try transaction.apply(
                WaveMove(.cancel, wave, of: migration, mayLeaveRows: true),
                revision: revision, at: at, from: thawed)
        }
        let after = migration.waves.map { $0.state.isOpen ? .cancelled : $0.state }
        let state = after.isEmpty ? .cancelled : MigrationState.running(with: after)
        var decision = try end(&migration, .migrationCancelled, as: state, .cancel) {
            $0.state.isOpen
        }
        decision.movedRows = thawed
        return decision
    }

    /// Takes `event` on every wave that `isMeant`, and gives the migration its new state.
    private func end(
        _ migration: inout Migration, _ action: Action, as state: MigrationState,
        _ event: WaveState.Event, where isMeant: (Wave) -> Bool
    ) throws -> Decision {
        let before = migration.facts
        for index in migration.waves.indices where isMeant(migration.waves[index]) {
            migration.waves[index].state = try after(event, migration.waves[index], of: migration)
            migration.waves[index].deadline = nil
            migration.waves[index].revision = revision
            try transaction.put(migration.waves[index], of: migration.id)
        }
        migration.state = state
        try transaction.setState(state, ofMigration: migration.id)
        migration.skipped = try transaction.skippedNames(
            of: migration.id, limit: Migration.skippedShown)
        return Decision(
            outcome: .migration(migration),
            log: [
                Change(
                    action, .migration(id: migration.id, before: before, after: migration.facts))
            ],
            effects: RevisionChanges(
                revision: revision, openMigrations: state.isOpen ? 0 : -1),
            migration: migration.id)
    }

    func migration(_ id: String) throws -> Migration {
        guard let migration = try transaction.migration(id) else {
            throw RegistryError.unknownMigration(id)
        }
        return migration
    }

    func after(
        _ event: WaveState.Event, _ wave: Wave, of migration: Migration
    ) throws -> WaveState {
        do throws(WaveState.Illegal) {
            return try wave.state.after(event, freezes: migration.freeze != .none)
        } catch {
            throw RegistryError.wrongWaveState(error.state, wave: wave.number, error.event)
        }
    }
}
