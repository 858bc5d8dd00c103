import RegistryModel

extension CommandExecution {
    /// One step of one wave: all of its rows, or nothing.
    func waveStep(_ step: WaveStep) throws -> Decision {
        let started = ContinuousClock.now
        var migration = try migration(step.migration)
        guard let index = migration.waves.firstIndex(where: { $0.number == step.wave }) else {
            throw RegistryError.unknownWave("\(step.wave)", migration: step.migration)
        }
        var wave = migration.waves[index]
        let event = step.action.event
        try check(step.action.agreement, wave, of: migration)
        let next = try after(event, wave, of: migration)
        try checkFreeze(step.action.agreement, wave)
        try checkDeadline(step.action, wave)
        var override: String?
        try checkApproval(wave, of: migration)
        if event != .announce {
            override = try guardBlast(step.action.agreement, wave, of: migration)
        }

        let move = try WaveMove(
            event, wave, of: migration, mayLeaveRows: step.action.mayLeaveRows)
        var result = WaveOutcome(
            migration: migration.id, wave: wave.number, state: next, count: 0, milliseconds: 0)
        if step.action == .rollBack(skipsConflicts: true) {
            (result.skipped, result.skippedCount) = ([], 0)
            (result.conflicts, result.conflictCount) = ([], 0)
        }
        result.count = try transaction.apply(move, revision: revision, at: at, from: 0)
        if result.count < wave.size { try settle(step.action, move, &result) }
        if result.count > 0 {
            let strangers = try transaction.strangers(
                to: move, appliedAt: revision, limit: WaveConflict.shown)
            guard strangers.total == 0 else {
                throw RegistryError.waveConflict(strangers.rows, total: strangers.total)
            }
        }
        let splits = try result.count > 0 && transaction.hasSplit(move)

        switch event {
        case .announce: wave.announcement = revision
        case .freeze: break
        default: wave.announcement = nil
        }
        wave.state = next
        wave.revision = revision
        wave.deadline = nil
        if case .freeze(_, let deadline) = step.action { wave.deadline = now.adding(deadline) }
        result.deadline = wave.deadline
        migration.waves[index] = wave
        try transaction.put(wave, of: migration.id)
        if migration.state == .planned {
            try transaction.setState(.running, ofMigration: migration.id)
        }
        result.milliseconds = Int(started.duration(to: .now) / .milliseconds(1))
        let name = WaveName(migration: migration.id, number: wave.number)
        let freezes: [RevisionChanges.FreezeChange] =
            switch event {
            case .freeze:
                [.began(FrozenWave(name: name, location: migration.from, size: wave.size))]
            case .cutOver, .thaw: [.ended(name)]
            case .announce, .rollBack, .finalize, .cancel, .approve: []
            }
        return Decision(
            outcome: .wave(result), movedRows: result.count,
            effects: RevisionChanges(revision: revision, freezes: freezes), migration: migration.id,
            wave: wave.number, overrideReason: override, allowsSplit: splits)
    }

    /// The plan must be the one that whoever acts on it has seen.
    private func check(
        _ agreement: WaveAgreement?, _ wave: Wave, of migration: Migration
    ) throws {
        guard let agreement else { return }
        guard agreement.planDigest == migration.digestText else {
            throw RegistryError.planMismatch("the plan's digest is \(migration.digestText)")
        }
        guard agreement.expectedCount == wave.size else {
            throw RegistryError.planMismatch("wave \(wave.number) has \(wave.size) domains")
        }
    }

    /// The agents were asked before the transaction began: meanwhile the wave may have thawed, and have
    /// been frozen again.
    private func checkFreeze(_ agreement: WaveAgreement?, _ wave: Wave) throws {
        guard let applied = agreement?.appliedFreeze else { return }
        guard wave.state == .frozen else {
            throw RegistryError.noFreeze(wave: wave.number, wave.state)
        }
        guard wave.revision == applied else { throw RegistryError.frozenAnew(wave: wave.number) }
    }

    /// Past its deadline a wave only thaws: writes at the source may have been promised to visitors.
    private func checkDeadline(_ action: WaveStep.Action, _ wave: Wave) throws {
        if action == .thawWhenDue, wave.state != .frozen {
            throw RegistryError.wrongWaveState(wave.state, wave: wave.number, .thaw)
        }
        guard let deadline = wave.deadline else { return }
        switch action {
        case .cutOver where deadline <= now:
            throw RegistryError.freezeIsOver(wave: wave.number, at: deadline)
        case .thawWhenDue where deadline > now:
            throw RegistryError.wrongWaveState(wave.state, wave: wave.number, .thaw)
        default: break
        }
    }

    /// - Returns: why the guard was set aside, where it had something to say.
    private func guardBlast(
        _ agreement: WaveAgreement?, _ wave: Wave, of migration: Migration
    ) throws -> String? {
        guard let agreement else { return nil }
        let radius = settings.blastRadius
        let remaining = try transaction.remaining(at: migration.from, radius) - wave.size
        guard
            let refusal = radius.refusal(
                size: wave.size, remaining: remaining, source: migration.from)
        else { return nil }
        guard let override = agreement.overrideReason else {
            throw RegistryError.blastRadius(refusal)
        }
        return override
    }

    /// Some rows weren't as the step expects them.
    private func settle(
        _ action: WaveStep.Action, _ move: WaveMove, _ result: inout WaveOutcome
    ) throws {
        let limit = WaveConflict.shown
        var (conflicts, total) = try transaction.conflicts(
            with: move, appliedAt: revision, limit: limit)
        switch action {
        case .rollBack(skipsConflicts: true):
            // A tenant that is left whole has rows here that are as they should be: what keeps them is told instead.
            let dividing = try transaction.dividing(move, limit: limit)
            conflicts += dividing.rows.prefix(limit - conflicts.count)
            total += dividing.total
            guard result.count > 0 else {
                throw RegistryError.waveConflict(conflicts, total: total)
            }
            (result.conflicts, result.conflictCount) = (conflicts, total)
            let left = try transaction.leaveRows(of: move, appliedAt: revision, limit: limit)
            (result.skipped, result.skippedCount) = (left.names, left.total)
        case .thaw, .thawWhenDue:
            // What is only announced may all have been moved away: there's nothing to thaw then, and the migration can be
            // cancelled.
            guard result.count > 0 || move.expected.fence == nil else {
                throw RegistryError.waveConflict(conflicts, total: total)
            }
            // Nothing can change a frozen row but a hand in the database: thaw what is frozen.
            guard result.count > 0 else { throw RegistryError.inconsistent }
        case .announce, .freeze, .cutOver, .rollBack:
            throw RegistryError.waveConflict(conflicts, total: total)
        }
    }
}

extension WaveStep.Action {
    fileprivate var event: WaveState.Event {
        switch self {
        case .announce: .announce
        case .freeze: .freeze
        case .cutOver: .cutOver
        case .rollBack: .rollBack
        case .thaw, .thawWhenDue: .thaw
        }
    }

    fileprivate var mayLeaveRows: Bool {
        switch self {
        case .announce, .freeze, .cutOver: false
        case .rollBack(let skipsConflicts): skipsConflicts
        case .thaw, .thawWhenDue: true
        }
    }

    fileprivate var agreement: WaveAgreement? {
        switch self {
        case .announce(let agreement), .freeze(let agreement, _), .cutOver(let agreement): agreement
        case .rollBack, .thaw, .thawWhenDue: nil
        }
    }
}
