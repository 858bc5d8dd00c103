import RegistryModel

// the contract: freeze, cutover, rollback, thaw.

extension WaveModel {
    private typealias Place = WaveConflict.Place

    mutating func take(_ step: WaveStep) throws(Refusal) -> Written {
        let index = try index(of: step.migration)
        let migration = migrations[index]
        guard migration.waves.indices.contains(step.wave - 1) else { throw Refusal("unknown-wave") }
        let wave = migration.waves[step.wave - 1]
        let override = try check(step.action, wave, migration)
        let before = places(of: wave)
        let written =
            switch step.action {
            case .announce: try announce(wave, migration)
            case .freeze(_, let deadline): try freeze(wave, migration, for: deadline)
            case .cutOver: try cutOver(wave, migration)
            case .rollBack(let skips): try rollBack(wave, migration, skips: skips)
            case .thaw, .thawWhenDue: try thaw(wave, migration)
            }
        var after = written.wave
        after.revision = next
        switch after.state {
        case .announced: after.announcement = next
        case .frozen: break
        default: after.announcement = nil
        }
        migrations[index].waves[step.wave - 1] = after
        migrations[index].state = .running
        var outcome = written.outcome
        outcome.wave = step.wave
        // Whoever makes a plan says by it that its steps may split tenants, or that they may be split again.
        hasSplit = before.contains { tenant, places in
            self.places(of: tenant).isStrictSuperset(of: places)
        }
        return Written(
            outcome: .wave(outcome), lines: written.lines, migration: migration.id,
            wave: step.wave, overrideReason: override)
    }

    /// Where the tenants of a wave have their domains.
    private func places(of wave: ModelMigration.Wave) -> [String: Set<LocationName>] {
        let tenants = wave.rows.compactMap { domains[$0.name]?.domain.tenant }
        return Dictionary(uniqueKeysWithValues: Set(tenants).map { ($0, places(of: $0)) })
    }

    /// What a step may be refused for before any row is looked at.
    /// - Returns: why the guard is set aside, where it had something to say.
    private func check(
        _ action: WaveStep.Action, _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) throws(Refusal) -> String? {
        var agreement: WaveAgreement?
        let allowed: Bool
        var isLate = false
        switch action {
        case .announce(let plan):
            agreement = plan
            allowed = wave.state == .planned && migration.plan.freeze != .none
        case .freeze(let plan, _):
            agreement = plan
            allowed =
                wave.state == .announced || wave.state == .planned && migration.plan.freeze != .none
        case .cutOver(let plan):
            agreement = plan
            allowed =
                wave.state == .frozen || wave.state == .planned && migration.plan.freeze == .none
            isLate = wave.deadline.map { $0 <= now } ?? false
        case .rollBack: allowed = wave.state == .moved
        case .thaw: allowed = wave.state == .frozen || wave.state == .announced
        case .thawWhenDue: allowed = wave.deadline.map { $0 <= now } ?? false
        }
        let digest = DigestText.text(migration.digest)
        if let agreement,
            agreement.planDigest != digest || agreement.expectedCount != wave.rows.count
        {
            throw Refusal("plan-mismatch")
        }
        guard allowed, !isLate else { throw Refusal("wrong-state", wave.state.rawValue) }
        if wave.isStillToBegin, migration.isHeldUp(wave) { throw Refusal("approval-required") }
        if case .announce = action { return nil }
        guard let agreement else { return nil }
        let isTooMuch =
            wave.rows.count > radius.maximumWave
            || radius.minimumRemaining > 0
                && count(at: migration.from) - wave.rows.count < radius.minimumRemaining
        guard isTooMuch else { return nil }
        guard let reason = agreement.overrideReason else { throw Refusal("blast-radius") }
        return reason
    }

    private struct Step {
        var wave: ModelMigration.Wave
        var outcome: WaveOutcome
        var lines: [Change]
    }

    private func step(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration, as state: WaveState,
        deadline: Timestamp? = nil, _ lines: [Change]
    ) -> Step {
        var after = wave
        after.state = state
        after.deadline = deadline
        return Step(
            wave: after,
            outcome: WaveOutcome(
                migration: migration.id, wave: 0, state: state, count: lines.count,
                milliseconds: 0, deadline: deadline), lines: lines)
    }

    private mutating func announce(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) throws(Refusal) -> Step {
        try expect(wave.rows) { Place(location: migration.from, mode: $0.own) }
        let lines = wave.rows.compactMap {
            move(
                $0, to: migration.from, mode: $0.own, fence: migration.plan.freeze.mode, .announced)
        }
        return step(wave, migration, as: .announced, lines)
    }

    private mutating func freeze(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration, for deadline: Duration
    ) throws(Refusal) -> Step {
        let isAnnounced = wave.state == .announced
        let conflicts = conflicts(
            wave.rows, isOff: { isAnnounced && domains[$0]?.domain.fence == nil }
        ) { Place(location: migration.from, mode: $0.own) }
        guard conflicts.isEmpty else { throw Refusal(conflicts: conflicts) }
        try expectNoStrangers(strangers(wave.rows, migration))
        let lines = wave.rows.compactMap {
            move($0, to: migration.from, mode: $0.told(migration.plan.freeze), .frozen)
        }
        return step(wave, migration, as: .frozen, deadline: now.adding(deadline), lines)
    }

    private mutating func cutOver(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) throws(Refusal) -> Step {
        let freeze = wave.state == .frozen ? migration.plan.freeze : .none
        try expect(wave.rows) { Place(location: migration.from, mode: $0.told(freeze)) }
        try expectNoStrangers(strangers(wave.rows, migration))
        try expectNoStrangers(
            frozen(at: migration.to, besides: wave, wave.rows, migration).values.joined().sorted {
                $0.fqdn.text < $1.fqdn.text
            })
        if !migration.plan.wholeTenants {
            allowed.formUnion(wave.rows.compactMap { domains[$0.name]?.domain.tenant })
        }
        let lines = wave.rows.compactMap { move($0, to: migration.to, mode: $0.own, .moved) }
        return step(wave, migration, as: .moved, lines)
    }

    private mutating func thaw(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) throws(Refusal) -> Step {
        guard wave.state == .announced else {
            let lines = wave.rows.compactMap { move($0, to: migration.from, mode: $0.own, .thawed) }
            return step(wave, migration, as: .planned, lines)
        }
        let lines = unannounce(wave, migration)
        guard !lines.isEmpty else {
            throw Refusal(
                conflicts: conflicts(wave.rows, isOff: { _ in true }) {
                    Place(
                        location: migration.from, mode: domains[$0.name]?.domain.mode ?? $0.own)
                })
        }
        return step(wave, migration, as: .planned, lines)
    }

    /// What is still announced isn't any more.
    mutating func unannounce(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration
    ) -> [Change] {
        wave.rows.compactMap { row in
            guard let live = domains[row.name], live.life == row.life, live.domain.fence != nil,
                live.domain.location == migration.from
            else { return nil }
            return move(row, to: migration.from, mode: live.domain.mode, .thawed)
        }
    }

    private mutating func rollBack(
        _ wave: ModelMigration.Wave, _ migration: ModelMigration, skips: Bool
    ) throws(Refusal) -> Step {
        // What another migration has frozen, nobody changes: not this one either.
        let conflicts = conflicts(wave.rows, isHeld: { freeze(of: $0) != nil }) {
            Place(location: migration.to, mode: $0.own)
        }
        var left = Set(conflicts.map(\.fqdn))
        guard left.isEmpty || skips && left.count < wave.rows.count else {
            throw Refusal(conflicts: conflicts)
        }
        let divided = dividedTenants(
            wave.rows.filter { !left.contains($0.name) }, wave, migration)
        let isWhole = migration.plan.wholeTenants
        let frozen = frozen(
            at: migration.from, besides: wave, wave.rows.filter { !left.contains($0.name) },
            migration)
        if !skips {
            try expectNoStrangers(
                divided.values.joined().sorted { $0.fqdn.text < $1.fqdn.text })
        }
        if !skips || !isWhole {
            try expectNoStrangers(
                frozen.values.joined().sorted { $0.fqdn.text < $1.fqdn.text })
        }
        if skips, isWhole {
            // A tenant stays whole, or goes back whole.
            let staying = Set(
                conflicts.filter { $0.found != nil }.compactMap {
                    domains[$0.fqdn]?.domain.tenant
                }
            ).union(divided.keys).union(frozen.keys)
            for row in wave.rows
            where domains[row.name]?.domain.tenant.map(staying.contains) ?? false {
                left.insert(row.name)
            }
        }
        if !migration.plan.wholeTenants {
            allowed.formUnion(wave.rows.compactMap { domains[$0.name]?.domain.tenant })
        }
        let changed = Set(conflicts.map(\.fqdn))
        let causes =
            conflicts
            + (Array(divided.values.joined()) + Array(frozen.values.joined()))
            .filter { !changed.contains($0.fqdn) }
            .sorted { $0.fqdn.text < $1.fqdn.text }
        guard left.count < wave.rows.count else { throw Refusal(conflicts: causes) }
        let lines = wave.rows.filter { !left.contains($0.name) }.compactMap {
            move($0, to: migration.from, mode: $0.own, .rolledBack)
        }
        var result = step(wave, migration, as: .rolledBack, lines)
        for index in wave.rows.indices {
            result.wave.rows[index].stayed = left.contains(wave.rows[index].name)
        }
        if skips {
            result.outcome.skipped = wave.rows.map(\.name).filter(left.contains)
            result.outcome.skippedCount = left.count
            (result.outcome.conflicts, result.outcome.conflictCount) = (causes, causes.count)
        }
        return result
    }

    // MARK: Rows

    private func expectNoStrangers(_ strangers: [WaveConflict]) throws(Refusal) {
        guard strangers.isEmpty else { throw Refusal(conflicts: strangers) }
    }

    private func expect(
        _ rows: [ModelMigration.Row], _ place: (ModelMigration.Row) -> Place
    ) throws(Refusal) {
        let conflicts = conflicts(rows, place)
        guard conflicts.isEmpty else { throw Refusal(conflicts: conflicts) }
    }

    private func conflicts(
        _ rows: [ModelMigration.Row], isHeld: (FQDN) -> Bool = { _ in false },
        isOff: (FQDN) -> Bool = { _ in false }, _ place: (ModelMigration.Row) -> Place
    ) -> [WaveConflict] {
        rows.compactMap { row in
            // A name that was registered anew is another customer's domain.
            let live = domains[row.name].flatMap { $0.life == row.life ? $0.domain : nil }
            let found = live.map { Place(location: $0.location, mode: $0.mode) }
            let expected = place(row)
            guard found != expected || isHeld(row.name) || isOff(row.name) else { return nil }
            return WaveConflict(
                fqdn: row.name, expected: expected, found: found, isFrozen: isHeld(row.name))
        }
    }

    mutating func move(
        _ row: ModelMigration.Row, to location: LocationName, mode: Mode, fence: Mode? = nil,
        _ action: Action
    ) -> Change? {
        guard var placement = domains[row.name]?.domain.placement else { return nil }
        placement.location = location
        placement.mode = mode
        placement.fence = fence
        return place(row.name, placement, action)
    }
}
