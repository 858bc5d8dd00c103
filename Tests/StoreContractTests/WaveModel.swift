import RegistryModel

/// The registry once more, as dictionaries: what the contract says of domains, plans and waves, written
/// from there and sharing no rule with the code under test.
///
/// Where the contract leaves open which of two refusals comes first, the order of the service is
/// taken: a model has to choose one.
struct WaveModel {
    struct Live {
        var domain: Domain
        /// Each registration begins another, also of the same name.
        var life: Int
    }

    struct Released {
        var live: Live
        var availableAt: Timestamp
    }

    /// What a write did, for its answer, its lines in the log and its header.
    struct Written {
        var outcome: Outcome
        /// In any order.
        var lines: [Change]
        var migration: String?
        var wave: Int?
        var overrideReason: String?
        var allowsSplit = false
        var at = StoreSession.start
    }

    enum Verdict {
        case refused(Refusal)
        case unchanged(Outcome)
        case written(Written)
    }

    let quarantine: Duration
    let radius: BlastRadius
    /// Waves of more domains need two people; nil: none does.
    let approveAbove: Int?
    var now = StoreSession.start
    var revision = Revision.zero
    var lives = 0
    var domains: [FQDN: Live] = [:]
    var released: [FQDN: Released] = [:]
    /// Those that are over too, until that is noted.
    var held: [FQDN: HeldDomain] = [:]
    var locations = [japan: Location.initial(japan), aws: Location.initial(aws)]
    /// Tenants that somebody has put in more than one place.
    var allowed: Set<String> = []
    /// Whether the command at hand has.
    var hasSplit = false
    /// In the order of their plans.
    var migrations: [ModelMigration] = []
    /// What each revision wrote.
    private(set) var log: [Revision: Written] = [:]
    /// Every state that a name has had, oldest first.
    private(set) var past: [FQDN: [(from: Revision, domain: Domain?)]] = [:]

    init(quarantine: Duration, radius: BlastRadius, approveAbove: Int?) {
        self.quarantine = quarantine
        self.radius = radius
        self.approveAbove = approveAbove
    }

    /// The revision that the next write will be.
    var next: Revision { revision.next }

    mutating func take(_ command: Command, by actor: Actor) -> Verdict {
        let before = self
        do throws(Refusal) {
            hasSplit = false
            guard var written = try decide(command, by: actor) else { return .unchanged(.released) }
            guard !written.lines.isEmpty else { return .unchanged(written.outcome) }
            written.at = now
            written.allowsSplit = hasSplit
            revision = next
            log[revision] = written
            for case .domain(let name, _, _, _) in written.lines.map(\.subject) {
                past[name, default: []].append((revision, domains[name]?.domain))
            }
            return .written(written)
        } catch {
            // Rows before the one that refuses have been taken already.
            self = before
            return .refused(error)
        }
    }

    /// Puts a line in the place of those of the last revision.
    mutating func relog(_ line: Change) {
        log[revision]?.lines = [line]
    }

    private mutating func decide(
        _ command: Command, by actor: Actor
    ) throws(Refusal) -> Written? {
        switch command {
        case .register(let wanted): return try register(wanted)
        case .registerBatch(let rows): return try registerBatch(rows)
        case .hold(let wanted, let duration): return try hold(wanted, duration)
        case .activate(let name): return try activate(name)
        case .expireHolds(let names): return expire(names)
        case .change(let name, let patch, _): return try change(name, patch)
        case .release(let name, _): return try release(name)
        case .restore(let name, _, let allowsSplit):
            return try restore(name, allowsSplit: allowsSplit)
        case .changeTenant(let tenant, let patch): return try changeTenant(tenant, patch)
        case .putLocation(let name, let settings, _, _): return putLocation(name, settings)
        case .deleteLocation(let name, _): return try deleteLocation(name)
        case .planMigration(let plan): return try self.plan(plan)
        case .waveStep(let step): return try take(step)
        case .approveWave(let wave, let digest):
            return try approve(wave, planDigest: digest, by: actor)
        case .finalizeMigration(let id): return try finalize(id)
        case .cancelMigration(let id): return try cancel(id)
        case .createToken, .revokeToken, .putWebhook, .deleteWebhook: return nil
        }
    }

    /// Gives a live domain another placement, in the revision at hand.
    mutating func place(_ name: FQDN, _ placement: Placement, _ action: Action) -> Change? {
        guard var live = domains[name] else { return nil }
        let before = live.domain.placement
        live.domain.placement = placement
        live.domain.revision = next
        live.domain.changedAt = now
        domains[name] = live
        return Change(
            action,
            .domain(
                name, before: before, after: placement, registeredAt: live.domain.registeredAt))
    }
}

/// Why the model says no, and everything that an answer may say about it.
struct Refusal: Error, Equatable {
    var code: String
    /// Of the wave or the migration, in words; or until when a name is in quarantine, or held.
    var detail: String?
    /// Names whose holds are over, which has to be noted first.
    var areOver: [FQDN] = []
    var conflicts: [WaveConflict] = []
    var total = 0

    init(_ code: String, _ detail: String? = nil) {
        self.code = code
        self.detail = detail
    }

    init(areOver names: [FQDN]) {
        code = "domain-held"
        areOver = names
    }

    init(conflicts: [WaveConflict]) {
        code = "wave-conflict"
        self.conflicts = Array(conflicts.prefix(1000))
        total = conflicts.count
    }

    /// The service's own, in the same words.
    init(_ error: RegistryError) {
        code = error.code
        switch error {
        case .waveConflict(let rows, let total): (conflicts, self.total) = (rows, total)
        case .wrongWaveState(let state, _, _): detail = state.rawValue
        case .freezeIsOver: detail = WaveState.frozen.rawValue
        case .wrongMigrationState(let state, _): detail = state.rawValue
        case .domainInMigration(_, let migration, let wave): detail = "\(migration) \(wave)"
        case .domainQuarantined(_, let time), .domainHeld(_, let time): detail = "\(time)"
        case .holdsAreOver(let names): areOver = names
        default: break
        }
    }
}

extension Location {
    /// As the first migration file has it.
    static func initial(_ name: LocationName) -> Location {
        let upstream = UpstreamURL(canonical: "http://\(name).invalid")
        return Location(
            name: name,
            settings: LocationSettings(
                upstream: upstream, acceptsSignups: true, isDefaultForSignups: name == japan),
            revision: .zero)
    }
}
