import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/migrations/{id}/waves/{n}`: freeze, cutover, rollback, thaw, approve.
struct WaveRoutes: Sendable {
    @Sendable func freeze(_ call: RegistryCall) async throws -> EndpointResponse {
        let wait = try WaveWait(call)
        if let replay = call.replay { return try await wait.response(to: replay, call) }
        let wave = try call.wave()
        let request: FreezeRequest = try call.read()
        let committed = try await call.service.freeze(
            wave: wave, request.cutover.agreement, deadline: .seconds(request.deadlineSeconds),
            call.writing(request.cutover.note))
        return try await wait.response(to: committed, call)
    }

    @Sendable func cutOver(_ call: RegistryCall) async throws -> EndpointResponse {
        let wait = try WaveWait(call, takesRequire: true)
        if let replay = call.replay { return try await wait.response(to: replay, call) }
        let wave = try call.wave()
        let request: CutoverRequest = try call.read()
        let committed = try await call.service.cutOver(
            wave: wave, request.agreement, requiresConvergence: wait.isRequired,
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
        if let replay = call.replay { return .wave(replay, nil, in: try call.epoch()) }
        let wave = try call.wave()
        let note = try call.noteOnlyBody()
        let committed = try await call.service.thaw(wave: wave, call.writing(note))
        return .wave(committed, nil, in: try call.epoch())
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

/// `?wait=converged&timeout=&require=`: whether the answer waits for agents, and whether the step does
/// anything before they have the last one.
private struct WaveWait {
    private enum Goal: String, CaseIterable { case converged }

    private let limit: Duration?
    let isRequired: Bool

    init(_ call: RegistryCall, takesRequire: Bool = false) throws {
        var query = QueryReader(call.query)
        let goal = query.choice("wait", Goal.self)
        // Generated clients send a parameter's default whether they wait or not: alone it says nothing.
        let timeout = query.seconds("timeout")
        isRequired = takesRequire && query.choice("require", Goal.self) != nil
        try query.finish()
        limit = goal == nil ? nil : timeout ?? .seconds(30)
    }

    func response(to committed: Committed, _ call: RegistryCall) async throws -> EndpointResponse {
        let epoch = try call.epoch()
        guard let limit else { return .wave(committed, nil, in: epoch) }
        // It holds nothing that writes need any more.
        try? call.permit.move(to: .wait)
        // The step is committed, whatever the question of who has it meets: no word is better than a wrong one.
        return .wave(
            committed,
            try? await call.service.convergence(at: committed.revision, within: limit), in: epoch)
    }
}

extension EndpointResponse {
    fileprivate static func approved(_ committed: Committed) -> EndpointResponse {
        guard case .approval(let outcome) = committed.outcome else { return .mismatch }
        return .json(outcome, at: committed.revision).noting(committed)
    }

    fileprivate static func wave(
        _ committed: Committed, _ convergence: Convergence?, in epoch: Epoch
    ) -> EndpointResponse {
        let position = Position(epoch: epoch, revision: committed.revision)
        guard case .wave(let outcome) = committed.outcome,
            let answer = WaveStepResponse(outcome, at: position, convergence)
        else { return .mismatch }
        return EndpointResponse.json(answer, at: committed.revision).noting(committed)
    }
}
