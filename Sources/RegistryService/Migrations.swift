import Logging
import RegistryModel
import ServiceLifecycle

extension RegistryService {
    /// Plans a move of many domains, or tells only what would be planned.
    public func planMigration(
        _ plan: MigrationPlan, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.planMigration(plan), context)
    }

    /// Ends a migration whose waves have all moved, or are rolled back or cancelled.
    public func finalizeMigration(
        _ id: String, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.finalizeMigration(id: id), context)
    }

    /// Ends what hasn't moved.
    public func cancelMigration(
        _ id: String, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.cancelMigration(id: id), context)
    }
}

/// What a cutover may require of agents, all of them.
public enum CutoverRequirement: String, Sendable, CaseIterable {
    /// The wave's freeze, applied.
    case converged
    /// The same, or to be known to let nothing through by themselves.
    case safe
}

extension RegistryService {
    public func migration(_ id: String) async throws(RegistryError) -> Read<Migration> {
        let read = try await store.migration(id)
        guard let migration = read.value else { throw .unknownMigration(id) }
        return Read(migration, at: read.revision)
    }

    public func migrations(
        _ query: MigrationQuery
    ) async throws(RegistryError) -> Read<Page<Migration>> {
        try await store.migrations(query)
    }

    public func domains(
        of query: MigrationDomainQuery
    ) async throws(RegistryError) -> Read<Page<MigrationDomain>> {
        let read = try await store.domains(of: query)
        // An empty page of a migration that isn't there is a mistake of the caller's.
        if read.value.items.isEmpty { _ = try await migration(query.migration) }
        return read
    }
}

extension RegistryService {
    /// Says that a wave is about to be frozen: copies of the table that can't hear the registry answer its domains as
    /// frozen from then on.
    public func announce(
        wave: WaveName, _ agreement: WaveAgreement, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(step(.announce(agreement), wave), context)
    }

    /// Takes a step of a wave that is bound to the plan that was reviewed: freeze, cutover.
    public func freeze(
        wave: WaveName, _ agreement: WaveAgreement, deadline: Duration, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try checkOverride(agreement, context)
        return try await commit(
            step(.freeze(agreement, deadline: deadline), wave), context)
    }

    /// Moves a wave to its migration's target, all of it or nothing.
    ///
    /// - Parameter requires: what must be so of every agent; nil: nothing.
    public func cutOver(
        wave: WaveName, _ agreement: WaveAgreement, requires: CutoverRequirement? = nil,
        _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try checkOverride(agreement, context)
        var agreement = agreement
        switch requires {
        case .converged: agreement.appliedFreeze = try await appliedFreeze(of: wave, agreement)
        case .safe: agreement.appliedFreeze = try await safeFreeze(of: wave, agreement)
        case nil: break
        }
        return try await commit(step(.cutOver(agreement), wave), context)
    }

    /// Brings a moved wave back to what was before its freeze, as a new revision.
    ///
    /// - Parameter skipsConflicts: whether rows that changed since stay as they are.
    public func rollBack(
        wave: WaveName, skipsConflicts: Bool, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(step(.rollBack(skipsConflicts: skipsConflicts), wave), context)
    }

    /// Ends a freeze at the source.
    public func thaw(
        wave: WaveName, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(step(.thaw, wave), context)
    }

    /// Approves a wave that somebody else has planned.
    ///
    /// - Parameter planDigest: of the plan that whoever approves has seen.
    public func approve(
        wave: WaveName, planDigest: String, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.approveWave(wave, planDigest: planDigest), context)
    }

    private func step(_ action: WaveStep.Action, _ wave: WaveName) -> Command {
        .waveStep(WaveStep(action, migration: wave.migration, wave: wave.number))
    }

    /// Only admins set guards aside, and nobody else may try.
    private func checkOverride(
        _ agreement: WaveAgreement, _ context: WriteContext
    ) throws(RegistryError) {
        if agreement.overrideReason != nil { try RuleOverride.guarding.check(context.actor.role) }
    }
}

/// Thaws frozen waves at their deadline, and ends holds.
///
/// The deadlines are the store's: they run on while the service is down, and whatever came due
/// meanwhile thaws at the next start. The store is asked again and again rather than an alarm set:
/// a freeze may have been another node's, and the clock may be set. Of several nodes one does it.
public struct Deadlines: Service {
    private let service: RegistryService
    private let interval: Duration
    private let logger: Logger

    /// - Parameter interval: a wave thaws at most about this long after its deadline.
    public init(
        _ service: RegistryService, every interval: Duration = .milliseconds(500), logger: Logger
    ) {
        self.service = service
        self.interval = interval
        self.logger = logger
    }

    public func run() async throws {
        await repeatUntilShutdown(every: interval, restsFirst: false) { await once() }
    }

    func once() async {
        guard service.isOnDuty else { return }
        do throws(RegistryError) {
            for wave in try await service.store.wavesDue() { await thaw(wave) }
        } catch {
            logger.warning("looking for frozen waves was put off", metadata: ["error": "\(error)"])
        }
        do throws(RegistryError) {
            let count = try await service.expireHolds()
            if count > 0 { logger.info("holds came to their end", metadata: ["count": "\(count)"]) }
        } catch {
            logger.warning("ending holds was put off", metadata: ["error": "\(error)"])
        }
    }

    /// One that fails doesn't hold up the others: it is tried again the next time.
    private func thaw(_ wave: WaveName) async {
        let step = WaveStep(.thawWhenDue, migration: wave.migration, wave: wave.number)
        let context = WriteContext(
            actor: .system, note: Note(reason: "the freeze came to its deadline"),
            requestID: "deadline")
        var metadata: Logger.Metadata = [
            "migration": "\(wave.migration)", "wave": "\(wave.number)",
        ]
        do throws(RegistryError) {
            let committed = try await service.commit(.waveStep(step), context)
            metadata["revision"] = "\(committed.revision)"
            logger.notice("a wave thawed at its deadline", metadata: metadata)
        } catch .wrongWaveState {
            // Somebody was quicker: it moved or thawed in time.
        } catch {
            metadata["error"] = "\(error)"
            logger.warning("a wave can't thaw at its deadline", metadata: metadata)
        }
    }
}
