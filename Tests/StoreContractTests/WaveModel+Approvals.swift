import RegistryModel

// the contract: two people for large waves.

extension ModelMigration {
    func isHeldUp(_ wave: Wave) -> Bool {
        wave.approval == nil && wave.rows.count > approveAbove ?? .max
    }

    /// What a plan says of its waves.
    var unapproved: [PlanWarning] {
        zip(1..., waves).filter { isHeldUp($1) }.map {
            PlanWarning(wave: $0.0, code: "approval-required", detail: "")
        }
    }
}

extension WaveModel {
    /// Two people: the planner is always the tester.
    mutating func approve(
        _ name: WaveName, planDigest: String, by actor: Actor
    ) throws(Refusal) -> Written {
        let index = try index(of: name.migration)
        let migration = migrations[index]
        guard migration.waves.indices.contains(name.number - 1) else {
            throw Refusal("unknown-wave")
        }
        let wave = migration.waves[name.number - 1]
        guard actor.token != Actor.tester.token else { throw Refusal("self-approval") }
        let facts = ApprovalFacts(
            wave: name.number, planDigest: DigestText.text(migration.digest))
        guard planDigest == facts.planDigest else { throw Refusal("plan-mismatch") }
        if let first = wave.approval {
            return Written(outcome: .approval(ApprovalOutcome(name, first)), lines: [])
        }
        guard wave.isStillToBegin else { throw Refusal("wrong-state", wave.state.rawValue) }
        let approval = WaveApproval(by: actor, at: now, revision: next)
        migrations[index].waves[name.number - 1].approval = approval
        return Written(
            outcome: .approval(ApprovalOutcome(name, approval)),
            lines: [Change(.waveApproved, .approval(migration: migration.id, facts))],
            migration: migration.id, wave: name.number)
    }
}
