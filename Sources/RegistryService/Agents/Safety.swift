import RegistryModel

extension RegistryService {
    /// Waits until no write gets to a frozen wave's source any more, `limit` has passed, or the service stops.
    ///
    /// - Parameter freeze: the wave must stand under it still.
    /// - Returns: how it stands then; nil for a wave that wasn't announced before it was frozen, or isn't frozen so any more.
    public func safety(
        of wave: WaveName, freeze: Revision? = nil, within limit: Duration
    ) async throws(RegistryError) -> FenceSafety? {
        guard let migration = try await store.migration(wave.migration).value,
            let found = migration.waves.first(where: { $0.number == wave.number }),
            found.state == .frozen, let revision = found.revision, freeze ?? revision == revision,
            let announcement = found.announcement
        else { return nil }
        let question = FenceQuestion(
            epoch: try position().epoch, announcement: announcement, freeze: revision)
        let safety = try await safety(of: question, within: limit)
        // It may have thawed meanwhile, at its deadline for example: then nothing is safe by this.
        let after = try await store.migration(wave.migration).value?.waves.first {
            $0.number == wave.number
        }
        return after?.state == .frozen && after?.revision == revision ? safety : nil
    }

    private func safety(
        of question: FenceQuestion, within limit: Duration
    ) async throws(RegistryError) -> FenceSafety {
        // Leases that are given from here on name the freeze.
        guard await table.reaches(question.freeze, within: .seconds(5)) else {
            throw .storeUnavailable
        }
        return try await waiting { agents in
            await agents.wait(until: question, within: limit)
        } together: { (shared) async throws(RegistryError) in
            try await shared.safety(of: question, within: limit)
        }
    }

    /// Who is how far with a wave that is announced, or frozen since.
    /// - Throws: `unknownMigration`, `unknownWave`; `wrongWaveState` for one that isn't.
    public func standings(of name: WaveName) async throws(RegistryError) -> Read<WaveSafety> {
        let read = try await store.migration(name.migration)
        guard let migration = read.value else { throw .unknownMigration(name.migration) }
        guard let wave = migration.waves.first(where: { $0.number == name.number }) else {
            throw .unknownWave("\(name.number)", migration: name.migration)
        }
        guard let announcement = wave.announcement else {
            throw .notAnnounced(wave: wave.number, wave.state)
        }
        let freeze = wave.state == .frozen ? wave.revision : nil
        let question = FenceQuestion(
            epoch: try position().epoch, announcement: announcement, freeze: freeze ?? .never)
        let agents =
            if let shared {
                try await shared.standings(to: question)
            } else {
                self.agents.standings(to: question)
            }
        return Read(
            WaveSafety(
                name, state: wave.state, announcement: announcement, freeze: freeze,
                agents: agents), at: read.revision)
    }

    /// Looks whether a write can still get to the source of a wave that was announced and is frozen.
    ///
    /// - Returns: the freeze that the cutover must find; zero where there is none.
    /// - Throws: `notSafe`, with those that may let one through; `notConverged` for a wave that wasn't announced.
    func safeFreeze(
        of wave: WaveName, _ agreement: WaveAgreement
    ) async throws(RegistryError) -> Revision {
        guard let migration = try await store.migration(wave.migration).value,
            let found = migration.waves.first(where: { $0.number == wave.number }),
            found.state == .frozen, let freeze = found.revision
        else { return .zero }
        guard let announcement = found.announcement else {
            return try await appliedFreeze(of: wave, agreement)
        }
        let question = FenceQuestion(
            epoch: try position().epoch, announcement: announcement, freeze: freeze)
        let safety = try await safety(of: question, within: .zero)
        let isReviewed =
            agreement.planDigest == migration.digestText && agreement.expectedCount == found.size
        guard safety.isSafe || !isReviewed else {
            throw .notSafe(unsafe: safety.unsafe, agents: safety.agents)
        }
        return freeze
    }
}
