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

    package init(quarantine: Duration) {
        self.quarantine = quarantine
    }

    /// - Parameter now: the time of the transaction. The revision's own time never goes back behind
    ///   the head's.
    /// - Throws: `RegistryError` for a refusal; anything else is the engine's failure. After either
    ///   the caller rolls the command's writes back.
    package func execute(
        _ request: CommitRequest, in transaction: some LedgerTransaction, now: Timestamp
    ) throws -> (committed: Committed, changes: RevisionChanges?) {
        if let key = request.idempotency,
            let record = try transaction.idempotencyRecord(token: key.token, key: key.key),
            let replay = try record.replay(of: key, at: now)
        {
            return (replay, nil)
        }

        guard request.isStorable else { throw RegistryError.inconsistent }
        let head = try transaction.head()
        let revision = head.revision.next
        let at = max(now, head.at)
        let decision = try decide(request.command, in: transaction, revision: revision, at: at)
        guard !decision.log.isEmpty else {
            return (Committed(revision: head.revision, outcome: decision.outcome), nil)
        }

        let header = RevisionHeader(
            epoch: head.epoch, revision: revision, at: at, actor: request.actor, note: request.note,
            requestID: request.requestID)
        let digest = RevisionDigest.digest(of: header, changes: decision.log, after: head.digest)
        try transaction.append(header, digest: digest, changes: decision.log)
        try transaction.advanceHead(
            to: Head(epoch: head.epoch, revision: revision, digest: digest, at: at))

        if let key = request.idempotency {
            try transaction.put(
                IdempotencyRecord(
                    key: key, revision: revision, outcome: decision.outcome, createdAt: at))
        }
        return (Committed(revision: revision, outcome: decision.outcome), decision.effects)
    }

    private func decide(
        _ command: Command, in transaction: some LedgerTransaction, revision: Revision,
        at: Timestamp
    ) throws -> Decision {
        let step = Step(
            transaction: transaction, revision: revision, at: at, quarantine: quarantine)
        return switch command {
        case .register(let domain): try step.register(domain)
        case .registerBatch(let rows): try step.registerBatch(rows)
        case .change(let fqdn, let patch, let ifMatch):
            try step.change(fqdn, patch, ifMatch: ifMatch)
        case .release(let fqdn, let ifMatch): try step.release(fqdn, ifMatch: ifMatch)
        case .restore(let fqdn): try step.restore(fqdn)
        case .putLocation(let name, let settings): try step.putLocation(name, settings)
        case .deleteLocation(let name): try step.deleteLocation(name)
        case .createToken(let token): try step.createToken(token)
        case .revokeToken(let id): try step.revokeToken(id)
        }
    }
}

extension CommitRequest {
    /// Whether its free texts come back from every engine as they went in. SQLite's text ends at a
    /// NUL for GRDB, and PostgreSQL has none at all: the digest would cover what isn't stored.
    fileprivate var isStorable: Bool {
        var texts: [String?] = [actor.token, actor.name, note.reason, note.ticket, requestID]
        switch command {
        case .register(let domain): texts.append(domain.tenant)
        case .registerBatch(let rows):
            for case .wanted(let domain) in rows { texts.append(domain.tenant) }
        case .change(_, let patch, _):
            if case .set(let tenant) = patch.tenant { texts.append(tenant) }
        case .createToken(let token): texts += [token.id, token.name]
        case .release, .restore, .putLocation, .deleteLocation, .revokeToken: break
        }
        return !texts.contains { $0?.utf8.contains(0) ?? false }
    }
}

/// What a command came to: its answer, its lines in the log, and what memory must learn of it.
struct Decision {
    var outcome: Outcome
    var log: [Change] = []
    var effects: RevisionChanges

    static func unchanged(_ outcome: Outcome, at revision: Revision) -> Decision {
        Decision(outcome: outcome, effects: RevisionChanges(revision: revision))
    }
}

/// One command at work: the revision that it will become, and its transaction.
struct Step<Transaction: LedgerTransaction> {
    let transaction: Transaction
    let revision: Revision
    let at: Timestamp
    let quarantine: Duration
}
