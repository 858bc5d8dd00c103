/// Every reason for which the registry refuses or fails. `RegistryHTTP` maps each to one problem.
public enum RegistryError: Error, Hashable, Sendable {
    // Names and values
    case malformedName(input: String, FQDN.Malformed)
    case reservedName(FQDN)
    case outsideSuffix(FQDN)
    /// Empty, over 200 characters, or with control characters.
    case invalidTenant
    /// A row of a batch has another mode than serve, read_only and reject.
    case invalidMode

    // State
    case unknownDomain(FQDN)
    /// There's nothing to activate.
    case notHeld(FQDN)
    case domainTaken(FQDN)
    case domainQuarantined(FQDN, availableAt: Timestamp)
    case domainHeld(FQDN, until: Timestamp)
    /// The holds of these names are over, and nobody has noted it yet: `expireHolds` does.
    case holdsAreOver([FQDN])
    /// Only who holds a name, and operators, may do something with it.
    case notTheHolder(FQDN)
    /// The role may release names that it holds, and no domains.
    case releaseForbidden(Role)
    /// It lies below or above a name of another tenant's, or of none's.
    case nameEntangled(FQDN, with: FQDN)
    case unknownTenant(String)
    /// The tenant's other domains are in these places.
    case tenantElsewhere(String, [LocationName])
    /// The move would leave others of the tenant's domains where they are: the first of them, and how many.
    case tenantSplit(FQDN, tenant: String, others: [FQDN], total: Int)
    /// Named in a request's body.
    case unknownLocation(LocationName)
    /// Named in a request's path.
    case locationNotFound(LocationName)
    case locationClosed(LocationName)
    case locationInUse(LocationName)
    case defaultLocationRequired(LocationName)
    /// A new one would be more than there may be.
    case tooManyLocations(limit: Int)
    case unknownToken(String)
    case lastAdminToken(String)
    case unknownWebhook(WebhookName)
    /// A new one would be more than there may be.
    case tooManyWebhooks(limit: Int)
    /// The URL leads where nothing may be sent: in words for whoever asked.
    case webhookForbidden(String)
    case revisionMismatch(current: Position?)
    case idempotencyKeyReused

    // Migrations
    case unknownMigration(String)
    case unknownWave(String, migration: String)
    /// The step isn't one that the wave's state allows.
    case wrongWaveState(WaveState, wave: Int, WaveState.Event)
    /// The freeze has come to its deadline; the wave is about to thaw.
    case freezeIsOver(wave: Int, at: Timestamp)
    case wrongMigrationState(MigrationState, why: String)
    case planMismatch(String)
    /// A wave of so many domains waits for somebody else than its planner; `limit` may move without.
    case approvalRequired(wave: Int, size: Int, limit: Int, planner: Actor)
    /// The token that asks is the one that the migration was planned with.
    case selfApproval(wave: Int)
    case blastRadius(String)
    /// A tenant that moves at once is held to what a wave is.
    case tenantTooLarge(String)
    case overrideForbidden(Role)
    case nestingForbidden(Role)
    case splittingForbidden(Role)
    /// The first rows that differ, and how many do.
    case waveConflict([WaveConflict], total: Int)
    case domainInMigration(FQDN, migration: String, wave: Int)
    /// Agents that haven't applied the freeze, by name, and how many agents there are.
    case notConverged(lagging: [AgentName], agents: Int)
    /// Agents that may let a write through to a frozen wave's source, by name, and how many agents there are.
    case notSafe(unsafe: [AgentName], agents: Int)
    /// The wave was frozen again after the agents were asked about its freeze.
    case frozenAnew(wave: Int)
    /// The wave isn't announced, nor frozen after that: no agent knows of it.
    case notAnnounced(wave: Int, WaveState)
    /// The wave isn't frozen: there's no freeze that agents could have applied.
    case noFreeze(wave: Int, WaveState)

    // Zones
    /// The zone's serial is the last one that there is.
    case noSerialLeft(FQDN)

    // Agents
    case unknownAgent(String)
    /// A new one would be more than there may be.
    case tooManyAgents(limit: Int)

    // Reading
    case unknownRevision(Revision, head: Revision)
    /// Later than the clock and the log.
    case unknownTime(Timestamp, latest: Timestamp)
    /// A history of counts would be longer than one answer may be: how long, and the parameter that asks for so much.
    case tooManyMoments(String, parameter: String)
    case revisionNotReached(Revision, now: Revision)
    case invalidCursor
    case notReady
    /// Asked of an agent, which has the present and neither the log nor the store.
    case needsRegistry
    /// A follower can't go on from where it is, and has to begin with a snapshot; why.
    case resync(String)
    /// Another check of the whole log is under way.
    case verificationRunning

    // Backup
    /// Another copy is being made.
    case backupRunning
    /// The engine's own tools do that.
    case backupUnsupported
    /// The copy couldn't be made, or isn't sound. The store is as it was.
    case backupFailed

    // The store
    /// Too many writes wait already. Nothing was written.
    case overloaded
    /// No room on the disk. Nothing was written.
    case storageFull
    /// The store can't tell whether the write is there, and acknowledges nothing any more.
    case storeFailed
    /// The database can't be reached. Nothing was written.
    case storeUnavailable
    /// A setting of the database, by its name, allows less than this needs. Nothing was written.
    case storeLimit(String)
    /// The database went away under a commit, and couldn't be asked what became of it.
    case outcomeUnknown
    /// The schema refused what the code should have: a defect. Nothing was written.
    case inconsistent
}

extension RegistryError {
    /// The stable name of the reason, as problems and batch results carry it.
    public var code: String {
        switch self {
        case .malformedName: "invalid-fqdn"
        case .reservedName: "domain-reserved"
        case .outsideSuffix: "domain-outside-suffix"
        case .invalidTenant: "invalid-tenant"
        case .invalidMode: "invalid-mode"
        case .unknownDomain, .notHeld: "unknown-domain"
        case .domainTaken: "domain-taken"
        case .domainQuarantined: "domain-quarantined"
        case .domainHeld, .holdsAreOver: "domain-held"
        case .nameEntangled: "name-entangled"
        case .unknownTenant: "unknown-tenant"
        case .tenantElsewhere: "tenant-elsewhere"
        case .tenantSplit: "tenant-split"
        case .unknownLocation, .locationNotFound: "unknown-location"
        case .locationClosed: "location-closed"
        case .locationInUse: "location-in-use"
        case .defaultLocationRequired: "default-location-required"
        case .tooManyLocations: "too-many-locations"
        case .unknownToken: "unknown-token"
        case .lastAdminToken: "last-admin-token"
        case .unknownWebhook: "unknown-webhook"
        case .tooManyWebhooks: "too-many-webhooks"
        case .webhookForbidden: "webhook-forbidden"
        case .revisionMismatch: "revision-mismatch"
        case .idempotencyKeyReused: "idempotency-key-reused"
        case .unknownMigration: "unknown-migration"
        case .unknownWave: "unknown-wave"
        case .wrongWaveState, .freezeIsOver, .wrongMigrationState: "wrong-state"
        case .planMismatch: "plan-mismatch"
        case .approvalRequired: "approval-required"
        case .selfApproval: "self-approval"
        case .blastRadius, .tenantTooLarge: "blast-radius"
        case .overrideForbidden, .nestingForbidden, .splittingForbidden, .notTheHolder,
            .releaseForbidden:
            "forbidden"
        case .waveConflict: "wave-conflict"
        case .domainInMigration: "domain-in-migration"
        case .notConverged, .frozenAnew: "not-converged"
        case .notSafe: "not-safe"
        case .noFreeze, .notAnnounced: "wrong-state"
        case .noSerialLeft: "no-serial-left"
        case .unknownAgent: "unknown-agent"
        case .tooManyAgents: "too-many-agents"
        case .unknownRevision: "unknown-revision"
        case .unknownTime: "in-the-future"
        case .tooManyMoments: "too-many-moments"
        case .revisionNotReached: "revision-not-reached"
        case .invalidCursor: "invalid-cursor"
        case .notReady: "not-ready"
        case .needsRegistry: "needs-registry"
        case .resync: "resync"
        case .verificationRunning: "verification-running"
        case .backupRunning: "backup-running"
        case .backupUnsupported: "backup-unsupported"
        case .backupFailed: "backup-failed"
        case .overloaded: "overloaded"
        case .storageFull: "storage-full"
        case .storeFailed: "store-failed"
        case .storeUnavailable: "store-unavailable"
        case .storeLimit: "store-limit"
        case .outcomeUnknown: "outcome-unknown"
        case .inconsistent: "internal"
        }
    }
}
