import RegistryModel

/// Who sends a request.
public enum Caller: Sendable {
    case token(TokenRecord)
    case anonymous

    public var actor: Actor {
        switch self {
        case .token(let token): Actor(token: token.id, name: token.name, role: token.role)
        case .anonymous: .anonymous
        }
    }
}

extension LookupService {
    /// The token that `text` is, where it's genuine, not revoked and not expired.
    public func authenticate(_ text: some StringProtocol) -> TokenRecord? {
        TokenSecret(text).flatMap { state.tokens.authenticate($0, at: now())?.record }
    }

    /// Whether a caller who was let in would be let in now: for answers that have no end.
    public func isStillGood(_ caller: Caller) -> Bool {
        guard case .token(let token) = caller else { return true }
        return state.tokens.isActive(token.id, at: now())
    }
}

extension RegistryService {
    /// Makes a token.
    /// - Returns: the secret, which is nowhere else: who asked is its only keeper.
    public func createToken(
        name: String, role: Role, expiresAt: Timestamp?, _ context: WriteContext
    ) async throws(RegistryError) -> (Committed, TokenSecret) {
        let secret = TokenSecret.random()
        let record = TokenRecord(
            id: secret.id, name: name, role: role, secretDigest: secret.digest, createdAt: now(),
            expiresAt: expiresAt)
        return (try await commit(.createToken(record), context), secret)
    }

    public func revokeToken(
        _ id: String, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.revokeToken(id: id), context)
    }

    public func tokens(
        after: String?, limit: Int
    ) async throws(RegistryError) -> Read<Page<TokenRecord>> {
        var read = try await store.tokens(after: after, limit: limit)
        let now = now()
        for index in read.value.items.indices {
            let recent = state.tokens.recentUse(of: read.value.items[index].id)
            let stored = read.value.items[index].lastUsedAt
            // A use that's later than now is of a clock that ran ahead.
            read.value.items[index].lastUsedAt = [recent, stored].compactMap(\.self).max()
                .map { min($0, now) }
        }
        return read
    }

    /// Makes the first admin token of an empty store.
    ///
    /// - Parameter keep: puts the token where the operator finds it, durably. It comes before the
    ///   commit: a crash in between leaves a store without tokens, and the next start tries again.
    /// - Returns: whether a token was made.
    public func makeFirstToken(
        keep: (TokenSecret) throws -> Void
    ) async throws -> Bool {
        guard state.tokens.isEmpty else { return false }
        let secret = TokenSecret.random()
        try keep(secret)
        let record = TokenRecord(
            id: secret.id, name: "first-admin", role: .admin, secretDigest: secret.digest,
            createdAt: now())
        // Of several nodes that start together on one empty store, one makes it.
        let key = IdempotencyKey(
            token: Actor.system.token, key: "first-admin",
            requestDigest: Array(repeating: 0, count: 32))
        let committed = try await commit(
            .createToken(record),
            WriteContext(
                actor: .system, note: Note(reason: "first start on an empty store"),
                requestID: "start", idempotency: key))
        return !committed.isReplay
    }
}
