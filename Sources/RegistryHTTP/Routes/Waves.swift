import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/migrations/{id}/waves/{n}`: freeze, cutover, rollback, thaw.
struct WaveRoutes: Sendable {
    /// Query parameters of the steps that can wait for agents.
    static let waiting: Set<String> = ["wait", "timeout"]

    /// How long a freeze may last: a week.
    static let deadlineSeconds: ClosedRange<Int64> = 1...604_800

    @Sendable func freeze(_ call: inout Call) async throws -> Reply {
        let wait = try Wait(call)
        if let replay = call.replay { return try await wait.reply(to: replay, call) }
        let wave = try call.wave()
        var body = try call.object()
        let agreement = body.agreement()
        let deadline = body.integer("deadline_seconds", in: Self.deadlineSeconds)
        let note = body.note()
        try body.finishOrThrow()
        guard let agreement, let deadline else { throw Problem.internalError }
        let committed = try await call.service.freeze(
            wave: wave, agreement, deadline: .seconds(deadline), call.writing(note))
        return try await wait.reply(to: committed, call)
    }

    @Sendable func cutOver(_ call: inout Call) async throws -> Reply {
        let wait = try Wait(call, takesRequire: true)
        if let replay = call.replay { return try await wait.reply(to: replay, call) }
        let wave = try call.wave()
        var body = try call.object()
        let agreement = body.agreement()
        let note = body.note()
        try body.finishOrThrow()
        guard let agreement else { throw Problem.internalError }
        let committed = try await call.service.cutOver(
            wave: wave, agreement, requiresConvergence: wait.isRequired, call.writing(note))
        return try await wait.reply(to: committed, call)
    }

    private enum OnConflict: String, CaseIterable { case fail, skip }

    @Sendable func rollBack(_ call: inout Call) async throws -> Reply {
        let wait = try Wait(call)
        if let replay = call.replay { return try await wait.reply(to: replay, call) }
        let wave = try call.wave()
        var onConflict = OnConflict.fail
        var note = Note()
        if !call.body.isEmpty {
            var body = try call.object()
            onConflict = body.optionalChoice("on_conflict", OnConflict.self) ?? .fail
            note = body.note()
            try body.finishOrThrow()
        }
        let committed = try await call.service.rollBack(
            wave: wave, skipsConflicts: onConflict == .skip, call.writing(note))
        return try await wait.reply(to: committed, call)
    }

    @Sendable func thaw(_ call: inout Call) async throws -> Reply {
        if let replay = call.replay { return .wave(replay, nil, in: try call.epoch()) }
        let wave = try call.wave()
        let note = try call.noteOnlyBody()
        let committed = try await call.service.thaw(wave: wave, call.writing(note))
        return .wave(committed, nil, in: try call.epoch())
    }
}

extension Call {
    /// - Throws: `unknownWave` for what can't be a wave's number.
    fileprivate func wave() throws(RegistryError) -> WaveName {
        let migration = parameter("id")
        guard let number = Int(parameter("n")), number > 0 else {
            throw .unknownWave(0, migration: migration)
        }
        return WaveName(migration: migration, number: number)
    }
}

extension JSONObjectReader {
    /// What binds a step to the plan that was reviewed; nil where a field is wrong or missing.
    fileprivate mutating func agreement() -> WaveAgreement? {
        let digest = string("plan_digest", maximum: 100)
        let count = integer("expected_count", in: 0...Int64(MigrationPlan.maximumNames) * 100)
        var override: String?
        if var reader = optionalObject("override") {
            override = reader.string("reason", maximum: 500, allowsLineBreaks: true)
            reader.finish()
        }
        guard let digest, let count else { return nil }
        return WaveAgreement(
            planDigest: digest, expectedCount: Int(count), overrideReason: override)
    }
}

/// `?wait=converged&timeout=&require=`: whether the answer waits for agents, and whether the step does
/// anything before they have the last one.
private struct Wait {
    private enum Goal: String, CaseIterable { case converged }

    private let limit: Duration?
    let isRequired: Bool

    init(_ call: Call, takesRequire: Bool = false) throws {
        var query = QueryReader(call.query)
        let goal = query.choice("wait", Goal.self)
        // Generated clients send a parameter's default whether they wait or not: alone it says nothing.
        let timeout = query.seconds("timeout")
        isRequired = takesRequire && query.choice("require", Goal.self) != nil
        try query.finish()
        limit = goal == nil ? nil : timeout ?? .seconds(30)
    }

    func reply(to committed: Committed, _ call: Call) async throws -> Reply {
        let epoch = try call.epoch()
        guard let limit else { return .wave(committed, nil, in: epoch) }
        // It holds nothing that writes need any more.
        try? call.permit?.move(to: .wait)
        // The step is committed, whatever the question of who has it meets: no word is better than a wrong one.
        return .wave(
            committed,
            try? await call.service.convergence(at: committed.revision, within: limit), in: epoch)
    }
}

extension Reply {
    fileprivate static func wave(
        _ committed: Committed, _ convergence: Convergence?, in epoch: Epoch
    ) -> Reply {
        let position = Position(epoch: epoch, revision: committed.revision)
        guard case .wave(let outcome) = committed.outcome,
            let answer = WaveStepAnswer(outcome, at: position, convergence)
        else { return .mismatch }
        return Reply.json(answer, at: committed.revision).noting(committed)
    }
}
