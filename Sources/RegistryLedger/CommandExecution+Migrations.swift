import RegistryModel

extension CommandExecution {
    func planMigration(_ plan: MigrationPlan) throws -> Decision {
        // A dry run is decided on a snapshot, where it holds up nobody.
        guard !plan.isDryRun else { throw RegistryError.inconsistent }
        let planning = Planning(
            transaction: transaction, at: at, actor: actor, note: note,
            blastRadius: settings.blastRadius, approval: settings.approval)
        let migration = try planning.migration(plan)
        try transaction.keepPlan(migration)
        return Decision(
            outcome: .migration(migration),
            log: [
                Change(
                    .migrationPlanned,
                    .migration(id: migration.id, before: nil, after: migration.facts))
            ],
            effects: RevisionChanges(
                revision: revision, openMigrations: migration.state.isOpen ? 1 : 0),
            migration: migration.id)
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
                why:
                    "no wave of the migration is planned, announced or frozen: there is nothing to cancel"
            )
        }
        var thawed = 0
        for wave in migration.waves where wave.state == .frozen || wave.state == .announced {
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
            migration.waves[index].announcement = nil
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
                revision: revision, openMigrations: state.isOpen ? 0 : -1,
                freezes: event == .cancel ? [.cancelled(migration: migration.id)] : []),
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
