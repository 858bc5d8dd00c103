import RegistryModel

/// Makes a plan of what a transaction sees. Whether it's kept is the caller's business: a dry run and the
/// plan itself are this same work.
struct Planning<Transaction: PlanningTransaction> {
    let transaction: Transaction
    let at: Timestamp
    let actor: Actor
    let note: Note
    let blastRadius: BlastRadius
    let approval: ApprovalRule

    func migration(_ plan: MigrationPlan) throws -> Migration {
        for name in [plan.from, plan.to] where try transaction.location(name) == nil {
            throw RegistryError.unknownLocation(name)
        }
        let counts = try transaction.stage(plan)
        let tenants = try transaction.stagedTenantSizes()
        let sizes =
            tenants.map { WaveSize.sizes(of: plan.waves, tenants: $0) }
            ?? WaveSize.sizes(of: plan.waves, eligible: counts.eligible)
        var migration = Migration(
            id: plan.id, name: plan.name, from: plan.from, to: plan.to, freeze: plan.freeze,
            // Nobody could ever take a step of it: it would stand open until somebody cleared it away.
            state: sizes.isEmpty ? .cancelled : .planned, digest: RevisionDigest.genesis,
            counts: counts,
            waves: zip(1..., sizes).map { Wave(number: $0, size: $1) },
            skipped: try transaction.stagedSkippedNames(limit: Migration.skippedShown),
            createdAt: at, createdBy: actor, note: note, wholeTenants: plan.wholeTenants)
        migration.digest = try digest(of: migration)
        migration.mark(by: approval)
        migration.warnings = try warnings(about: migration) + unapproved(in: migration)
        if tenants != nil { migration.warnings += leftOut(of: migration, plan.waves) }
        return migration
    }

    /// The plan's identity: where from, where to, how frozen, and each wave's rows. Neither its name
    /// nor its time: a dry run and the plan that follows have one digest where they'd do the same.
    private func digest(of migration: Migration) throws -> [UInt8] {
        var hash = NetstringHash()
        hash.text(migration.from.text)
        hash.text(migration.to.text)
        hash.text(migration.freeze.rawValue)
        if migration.wholeTenants { hash.text("whole_tenants") }
        hash.number(Int64(migration.waves.count))
        try transaction.addStagedPlan(of: migration.waves, to: &hash)
        return hash.finish()
    }

    /// Waves that would have held everything, had tenants been divided.
    private func leftOut(of migration: Migration, _ waves: [WaveSize]) -> [PlanWarning] {
        let wanted = WaveSize.sizes(of: waves, eligible: migration.counts.eligible).reduce(0, +)
        let planned = migration.waves.reduce(0) { $0 + $1.size }
        guard let last = migration.waves.last, planned < wanted else { return [] }
        return [
            PlanWarning(
                wave: last.number, code: "left-out",
                detail:
                    "\(migration.counts.eligible - planned) eligible domains are in no wave, for their tenants didn't fit whole: end with a wave of the rest"
            )
        ]
    }

    /// Waves that can't go on without somebody else.
    private func unapproved(in migration: Migration) -> [PlanWarning] {
        migration.waves.compactMap { wave in
            approval.limit(for: wave).map { limit in
                PlanWarning(
                    wave: wave.number, code: "approval-required",
                    detail:
                        "the wave has \(wave.size) domains; above \(limit) somebody with another token than the planner's has to approve it"
                )
            }
        }
    }

    private func warnings(about migration: Migration) throws -> [PlanWarning] {
        var remaining = try transaction.remaining(at: migration.from, blastRadius)
        return migration.waves.compactMap { wave in
            remaining -= wave.size
            return blastRadius.refusal(
                size: wave.size, remaining: remaining, source: migration.from
            ).map { PlanWarning(wave: wave.number, code: "blast-radius", detail: $0) }
        }
    }
}

extension PlanningTransaction {
    /// How many domains are at a wave's source, for `BlastRadius`. Who asks for no minimum pays for no
    /// count.
    func remaining(at source: LocationName, _ radius: BlastRadius) throws -> Int {
        radius.minimumRemaining > 0 ? try domainCount(at: source) : .max
    }
}

extension Ledger {
    /// What a plan would be, of what `transaction` sees: the plan itself, and nothing is kept of it.
    ///
    /// - Parameters:
    ///   - record: what is known of the request's key.
    ///   - now: the time that it is.
    package func dryRun(
        _ request: CommitRequest, _ plan: MigrationPlan, in transaction: some PlanningTransaction,
        at head: Head, record: IdempotencyRecord?, now: Timestamp
    ) throws -> Committed {
        if let key = request.idempotency, let replay = try record?.replay(of: key, at: now) {
            return replay
        }
        guard request.isStorable else { throw RegistryError.inconsistent }
        let planning = Planning(
            transaction: transaction, at: max(now, head.at), actor: request.actor,
            note: request.note, blastRadius: blastRadius, approval: approval)
        var migration = try planning.migration(plan)
        migration.id = ""
        return Committed(revision: head.revision, outcome: .migration(migration))
    }
}

extension CommitRequest {
    /// The plan of which only what it would be is asked.
    package var dryRun: MigrationPlan? {
        guard case .planMigration(let plan) = command, plan.isDryRun else { return nil }
        return plan
    }
}
