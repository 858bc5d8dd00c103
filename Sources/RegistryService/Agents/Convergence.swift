import RegistryModel
import ServiceLifecycle

extension RegistryService {
    /// Waits until every agent has applied `revision`, `limit` has passed, or the service stops.
    ///
    /// - Returns: how far they are then.
    /// - Throws: where nodes share the store, what it throws: no word is better than a wrong one.
    public func convergence(
        at revision: Revision, within limit: Duration
    ) async throws(RegistryError) -> Convergence {
        let position = Position(epoch: try position().epoch, revision: revision)
        let (agents, shared) = (agents, shared)
        let waited = await cancelWhenGracefulShutdown {
            () async -> Result<Convergence, RegistryError> in
            guard let shared else {
                return .success(await agents.wait(for: position, within: limit))
            }
            do throws(RegistryError) {
                return .success(try await shared.convergence(at: position, within: limit))
            } catch {
                return .failure(error)
            }
        }
        return try waited.get()
    }

    /// The same for a revision that somebody names; nil: the head.
    /// - Throws: `unknownRevision` beyond the head; `resync` for one of another epoch.
    public func convergence(
        atKnown revision: NamedRevision?, within limit: Duration
    ) async throws(RegistryError) -> Convergence {
        let position = try position()
        let head = position.revision
        let asked = try revision?.checked(in: position.epoch) ?? head
        guard asked <= head else { throw .unknownRevision(asked, head: head) }
        return try await convergence(at: asked, within: limit)
    }

    /// Looks whether every agent has applied the freeze of a wave.
    ///
    /// What else speaks against a cutover, the transaction says: another plan than the one that was
    /// reviewed comes first.
    ///
    /// - Returns: the freeze that the cutover must find; zero where there is none.
    /// - Throws: `notConverged`, with those that haven't.
    func appliedFreeze(
        of wave: WaveName, _ agreement: WaveAgreement
    ) async throws(RegistryError) -> Revision {
        guard let migration = try await store.migration(wave.migration).value,
            let found = migration.waves.first(where: { $0.number == wave.number }),
            found.state == .frozen, let freeze = found.revision
        else { return .zero }
        let convergence = try await convergence(at: freeze, within: .zero)
        let isReviewed =
            agreement.planDigest == migration.digestText && agreement.expectedCount == found.size
        guard convergence.isWhole || !isReviewed else {
            throw .notConverged(lagging: convergence.lagging, agents: convergence.agents)
        }
        return freeze
    }
}
