import RegistryModel

extension CommandExecution {
    func createToken(_ wanted: TokenRecord) throws -> Decision {
        var token = wanted
        token.createdAt = at
        try transaction.insert(token)
        return Decision(
            outcome: .token(id: token.id, token.facts),
            log: [Change(.tokenCreated, .token(id: token.id, before: nil, after: token.facts))],
            effects: RevisionChanges(revision: revision, tokens: [token]))
    }

    /// The last admin token that lasts stays: one that expires soon would leave nobody to make another.
    /// Where none lasts, the last one that works stays.
    func revokeToken(_ id: String) throws -> Decision {
        guard var token = try transaction.token(id), token.revokedAt == nil else {
            throw RegistryError.unknownToken(id)
        }
        if token.role == .admin, token.isActive(at: now),
            try !transaction.hasActiveAdmin(
                besides: id, at: now, lasting: token.expiresAt == nil)
        {
            throw RegistryError.lastAdminToken(id)
        }
        try transaction.revokeToken(id, at: at)
        token.revokedAt = at
        return Decision(
            outcome: .tokenRevoked,
            log: [Change(.tokenRevoked, .token(id: id, before: token.facts, after: nil))],
            effects: RevisionChanges(revision: revision, tokens: [token]))
    }
}
