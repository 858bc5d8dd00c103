import HTTPTypes
import RegistryAPI
import RegistryModel

extension Problem {
    /// In answers of a node whose sessions a pooler gives to others.
    static let pooledSessions =
        "the database's sessions aren't this node's own (transaction pooling)"

    /// - Parameter isPooled: why the store isn't asked, where it isn't.
    init(_ error: RegistryError, isPooled: Bool) {
        self.init(error)
        if error == .storeUnavailable, isPooled {
            detail = "\(Self.pooledSessions); nothing was written"
        }
    }

    init(_ error: RegistryError) {
        let code = error.code
        self =
            switch error {
            case .malformedName(_, let rule): Problem(.badRequest, code, rule.explanation)
            case .reservedName(let name):
                Problem(.unprocessableContent, code, "\(name) is reserved")
            case .outsideSuffix(let name):
                Problem(
                    .unprocessableContent, code,
                    "\(name) isn't below a parent that this registry serves")
            case .invalidTenant:
                Problem(
                    .badRequest, code,
                    "a tenant has 1 to 200 characters, none of them control characters, and isn't called . or .."
                )
            case .invalidMode:
                Problem(.badRequest, code, "a mode is serve, read_only or reject")
            case .unknownDomain(let name): Problem(.notFound, code, "\(name) isn't registered")
            case .notHeld(let name):
                Problem(.notFound, code, "\(name) isn't held, or its hold is over")
            case .domainTaken(let name): Problem(.conflict, code, "\(name) is registered")
            case .domainQuarantined(let name, let availableAt):
                Problem(
                    .conflict, code,
                    "\(name) was released, and is in quarantine until \(availableAt)"
                )
                .available(at: availableAt)
            case .domainHeld(let name, let until):
                Problem(.conflict, code, "\(name) is held until \(until)").available(at: until)
            case .holdsAreOver(let names):
                Problem(
                    .conflict, code,
                    "the hold of \(names.first?.text ?? "a name") is over, which isn't noted yet")
            case .notTheHolder(let name):
                Problem(
                    .forbidden, code,
                    "\(name) is held by another token: that one may, or an operator's")
            case .releaseForbidden(let role):
                Problem(
                    .forbidden, code,
                    "the role \(role.rawValue) may release names that it holds, and no domains")
            case .nameEntangled(let name, let other):
                Problem(
                    .conflict, code,
                    "\(name) lies \(name.isWithin(other) ? "below" : "above") \(other), which isn't this tenant's"
                ).entangled(with: other)
            case .unknownTenant(let tenant):
                Problem(
                    .notFound, code, "no domain that is registered has the tenant “\(tenant)”")
            case .tenantElsewhere(let tenant, let locations):
                Problem(
                    .conflict, code,
                    "the tenant “\(tenant)” has its other domains at \(locations.map(\.text).joined(separator: ", ")); there, or with allow_split by an operator"
                ).elsewhere(locations)
            case .tenantSplit(let name, let tenant, let others, let total):
                Problem(
                    .conflict, code,
                    "\(name) is one of the \(total + 1) domains of the tenant “\(tenant)”: move the tenant, or send allow_split"
                ).splitting(others, total)
            case .splittingForbidden(let role):
                Problem(
                    .forbidden, code,
                    "the role \(role.rawValue) may not put one tenant's domains in different places"
                )
            case .tenantTooLarge(let why):
                Problem(.conflict, code, "\(why): plan a migration")
            case .unknownLocation(let name):
                Problem(.unprocessableContent, code, "there is no location \(name)")
            case .locationNotFound(let name):
                Problem(.notFound, code, "there is no location \(name)")
            case .locationClosed(let name):
                Problem(.conflict, code, "\(name) doesn't take signups")
            case .locationInUse(let name):
                Problem(
                    .conflict, code,
                    "domains, live, held or in quarantine, or open migrations refer to \(name)")
            case .defaultLocationRequired(let name):
                Problem(
                    .conflict, code,
                    "\(name) is the default for signups; make another location the default first")
            case .tooManyLocations(let limit):
                Problem(
                    .conflict, code, "there are \(limit) locations already, and can't be more")
            case .unknownToken(let id): Problem(.notFound, code, "there is no active token \(id)")
            case .lastAdminToken(let id):
                Problem(
                    .conflict, code,
                    "\(id) is the last admin token that lasts; make another one without expiry first"
                )
            case .unknownWebhook(let name):
                Problem(.notFound, code, "there is no webhook \(name)")
            case .tooManyWebhooks(let limit):
                Problem(.conflict, code, "there are \(limit) webhooks already, and can't be more")
            case .webhookForbidden(let why): Problem(.unprocessableContent, code, why)
            case .revisionMismatch(let current?):
                Problem(
                    .preconditionFailed, code, "what is to be changed is at revision \(current)"
                ).current(
                    current.revision)
            case .revisionMismatch(nil):
                Problem(.preconditionFailed, code, "what is to be changed isn't there")
            case .idempotencyKeyReused:
                Problem(
                    .unprocessableContent, code,
                    "this Idempotency-Key came with another request before")
            case .unknownMigration(let id):
                Problem(.notFound, code, "there is no migration \(id)")
            case .unknownWave(let number, let migration):
                Problem(.notFound, code, "the migration \(migration) has no wave \(number)")
            case .wrongWaveState(let state, let wave, let event):
                Problem(
                    .conflict, code,
                    "wave \(wave) is \(state.rawValue): \(event.refusal(in: state))"
                ).inState(state.rawValue)
            case .freezeIsOver(let wave, let deadline):
                Problem(
                    .conflict, code,
                    "the freeze of wave \(wave) ended at \(deadline); it thaws, and never moves by itself"
                ).inState(WaveState.frozen.rawValue)
            case .wrongMigrationState(let state, let why):
                Problem(.conflict, code, why).inState(state.rawValue)
            case .planMismatch(let why):
                Problem(.preconditionFailed, code, "\(why): this isn't the plan that was reviewed")
            case .approvalRequired(let wave, let size, let limit, let planner):
                Problem(
                    .conflict, code,
                    "wave \(wave) has \(size) domains; above \(limit) somebody else than “\(planner.name)” (token \(planner.token)), who planned it, has to approve it first"
                )
            case .selfApproval(let wave):
                Problem(
                    .forbidden, code,
                    "wave \(wave) was planned with this very token; another one has to approve it")
            case .blastRadius(let why):
                Problem(.conflict, code, "\(why), unless an admin sends an override")
            case .overrideForbidden(let role):
                Problem(
                    .forbidden, code, "the role \(role.rawValue) may not set a guard aside")
            case .nestingForbidden(let role):
                Problem(
                    .forbidden, code,
                    "the role \(role.rawValue) may not put names below or above another tenant's")
            case .waveConflict(let conflicts, let total):
                Problem(
                    .conflict, code,
                    "\(total) \(total == 1 ? "domain stands" : "domains stand") in the way, for \(total == 1 ? "it isn't" : "they aren't") as the plan or the last step left them, or came to a tenant of the wave's since; nothing was changed"
                ).with(conflicts, total)
            case .domainInMigration(let name, let migration, let wave):
                Problem(
                    .conflict, code,
                    "wave \(wave) of the migration \(migration) holds \(name), or its tenant, frozen"
                ).frozen(in: WaveName(migration: migration, number: wave))
            case .notConverged(let lagging, let agents):
                Problem(
                    .conflict, code,
                    "\(lagging.count) of \(agents) \(agents == 1 ? "agent" : "agents") \(lagging.count == 1 ? "isn't" : "aren't") known to have applied the freeze"
                ).with(lagging: lagging)
            case .notSafe(let unsafe, let agents):
                Problem(
                    .conflict, code,
                    "\(unsafe.count) of \(agents) \(agents == 1 ? "agent" : "agents") \(unsafe.count == 1 ? "has" : "have") neither applied the freeze nor been silent for as long as a lease lasts since it applied the announcement"
                ).with(lagging: unsafe)
            case .frozenAnew(let wave):
                Problem(
                    .conflict, code,
                    "wave \(wave) was frozen anew meanwhile; nobody has asked the agents for that freeze"
                ).with(lagging: [])
            case .notAnnounced(let wave, let state):
                Problem(
                    .conflict, code, "wave \(wave) is \(state.rawValue), and wasn't announced"
                ).inState(state.rawValue)
            case .noFreeze(let wave, let state):
                Problem(
                    .conflict, code,
                    "wave \(wave) is \(state.rawValue): there is no freeze that agents could have applied"
                ).inState(state.rawValue)
            case .noSerialLeft(let zone):
                // Without a time to come back after: the same again is refused alike.
                Problem(
                    .serviceUnavailable, code,
                    "the serial of the zone \(zone) is 4294967295, the last one that there is")
            case .unknownAgent(let name):
                Problem(.notFound, code, "no agent that counts is called \(name)")
            case .tooManyAgents(let limit):
                Problem(
                    .conflict, code, "there are \(limit) agents already, and can't be more")
            case .unknownTime(let asked, let latest):
                Problem.invalid([
                    FieldProblem(
                        pointer: "?at", code: code,
                        detail: "nobody knows the future: \(asked) is later than \(latest)")
                ])
            case .tooManyMoments(let asked, let parameter):
                Problem.invalid([
                    FieldProblem(
                        pointer: "?\(parameter)", code: code,
                        detail: "that's \(asked), and an answer has at most "
                            + "\(CountHistoryQuery.maximumMoments) moments and "
                            + "\(CountHistoryQuery.maximumCounts) counts: take longer steps, or "
                            + "less time")
                ])
            case .unknownRevision(let asked, let head):
                Problem(.notFound, code, "revision \(asked) isn't there; the last one is \(head)")
            case .revisionNotReached(let asked, let now):
                Problem(
                    .gatewayTimeout, code,
                    "this node is at revision \(now), and didn't reach \(asked) in time"
                )
                .with(.retryAfter, "1")
            case .invalidCursor:
                Problem(.badRequest, code, "the cursor isn't one that this list gave")
            case .notReady:
                Problem(.serviceUnavailable, code, "the routing table isn't loaded yet").with(
                    .retryAfter, "1")
            case .needsRegistry:
                Problem(
                    .notImplemented, code,
                    "an agent knows where domains live now; ask the registry for the rest")
            case .resync(let why):
                Problem(.gone, code, "\(why); begin again with a snapshot")
            case .verificationRunning:
                Problem(.conflict, code, "a verification is under way already; one runs at a time")
                    .with(.retryAfter, "10")
            case .backupRunning:
                Problem(.conflict, code, "a backup is being made already; one at a time")
                    .with(.retryAfter, "10")
            case .backupUnsupported:
                Problem(.notImplemented, code, "this store's own tools make its backups")
            case .backupFailed:
                Problem(
                    .internalServerError, code,
                    "the copy couldn't be made, or isn't sound; the store itself is as it was")
            case .overloaded:
                Problem(.serviceUnavailable, code, "too many requests wait for the store").with(
                    .retryAfter, "1")
            case .storageFull:
                Problem(
                    HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage"), code,
                    "the disk is full; nothing was written"
                ).with(.retryAfter, "30")
            case .storeFailed:
                Problem(
                    .serviceUnavailable, code,
                    "the store failed; the write may or may not be there, ask again after the restart"
                ).with(.retryAfter, "5")
            case .storeUnavailable:
                Problem(
                    .serviceUnavailable, code,
                    "the database can't be reached; nothing was written"
                ).with(.retryAfter, "1")
            case .storeLimit(let setting):
                // Without a time to come back after: the same again is refused alike.
                Problem(
                    .serviceUnavailable, code,
                    "the database's \(setting) doesn't allow this; nothing was written, and the same again won't be"
                )
            case .outcomeUnknown:
                Problem(
                    .serviceUnavailable, code,
                    "the database went away under the commit: the write may or may not be there; repeat it with its Idempotency-Key, or look"
                ).with(.retryAfter, "5")
            case .inconsistent: .internalError
            }
    }

    private func available(at time: Timestamp) -> Problem {
        var copy = self
        copy.availableAt = time
        return copy
    }

    private func inState(_ state: String) -> Problem {
        var copy = self
        copy.state = state
        return copy
    }

    private func with(_ conflicts: [WaveConflict], _ total: Int) -> Problem {
        var copy = self
        copy.conflicts = conflicts
        copy.conflictCount = total
        return copy
    }

    private func entangled(with other: FQDN) -> Problem {
        var copy = self
        copy.entangledWith = other
        return copy
    }

    private func elsewhere(_ locations: [LocationName]) -> Problem {
        var copy = self
        copy.locations = locations
        return copy
    }

    private func splitting(_ others: [FQDN], _ total: Int) -> Problem {
        var copy = self
        (copy.others, copy.otherCount) = (others, total)
        return copy
    }

    private func frozen(in wave: WaveName) -> Problem {
        var copy = self
        copy.frozenIn = wave
        return copy
    }

    private func with(lagging: [AgentName]) -> Problem {
        var copy = self
        copy.lagging = lagging
        return copy
    }

    private func current(_ revision: Revision) -> Problem {
        var copy = self
        copy.revision = revision
        return copy
    }
}
extension WaveState.Event {
    /// Why the step doesn't fit, in words.
    fileprivate func refusal(in state: WaveState) -> String {
        switch (self, state) {
        case (.announce, .planned), (.freeze, .planned):
            "its migration moves waves without freezing them"
        case (.cutOver, .planned): "it must be frozen before it moves"
        case (.announce, _): "only a planned wave can be announced"
        case (.cutOver, .announced): "it must be frozen before it moves"
        case (.freeze, _): "only a planned or announced wave can be frozen"
        case (.cutOver, _): "only a wave that hasn't moved can be cut over"
        case (.thaw, _): "only an announced or frozen wave can thaw"
        case (.rollBack, _): "only a moved wave can be rolled back"
        case (.finalize, _): "only a moved wave can be finalized"
        case (.cancel, _): "only a wave that hasn't moved can be cancelled"
        case (.approve, _): "only a planned or announced wave can be approved"
        }
    }
}
