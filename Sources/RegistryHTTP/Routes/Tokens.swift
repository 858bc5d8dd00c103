import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/tokens`, and `/v1/whoami` about the one that a request came with.
struct TokenRoutes: Sendable {
    @Sendable func list(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let (limit, after) = try query.page(Cursor.id)
        let read = try await call.service.tokens(after: after, limit: limit)
        return call.list(read, as: ListedToken.init, key: \.id)
    }

    @Sendable func create(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return response(replay, secret: nil) }
        var object = try call.object()
        let request = TokenRequest(reading: &object, at: call.lookups.time)
        try object.finishOrThrow()
        guard let request, let role = Role(rawValue: request.role) else {
            throw Problem.internalError
        }
        let (committed, secret) = try await call.service.createToken(
            name: request.name, role: role,
            expiresAt: request.expiresAt.flatMap { Timestamp(rfc3339: $0) },
            call.writing(request.note))
        return response(committed, secret: secret)
    }

    /// The secret is shown once: who repeats a request gets everything else again.
    private func response(_ committed: Committed, secret: TokenSecret?) -> EndpointResponse {
        guard case .token(let id, let facts) = committed.outcome else { return .mismatch }
        let token = ListedToken(
            id: id, facts: facts, secret: committed.isReplay ? nil : secret?.text)
        return EndpointResponse.json(token, status: .created, at: committed.revision).noting(
            committed)
    }

    @Sendable func whoami(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        var expiresAt: Timestamp?
        if case .token(let token) = call.caller { expiresAt = token.expiresAt }
        return .json(Whoami(call.caller.actor, expiresAt: expiresAt))
    }

    @Sendable func revoke(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .done(replay) }
        let note = try call.noteOfDelete()
        let committed = try await call.service.revokeToken(call.parameter("id"), call.writing(note))
        return .done(committed)
    }
}
