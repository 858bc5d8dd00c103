import RegistryModel
import Testing

@Suite("Tokens") struct TokenContract {
    @Test(arguments: StoreUnderTest.all)
    func `are kept with their facts, and history shows no digest`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            session.pass(.seconds(5))
            let expiry = StoreSession.start.adding(.seconds(1_000))
            let wanted = token("a", role: .auditor, expiresAt: expiry)
            let committed = try await session.commit(.createToken(wanted))
            #expect(committed.outcome == .token(id: "a", wanted.facts))
            var stored = wanted
            stored.createdAt = StoreSession.start.adding(.seconds(5))
            let listed = try await session.store.tokens(after: nil, limit: 10).value.items
            #expect(listed == [stored])
            #expect(session.observed.value.last?.tokens == [stored])
            #expect(
                try await session.log().map(\.change)
                    == [Change(.tokenCreated, .token(id: "a", before: nil, after: wanted.facts))])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are revoked once, and stay in snapshots as revoked`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(.createToken(token("a", role: .reader)))
            session.pass(.seconds(5))
            let committed = try await session.commit(.revokeToken(id: "a"))
            #expect(committed == Committed(revision: Revision(2), outcome: .tokenRevoked))
            var revoked = token("a", role: .reader)
            revoked.revokedAt = StoreSession.start.adding(.seconds(5))
            #expect(session.observed.value.last?.tokens == [revoked])
            #expect(try await session.store.tokens(after: nil, limit: 10).value.items.isEmpty)
            #expect(try await Snapshot(of: session.store).tokens == [revoked])
            for id in ["a", "b"] {
                await #expect(throws: RegistryError.unknownToken(id)) {
                    try await session.commit(.revokeToken(id: id))
                }
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `keep one admin that works`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let expiry = StoreSession.start.adding(.seconds(10))
            try await session.commit(.createToken(token("a")))
            try await session.commit(.createToken(token("b", expiresAt: expiry)))
            try await session.commit(.createToken(token("c", role: .operator_)))
            session.pass(.seconds(10))
            await #expect(throws: RegistryError.lastAdminToken("a")) {
                try await session.commit(.revokeToken(id: "a"))
            }
            // Expired: it isn't the one that works.
            try await session.commit(.revokeToken(id: "b"))
            try await session.commit(.createToken(token("d")))
            try await session.commit(.revokeToken(id: "a"))
            await #expect(throws: RegistryError.lastAdminToken("d")) {
                try await session.commit(.revokeToken(id: "d"))
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `keep one admin that lasts, however many others expire`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            let soon = StoreSession.start.adding(.seconds(60))
            try await session.commit(.createToken(token("lasting")))
            for id in ["a", "b", "c"] {
                try await session.commit(.createToken(token(id, expiresAt: soon)))
            }
            await #expect(throws: RegistryError.lastAdminToken("lasting")) {
                try await session.commit(.revokeToken(id: "lasting"))
            }
            // Those that expire may go: the one that lasts stays.
            try await session.commit(.revokeToken(id: "a"))
            try await session.commit(.createToken(token("other")))
            try await session.commit(.revokeToken(id: "lasting"))
            await #expect(throws: RegistryError.lastAdminToken("other")) {
                try await session.commit(.revokeToken(id: "other"))
            }
            try await session.commit(.revokeToken(id: "b"))
            try await session.commit(.revokeToken(id: "c"))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that all expire keep the last one that works`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let soon = StoreSession.start.adding(.seconds(60))
            for id in ["a", "b"] {
                try await session.commit(.createToken(token(id, expiresAt: soon)))
            }
            try await session.commit(.revokeToken(id: "a"))
            await #expect(throws: RegistryError.lastAdminToken("b")) {
                try await session.commit(.revokeToken(id: "b"))
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `never take the place of one another`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(.createToken(token("a")))
            await #expect(throws: RegistryError.inconsistent) {
                try await session.commit(.createToken(token("a", role: .reader)))
            }
            #expect(
                try await session.store.tokens(after: nil, limit: 9).value.items.map(\.role)
                    == [.admin])
            #expect(try await session.revision() == 1)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `are noted as used, never backwards`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(.createToken(token("a")))
            let late = StoreSession.start.adding(.seconds(9))
            session.pass(.seconds(9))
            try await session.store.note(tokenUses: ["a": late, "unknown": late])
            try await session.store.note(tokenUses: ["a": StoreSession.start])
            let listed = try await session.store.tokens(after: nil, limit: 10).value.items
            #expect(listed.map(\.lastUsedAt) == [late])
            #expect(try await session.revision() == 1, "not a revision")
        }
    }
}
