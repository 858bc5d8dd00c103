import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/migrations/{id}/waves/{n}`: announce, freeze, cutover, rollback, thaw, approve.
struct WaveRoutes: Sendable {
    @Sendable func announce(_ call: RegistryCall) async throws -> EndpointResponse {
        let wait = try WaveWait(call)
        if let replay = call.replay { return try await wait.response(to: replay, call) }
        let wave = try call.wave()
        let request: AnnounceRequest = try call.read()
        let committed = try await call.service.announce(
            wave: wave, request.agreement, call.writing(request.note))
        return try await wait.response(to: committed, call)
    }

    @Sendable func freeze(_ call: RegistryCall) async throws -> EndpointResponse {
        let wait = try WaveWait(call, of: .freeze)
        let wave = try call.wave()
        if let replay = call.replay {
            return try await wait.response(to: replay, call, frozen: wave)
        }
        let request: FreezeRequest = try call.read()
        let committed = try await call.service.freeze(
            wave: wave, request.cutover.agreement, deadline: .seconds(request.deadlineSeconds),
            call.writing(request.cutover.note))
        return try await wait.response(to: committed, call, frozen: wave)
    }

    @Sendable func cutOver(_ call: RegistryCall) async throws -> EndpointResponse {
        let wait = try WaveWait(call, of: .cutover)
        if let replay = call.replay { return try await wait.response(to: replay, call) }
        let wave = try call.wave()
        let request: CutoverRequest = try call.read()
        let committed = try await call.service.cutOver(
            wave: wave, request.agreement, requires: wait.required,
            call.writing(request.note))
        return try await wait.response(to: committed, call)
    }

    @Sendable func rollBack(_ call: RegistryCall) async throws -> EndpointResponse {
        let wait = try WaveWait(call)
        if let replay = call.replay { return try await wait.response(to: replay, call) }
        let wave = try call.wave()
        let request = call.body.isEmpty ? RollbackRequest() : try call.read()
        let committed = try await call.service.rollBack(
            wave: wave, skipsConflicts: request.onConflict == .skip, call.writing(request.note))
        return try await wait.response(to: committed, call)
    }

    @Sendable func thaw(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .wave(replay, in: try call.epoch()) }
        let wave = try call.wave()
        let note = try call.noteOnlyBody()
        let committed = try await call.service.thaw(wave: wave, call.writing(note))
        return .wave(committed, in: try call.epoch())
    }

    /// Who is how far with a wave that was announced.
    @Sendable func safety(_ call: RegistryCall) async throws -> EndpointResponse {
        let read = try await call.service.standings(of: call.wave())
        return .json(read.value, at: read.revision)
    }

    @Sendable func approve(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .approved(replay) }
        let wave = try call.wave()
        let request: ApprovalRequest = try call.read()
        return .approved(
            try await call.service.approve(
                wave: wave, planDigest: request.planDigest, call.writing(request.note)))
    }
}

extension RegistryCall {
    /// - Throws: `unknownWave` for what can't be a wave's number.
    fileprivate func wave() throws(RegistryError) -> WaveName {
        let migration = parameter("id")
        let text = parameter("n")
        guard let number = Int(text), number > 0 else {
            throw .unknownWave(text, migration: migration)
        }
        return WaveName(migration: migration, number: number)
    }
}

/// `?wait=&timeout=&require=`: whether the answer waits for agents, and whether the step does anything before they have the
/// last one.
private struct WaveWait {
    private enum Goal: String, CaseIterable { case converged, safe }

    /// What may be asked for.
    enum Step { case freeze, cutover, other }

    private let limit: Duration?
    private let goal: Goal
    let required: CutoverRequirement?

    init(_ call: RegistryCall, of step: Step = .other) throws {
        var query = QueryReader(call.query)
        let goal = query.choice("wait", Goal.self)
        if goal == .safe, step != .freeze {
            query.refuse("wait", "invalid", "only a freeze can be safe")
        }
        // Generated clients send a parameter's default whether they wait or not: alone it says nothing.
        let timeout = query.seconds("timeout")
        required = step == .cutover ? query.choice("require", CutoverRequirement.self) : nil
        try query.finish()
        self.goal = goal ?? .converged
        limit = goal == nil ? nil : timeout ?? .seconds(30)
    }

    /// - Parameter frozen: the wave that the step has frozen.
    func response(
        to committed: Committed, _ call: RegistryCall, frozen wave: WaveName? = nil
    ) async throws -> EndpointResponse {
        let epoch = try call.epoch()
        guard let limit else { return .wave(committed, in: epoch) }
        // It holds nothing that writes need any more.
        try? call.permit.move(to: .wait)
        let (service, revision) = (call.service, committed.revision)
        // The step is committed, whatever the question of who has it meets: no word is better than a wrong one.
        if goal == .safe, let wave,
            let safety = try? await service.safety(of: wave, freeze: revision, within: limit)
        {
            return .wave(committed, safety: safety, in: epoch)
        }
        return .wave(
            committed, try? await service.convergence(at: revision, within: limit), in: epoch)
    }
}

extension EndpointResponse {
    fileprivate static func approved(_ committed: Committed) -> EndpointResponse {
        guard case .approval(let outcome) = committed.outcome else { return .mismatch }
        return .json(outcome, at: committed.revision).noting(committed)
    }

    fileprivate static func wave(
        _ committed: Committed, _ convergence: Convergence? = nil, safety: FenceSafety? = nil,
        in epoch: Epoch
    ) -> EndpointResponse {
        let position = Position(epoch: epoch, revision: committed.revision)
        guard case .wave(let outcome) = committed.outcome,
            var answer = WaveStepResponse(outcome, at: position, convergence)
        else { return .mismatch }
        answer.safety = safety
        return EndpointResponse.json(answer, at: committed.revision).noting(committed)
    }
}
