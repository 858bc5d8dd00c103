import NIOCore
import RegistryAPI
import RegistryModel

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

    package func freeze(
        _ wave: WaveReference, deadlineSeconds: Int, call: WaveCall
    ) async throws -> Received<WaveStepAnswer> {
        try await step("freeze", wave.migration, wave.number, call) { writer in
            writer.reference(wave)
            writer.field("deadline_seconds", deadlineSeconds)
            writer.override(call.overrideReason)
        }
    }

    /// - Parameter requireConverged: moves nothing unless every agent has applied the freeze.
    package func cutOver(
        _ wave: WaveReference, requireConverged: Bool = false, call: WaveCall
    ) async throws -> Received<WaveStepAnswer> {
        let query = [("require", requireConverged ? "converged" : nil)]
        return try await step("cutover", wave.migration, wave.number, call, query: query) {
            writer in
            writer.reference(wave)
            writer.override(call.overrideReason)
        }
    }

    /// - Parameter onConflict: fail or skip, for domains that changed since the cutover; nil: fail.
    package func rollBack(
        migration: String, wave: Int, onConflict: String? = nil, call: WaveCall
    ) async throws -> Received<WaveStepAnswer> {
        try await step("rollback", migration, wave, call) {
            $0.fieldIfPresent("on_conflict", onConflict)
        }
    }

    package func thaw(
        migration: String, wave: Int, call: WaveCall
    ) async throws -> Received<WaveStepAnswer> {
        try await step("thaw", migration, wave, call) { _ in }
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
        _ verb: String, _ migration: String, _ wave: Int, _ call: WaveCall,
        query: [(String, String?)] = [], _ members: (inout JSONWriter) -> Void
    ) async throws -> Received<WaveStepAnswer> {
        let wait = [
            ("wait", call.waitSeconds.map { _ in "converged" }),
            ("timeout", call.waitSeconds.map(String.init)),
        ]
        let body = Self.object { writer in
            members(&writer)
            writer.note(call.note)
        }
        return try Received(
            await send(
                .POST, "/v1/migrations/\(Self.escape(migration))/waves/\(wave)/\(verb)",
                query: query + wait, body: body, headers: Self.idempotency(call.idempotencyKey),
                timeout: .minutes(2) + .seconds(Int64(call.waitSeconds ?? 0))))
    }
}

extension JSONWriter {
    fileprivate mutating func reference(_ wave: RegistryClient.WaveReference) {
        field("plan_digest", wave.planDigest)
        field("expected_count", wave.expectedCount)
    }

    fileprivate mutating func override(_ reason: String?) {
        guard let reason else { return }
        key("override")
        beginObject()
        field("reason", reason)
        endObject()
    }
}
