import RegistryModel
import Testing

// Plans and steps, for tests of what they do.

extension StoreSession {
    /// Registers many at one place in one revision.
    func registerAll(_ names: [String], at location: LocationName = japan) async throws {
        let committed = try await commit(
            .registerBatch(
                names.map { .wanted(NewDomain(fqdn: fqdn($0), location: location)) }))
        #expect(committed.outcome == .batch(refused: [:]))
    }

    @discardableResult
    func plan(
        _ names: [String], waves: [WaveSize] = [.rest], freeze: FreezeMode = .none,
        from: LocationName = japan, to: LocationName = aws, id: String = MigrationPlan.newID(),
        dryRun: Bool = false
    ) async throws(RegistryError) -> Migration {
        try await plan(
            MigrationPlan(
                id: id, name: "test", from: from, to: to,
                selection: .names(names.map { fqdn($0) }), waves: waves, freeze: freeze,
                isDryRun: dryRun))
    }

    func plan(_ plan: MigrationPlan) async throws(RegistryError) -> Migration {
        guard case .migration(let migration) = try await commit(.planMigration(plan)).outcome
        else { throw .inconsistent }
        return migration
    }

    /// All pages of what a dry run lists.
    func listed(by plan: MigrationPlan) async throws(RegistryError) -> [MigrationDomain] {
        var (plan, found) = (plan, [MigrationDomain]())
        while true {
            guard let page = try await commit(.planMigration(plan)).listed else {
                throw .inconsistent
            }
            found += page.items
            guard page.hasMore else { return found }
            plan.listing?.after = page.items.last?.position
        }
    }

    @discardableResult
    func take(
        _ action: WaveStep.Action, _ wave: Int = 1, of migration: Migration,
        by actor: Actor = .tester, key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> WaveOutcome {
        let committed = try await commit(
            .waveStep(WaveStep(action, migration: migration.id, wave: wave)), by: actor, key: key)
        guard case .wave(let outcome) = committed.outcome else { throw .inconsistent }
        return outcome
    }

    @discardableResult
    func cutOver(
        _ wave: Int = 1, of migration: Migration, override: String? = nil
    ) async throws(RegistryError) -> WaveOutcome {
        try await take(.cutOver(migration.agreement(wave, override: override)), wave, of: migration)
    }

    @discardableResult
    func freeze(
        _ wave: Int = 1, of migration: Migration, for deadline: Duration = .seconds(600),
        override: String? = nil
    ) async throws(RegistryError) -> WaveOutcome {
        try await take(
            .freeze(migration.agreement(wave, override: override), deadline: deadline), wave,
            of: migration)
    }

    /// - Returns: whose approval the wave has.
    @discardableResult
    func approve(
        _ wave: Int = 1, of migration: Migration, by actor: Actor = .namesake,
        planDigest: String? = nil, note: Note = Note(), key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> WaveApproval {
        let committed = try await commit(
            .approveWave(
                WaveName(migration: migration.id, number: wave),
                planDigest: planDigest ?? migration.digestText), by: actor, note: note, key: key)
        guard case .approval(let outcome) = committed.outcome else { throw .inconsistent }
        #expect(outcome.migration == migration.id && outcome.wave == wave)
        return outcome.approval
    }

    func current(_ migration: Migration) async throws -> Migration {
        try #require(try await store.migration(migration.id).value)
    }

    /// The rows of a migration as `name status`, with the wave or the code.
    func rows(of migration: Migration) async throws -> [String] {
        try await store.domains(
            of: MigrationDomainQuery(migration: migration.id, limit: 1_000_000)
        ).value.items.map { row in
            "\(row.fqdn) \(row.wave.map(String.init) ?? row.code?.rawValue ?? "?") \(row.status.rawValue)"
        }
    }

    func places(_ names: [String]) async throws -> [String] {
        var found: [String] = []
        for name in names {
            let domain = try await live(name)
            found.append(domain.map { "\($0.location) \($0.mode.rawValue)" } ?? "gone")
        }
        return found
    }
}

extension Migration {
    func agreement(_ wave: Int, override: String? = nil) -> WaveAgreement {
        WaveAgreement(
            planDigest: digestText, expectedCount: waves[wave - 1].size, overrideReason: override)
    }
}

extension Command {
    static func patch(
        _ name: String, location: LocationName? = nil, mode: Mode? = nil, tenant: String? = nil
    ) -> Command {
        .change(
            fqdn(name),
            DomainPatch(location: location, mode: mode, tenant: tenant.map { .set($0) }),
            ifMatch: nil)
    }
}
