import RegistryModel

extension RegistryService {
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
    /// - Parameter requiresConvergence: whether every agent must have applied the wave's freeze.
    public func cutOver(
        wave: WaveName, _ agreement: WaveAgreement, requiresConvergence: Bool = false,
        _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try checkOverride(agreement, context)
        var agreement = agreement
        if requiresConvergence {
            agreement.appliedFreeze = try await appliedFreeze(of: wave, agreement)
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

    private func step(_ action: WaveStep.Action, _ wave: WaveName) -> Command {
        .waveStep(WaveStep(action, migration: wave.migration, wave: wave.number))
    }

    /// Only admins set guards aside, and nobody else may try.
    private func checkOverride(
        _ agreement: WaveAgreement, _ context: WriteContext
    ) throws(RegistryError) {
        guard agreement.overrideReason != nil, context.actor.role != .admin else { return }
        throw .overrideForbidden(context.actor.role)
    }
}
