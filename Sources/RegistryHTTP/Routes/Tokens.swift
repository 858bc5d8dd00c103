import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/tokens`
struct TokenRoutes: Sendable {
    @Sendable func list(_ call: inout Call) async throws -> Reply {
        var query = QueryReader(call.query)
        let limit = query.limit()
        let cursor = query.text("cursor")
        try query.finish()
        let after = try cursor.map(Cursor.id)
        let read = try await call.service.tokens(after: after, limit: limit)
        return call.list(read, as: ListedToken.init, key: \.id)
    }

    @Sendable func create(_ call: inout Call) async throws -> Reply {
        if let replay = call.replay { return reply(replay, secret: nil) }
        var object = try call.object()
        let name = object.string("name", maximum: 100)
        let role = object.choice("role", Role.self)
        let expiry = object.optionalString("expires_at", maximum: 64)
        let note = object.note()
        let expiresAt = expiry.flatMap { Timestamp(rfc3339: $0) }
        if expiry != nil {
            if let expiresAt {
                if expiresAt <= call.lookups.time {
                    object.refuse("expires_at", "out-of-range", "the time must be in the future")
                }
            } else {
                object.refuse("expires_at", "invalid", "a time in RFC 3339 is expected")
            }
        }
        try object.finishOrThrow()
        guard let name, let role else { throw Problem.internalError }
        let (committed, secret) = try await call.service.createToken(
            name: name, role: role, expiresAt: expiresAt, call.writing(note))
        return reply(committed, secret: secret)
    }

    /// The secret is shown once: who repeats a request gets everything else again.
    private func reply(_ committed: Committed, secret: TokenSecret?) -> Reply {
        guard case .token(let id, let facts) = committed.outcome else { return .mismatch }
        let token = ListedToken(
            id: id, facts: facts, secret: committed.isReplay ? nil : secret?.text)
        return Reply.json(token, status: .created, at: committed.revision).noting(committed)
    }

    @Sendable func revoke(_ call: inout Call) async throws -> Reply {
        if let replay = call.replay { return .done(replay) }
        var query = QueryReader(call.query)
        let note = try call.noteOfDelete(&query)
        let committed = try await call.service.revokeToken(call.parameter("id"), call.writing(note))
        return .done(committed)
    }
}
