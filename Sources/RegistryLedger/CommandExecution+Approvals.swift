import RegistryModel

// Two people: one plans, and another one looks at the plan before many domains freeze or move. Tokens are told apart by
// their ids: two may have one name.

extension CommandExecution {
    /// Approves a wave, once and for all. Who approves an approved one gets the first approval again.
    func approveWave(_ name: WaveName, planDigest: String) throws -> Decision {
        let migration = try migration(name.migration)
        guard let wave = migration.waves.first(where: { $0.number == name.number }) else {
            throw RegistryError.unknownWave("\(name.number)", migration: name.migration)
        }
        guard actor.token != migration.createdBy.token else {
            throw RegistryError.selfApproval(wave: wave.number)
        }
        guard planDigest == migration.digestText else {
            throw RegistryError.planMismatch("the plan's digest is \(migration.digestText)")
        }
        if let approval = wave.approval {
            return .unchanged(.approval(ApprovalOutcome(name, approval)), at: revision)
        }
        _ = try after(.approve, wave, of: migration)
        let approval = WaveApproval(by: actor, at: at, revision: revision)
        try transaction.insert(approval, of: name)
        return Decision(
            outcome: .approval(ApprovalOutcome(name, approval)),
            log: [
                Change(
                    .waveApproved,
                    .approval(
                        migration: migration.id,
                        ApprovalFacts(wave: wave.number, planDigest: migration.digestText)))
            ],
            effects: RevisionChanges(revision: revision), migration: migration.id,
            wave: wave.number)
    }

    /// A large wave neither freezes nor moves before somebody else has seen its plan.
    func checkApproval(_ wave: Wave, of migration: Migration) throws {
        guard let limit = settings.approval.limit(for: wave) else { return }
        throw RegistryError.approvalRequired(
            wave: wave.number, size: wave.size, limit: limit, planner: migration.createdBy)
    }
}
