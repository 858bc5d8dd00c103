import RegistryModel

/// Decides commands inside a transaction and writes them to the log: the same rules for every
/// engine, written once.
///
/// The path of one write: idempotency record → the command's own rules, which write the new state →
/// header and digest over the previous one → log → head → idempotency record. The engine commits
/// all of it or nothing.
package struct Ledger: Sendable {
    /// How long a released name can't be registered again.
    package var quarantine: Duration
    /// How much one wave may do.
    package var blastRadius: BlastRadius
    /// Which waves need two people.
    package var approval: ApprovalRule
    /// How many locations there may be.
    package var locationLimit: Int
    /// Parents below which tenants stand side by side.
    package var suffixes: [FQDN]

    package init(
        quarantine: Duration, blastRadius: BlastRadius = BlastRadius(),
        approval: ApprovalRule = ApprovalRule(), locationLimit: Int = Location.maximumCount,
        suffixes: [FQDN] = []
    ) {
        self.suffixes = suffixes
        self.locationLimit = locationLimit
        self.quarantine = quarantine
        self.blastRadius = blastRadius
        self.approval = approval
    }

    /// What became of a command inside its transaction.
    package struct CommandResult: Sendable {
        package var committed: Committed
        /// `nil`: it made no revision.
        package var changes: RevisionChanges?
        /// Where the log ends with that revision; `nil`: it made none.
        package var head: Head?
    }

    /// - Parameter now: the time that it is. What lasts for a while is set and judged by it; the
    ///   revision's stamp is it too, unless the head's is later already.
    /// - Throws: `RegistryError` for a refusal; anything else is the engine's failure. After either
    ///   the caller rolls the command's writes back.
    package func execute(
        _ request: CommitRequest, in transaction: some LedgerTransaction, now: Timestamp
    ) throws -> CommandResult {
        if let key = request.idempotency,
            let record = try transaction.idempotencyRecord(token: key.token, key: key.key),
            let replay = try record.replay(of: key, at: now)
        {
            return CommandResult(committed: replay)
        }

        guard request.isStorable else { throw RegistryError.inconsistent }
        let head = try transaction.head()
        let revision = head.revision.next
        let at = max(now, head.at)
        let step = CommandExecution(
            transaction: transaction, epoch: head.epoch, revision: revision, at: at, now: now,
            actor: request.actor, note: request.note, settings: self)
        let decision = try step.decide(request.command)
        guard decision.changeCount > 0 else {
            let committed = Committed(revision: head.revision, outcome: decision.outcome)
            // Repeated later, it might change something.
            if let key = request.idempotency {
                try transaction.put(
                    IdempotencyRecord(
                        key: key, revision: head.revision, outcome: decision.outcome,
                        createdAt: now))
            }
            return CommandResult(committed: committed)
        }
        let (effects, newHead) = try append(
            decision, request, in: transaction, after: head, at: at)
        if let key = request.idempotency {
            try transaction.put(
                IdempotencyRecord(
                    key: key, revision: revision, outcome: decision.outcome, createdAt: now))
        }
        return CommandResult(
            committed: Committed(revision: revision, outcome: decision.outcome), changes: effects,
            head: newHead)
    }

    /// Makes the decision the next revision: log, digest, head.
    /// - Returns: what memory must learn of it, and where the log ends now.
    private func append(
        _ decision: Decision, _ request: CommitRequest, in transaction: some LedgerTransaction,
        after head: Head, at: Timestamp
    ) throws -> (RevisionChanges, Head) {
        let header = RevisionHeader(
            epoch: head.epoch, revision: head.revision.next, at: at, actor: request.actor,
            note: request.note, requestID: request.requestID, migration: decision.migration,
            wave: decision.wave, overrideReason: decision.overrideReason,
            allowsSplit: decision.allowsSplit)
        var effects = decision.effects
        var digest = RevisionDigest(
            header, changeCount: decision.changeCount, after: head.digest)
        try transaction.append(decision.log, to: header.revision, from: decision.movedRows)
        if decision.movedRows > 0 {
            // What set-based statements wrote is known only to the log.
            effects.domains += try transaction.readBack(header.revision, at: at, into: &digest)
        } else {
            for change in decision.log { digest.add(ChangeRow(change)) }
        }
        let result = digest.finish()
        try transaction.append(header, digest: result, changeCount: decision.changeCount)
        let newHead = Head(epoch: head.epoch, revision: header.revision, digest: result, at: at)
        try transaction.advanceHead(to: newHead)
        return (effects, newHead)
    }
}

extension CommandExecution {
    fileprivate func decide(_ command: Command) throws -> Decision {
        switch command {
        case .register(let domain): try register(domain)
        case .registerBatch(let rows): try registerBatch(rows)
        case .change(let fqdn, let patch, let ifMatch): try change(fqdn, patch, ifMatch: ifMatch)
        case .release(let fqdn, let ifMatch): try release(fqdn, ifMatch: ifMatch)
        case .restore(let fqdn, let allowsNested, let allowsSplit):
            try restore(fqdn, allowsNested: allowsNested, allowsSplit: allowsSplit)
        case .hold(let domain, let duration): try hold(domain, for: duration)
        case .activate(let fqdn): try activate(fqdn)
        case .expireHolds(let fqdns): try expireHolds(fqdns)
        case .changeTenant(let tenant, let patch): try changeTenant(tenant, patch)
        case .putLocation(let name, let settings, let keepsDNS, let ifMatch):
            try putLocation(name, settings, keepsDNS: keepsDNS, ifMatch: ifMatch)
        case .deleteLocation(let name, let ifMatch): try deleteLocation(name, ifMatch: ifMatch)
        case .createToken(let token): try createToken(token)
        case .revokeToken(let id): try revokeToken(id)
        case .planMigration(let plan): try planMigration(plan)
        case .waveStep(let step): try waveStep(step)
        case .approveWave(let wave, let planDigest): try approveWave(wave, planDigest: planDigest)
        case .finalizeMigration(let id): try finalizeMigration(id)
        case .cancelMigration(let id): try cancelMigration(id)
        case .putWebhook(let name, let settings, let secret, let spare):
            try putWebhook(name, settings, secret: secret, spare: spare)
        case .deleteWebhook(let name): try deleteWebhook(name)
        }
    }
}

extension CommitRequest {
    /// Whether its free texts come back from every engine as they went in. SQLite's text ends at a
    /// NUL for GRDB, and PostgreSQL has none at all: the digest would cover what isn't stored.
    var isStorable: Bool {
        var texts: [String?] = [actor.token, actor.name, note.reason, note.ticket, requestID]
        switch command {
        case .register(let domain), .hold(let domain, _): texts += domain.texts
        case .registerBatch(let rows):
            for case .wanted(let domain) in rows { texts += domain.texts }
        case .change(_, let patch, _): texts += patch.texts
        case .changeTenant(let tenant, _): texts.append(tenant)
        case .createToken(let token): texts += [token.id, token.name]
        case .planMigration(let plan): texts += [plan.id, plan.name]
        case .waveStep(let step):
            switch step.action {
            case .announce(let agreement), .freeze(let agreement, _), .cutOver(let agreement):
                texts.append(agreement.overrideReason)
            case .rollBack, .thaw, .thawWhenDue: break
            }
        case .release, .restore, .activate, .expireHolds, .putLocation, .deleteLocation,
            .revokeToken, .finalizeMigration, .cancelMigration, .approveWave, .putWebhook,
            .deleteWebhook:
            break
        }
        return !texts.contains { $0?.utf8.contains(0) ?? false }
    }
}

/// What a command came to: its answer, its lines in the log, and what memory must learn of it.
struct Decision {
    var outcome: Outcome
    /// Lines that set-based statements have written already, from position 0 on.
    var movedRows = 0
    /// Lines that come after them.
    var log: [Change] = []
    var effects: RevisionChanges
    /// What the revision's header says of a migration's step.
    var migration: String?
    var wave: Int?
    var overrideReason: String?
    /// Whether it puts domains of one tenant in different places because an operator said so.
    var allowsSplit = false

    var changeCount: Int { movedRows + log.count }

    static func unchanged(_ outcome: Outcome, at revision: Revision) -> Decision {
        Decision(outcome: outcome, effects: RevisionChanges(revision: revision))
    }
}

/// One command at work: the revision that it will become, and its transaction.
struct CommandExecution<Transaction: LedgerTransaction> {
    let transaction: Transaction
    let epoch: Epoch
    let revision: Revision
    /// The revision's stamp, of which no two go back: for what the log says, and nothing else.
    let at: Timestamp
    /// The time that it is: for what is to happen later, or lasts for a while.
    let now: Timestamp
    let actor: Actor
    let note: Note
    let settings: Ledger

    var quarantine: Duration { settings.quarantine }
}
