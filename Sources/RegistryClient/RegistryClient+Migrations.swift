import NIOCore
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// - Parameter dryRun: only says what the plan would be.
    package func planMigration(
        _ plan: PlanRequest, dryRun: Bool, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        var plan = plan
        plan.note = note
        return try Received(
            await send(
                .planMigration, query: [("dry_run", dryRun ? "true" : nil)], body: plan,
                idempotencyKey: idempotencyKey, timeout: .minutes(5)))
    }

    /// What a plan would be, and a page of its names.
    package func previewMigration(
        _ plan: PlanRequest, note: Note, wave: Int?, status: String?, limit: Int, cursor: String?
    ) async throws -> PlannedMigration {
        var plan = plan
        plan.note = note
        return try await send(
            .planMigration,
            query: [
                ("dry_run", "true"), ("domains", "true"), ("wave", wave.map(String.init)),
                ("status", status), ("limit", String(limit)), ("cursor", cursor),
            ], body: plan, timeout: .minutes(5)
        ).decode()
    }

    package func migrations(
        state: String?, limit: Int, cursor: String? = nil
    ) async throws -> ListPage<Migration> {
        try await send(
            .listMigrations,
            query: [("state", state), ("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func migration(_ id: String) async throws -> Received<Migration> {
        try Received(await send(.getMigration, id))
    }

    package func migrationDomains(
        of id: String, wave: Int?, status: String?, limit: Int, cursor: String? = nil
    ) async throws -> ListPage<MigrationDomain> {
        try await send(
            .listMigrationDomains, id,
            query: [
                ("wave", wave.map(String.init)), ("status", status), ("limit", String(limit)),
                ("cursor", cursor),
            ]
        ).decode()
    }

    package func finalizeMigration(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        try await close(.finalizeMigration, id, note, idempotencyKey)
    }

    package func cancelMigration(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Migration> {
        try await close(.cancelMigration, id, note, idempotencyKey)
    }

    private func close(
        _ endpoint: EndpointID, _ id: String, _ note: Note, _ idempotencyKey: String?
    ) async throws -> Received<Migration> {
        try Received(
            await send(
                endpoint, id, body: note, idempotencyKey: idempotencyKey, timeout: .minutes(2)))
    }
}

extension RegistryClient {
    /// A wave of a migration, and what the caller understands it to be: the service refuses a step
    /// whose digest or count is another.
    package struct WaveReference: Sendable {
        package var migration: String
        package var number: Int
        package var planDigest: String
        package var expectedCount: Int

        package init(migration: String, number: Int, planDigest: String, expectedCount: Int) {
            self.migration = migration
            self.number = number
            self.planDigest = planDigest
            self.expectedCount = expectedCount
        }
    }

    /// Tells copies of the table that the wave is about to be frozen.
    package func announce(
        _ wave: WaveReference, call: WaveCall
    ) async throws -> Received<WaveStepResponse> {
        let request = AnnounceRequest(
            planDigest: wave.planDigest, expectedCount: wave.expectedCount, note: call.note)
        return try await step(.announceWave, wave.migration, wave.number, call, request)
    }

    package func freeze(
        _ wave: WaveReference, deadlineSeconds: Int, call: WaveCall
    ) async throws -> Received<WaveStepResponse> {
        let request = FreezeRequest(wave.request(call), deadlineSeconds: deadlineSeconds)
        return try await step(.freezeWave, wave.migration, wave.number, call, request)
    }

    /// - Parameter requires: `converged` or `safe`: moves nothing unless that is so of every agent.
    package func cutOver(
        _ wave: WaveReference, requires: String? = nil, call: WaveCall
    ) async throws -> Received<WaveStepResponse> {
        let query = [("require", requires)]
        return try await step(
            .cutOverWave, wave.migration, wave.number, call, wave.request(call), query: query)
    }

    /// - Parameter onConflict: fail or skip, for domains that changed since the cutover; nil: fail.
    package func rollBack(
        migration: String, wave: Int, onConflict: RollbackRequest.OnConflict? = nil, call: WaveCall
    ) async throws -> Received<WaveStepResponse> {
        try await step(
            .rollBackWave, migration, wave, call,
            RollbackRequest(onConflict: onConflict, note: call.note))
    }

    package func thaw(
        migration: String, wave: Int, call: WaveCall
    ) async throws -> Received<WaveStepResponse> {
        try await step(.thawWave, migration, wave, call, call.note)
    }

    /// Who is how far with a wave that was announced.
    package func safety(migration: String, wave: Int) async throws -> Received<WaveSafety> {
        try Received(await send(.getWaveSafety, migration, String(wave)))
    }

    /// Approves a wave that somebody else has planned.
    ///
    /// - Parameter planDigest: of the plan that whoever approves has seen.
    package func approve(
        migration: String, wave: Int, planDigest: String, call: WaveCall
    ) async throws -> Received<ApprovalOutcome> {
        try Received(
            await send(
                .approveWave, migration, String(wave),
                body: ApprovalRequest(planDigest: planDigest, note: call.note),
                idempotencyKey: call.idempotencyKey))
    }

    /// What every step takes.
    package struct WaveCall: Sendable {
        package var note: Note
        package var idempotencyKey: String?
        /// Why an admin sets the guard on large waves aside; for freeze and cutover.
        package var overrideReason: String?
        /// How many seconds the answer may wait for the agents, 0–300; nil: it doesn't. Not for
        /// thaw.
        package var waitSeconds: Int?
        /// Whether a freeze waits until no write gets to the source any more, and not only for the agents to have it.
        package var waitsSafe = false

        package init(
            note: Note, idempotencyKey: String? = nil, overrideReason: String? = nil,
            waitSeconds: Int? = nil
        ) {
            self.note = note
            self.idempotencyKey = idempotencyKey
            self.overrideReason = overrideReason
            self.waitSeconds = waitSeconds
        }
    }

    private func step(
        _ id: EndpointID, _ migration: String, _ wave: Int, _ call: WaveCall,
        _ request: any WrittenShape, query: [(String, String?)] = []
    ) async throws -> Received<WaveStepResponse> {
        let wait = call.waitSeconds.map { seconds in
            [("wait", call.waitsSafe ? "safe" : "converged"), ("timeout", String(seconds))]
        }
        return try Received(
            await send(
                id, migration, String(wave), query: query + (wait ?? []), body: request,
                idempotencyKey: call.idempotencyKey,
                timeout: .minutes(2) + .seconds(Int64(call.waitSeconds ?? 0))))
    }
}

extension RegistryClient.WaveReference {
    fileprivate func request(_ call: RegistryClient.WaveCall) -> CutoverRequest {
        CutoverRequest(
            planDigest: planDigest, expectedCount: expectedCount,
            overrideReason: call.overrideReason, note: call.note)
    }
}
