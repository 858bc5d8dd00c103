import RegistryModel
import Testing

@Suite("An idempotency key") struct IdempotencyContract {
    @Test(arguments: StoreUnderTest.all)
    func `gives the first answer again, whatever has happened since`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            let first = try await session.commit(new("a.example"), key: key("k"))
            try await session.commit(
                .change(fqdn("a.example"), DomainPatch(mode: .reject), ifMatch: nil))
            let replay = Committed(
                revision: first.revision, outcome: first.outcome, isReplay: true)
            #expect(try await session.commit(new("a.example"), key: key("k")) == replay)
            #expect(try await session.store.replay(of: key("k")) == replay)
            #expect(try await session.revision() == 2)
            #expect(session.observed.value.count == 2)

            let again = try await session.reopened()
            #expect(try await again.store.replay(of: key("k")) == replay)
            await again.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `gives every kind of answer again`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let name = fqdn("a.example")
            let commands: [Command] = [
                new("a.example", at: aws),
                .registerBatch([
                    .wanted(NewDomain(fqdn: fqdn("b.example"))), .refused(code: "invalid-fqdn"),
                ]),
                .change(name, DomainPatch(tenant: .set("x \"/\\ ü")), ifMatch: nil),
                .release(name, ifMatch: nil), .restore(name),
                .putLocation(nowhere, settings("http://a/b?c=d")), .deleteLocation(nowhere),
                .createToken(token("a", expiresAt: StoreSession.start.adding(.seconds(99)))),
                .createToken(token("b")), .revokeToken(id: "a"),
            ]
            for (index, command) in commands.enumerated() {
                let first = try await session.commit(command, key: key("k\(index)"))
                #expect(!first.isReplay)
                var expected = first
                expected.isReplay = true
                #expect(try await session.commit(command, key: key("k\(index)")) == expected)
            }
            #expect(try await session.revision() == Int64(commands.count))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is refused with another request, and belongs to one token`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            try await session.commit(new("a.example"), key: key("k"))
            await #expect(throws: RegistryError.idempotencyKeyReused) {
                try await session.commit(new("b.example"), key: key("k", digest: 2))
            }
            await #expect(throws: RegistryError.idempotencyKeyReused) {
                try await session.store.replay(of: key("k", digest: 2))
            }
            let other = key("k", token: "t-2", digest: 2)
            #expect(try await session.store.replay(of: other) == nil)
            #expect(try await !session.commit(new("b.example"), key: other).isReplay)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is forgotten after a day`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(new("a.example"), key: key("k"))
            session.pass(.milliseconds(86_399_999))
            #expect(try await session.store.replay(of: key("k"))?.isReplay == true)
            #expect(try await session.store.forgetKeys(atMost: 9) == 0)
            #expect(try await session.store.replay(of: key("k"))?.isReplay == true)
            session.pass(.milliseconds(1))
            #expect(try await session.store.replay(of: key("k")) == nil)
            // The key is free for another request, and that one is remembered from now on.
            let second = key("k", digest: 2)
            #expect(try await !session.commit(new("b.example"), key: second).isReplay)
            #expect(try await session.store.forgetKeys(atMost: 9) == 0, "it has been replaced")
            #expect(try await session.store.replay(of: second)?.isReplay == true)
            session.pass(.seconds(86_401))
            #expect(try await session.store.forgetKeys(atMost: 9) == 1)
            session.clock.change { $0 = $0.adding(.seconds(-86_401)) }
            #expect(try await session.store.replay(of: second) == nil, "maintenance dropped it")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `remembers what changed nothing, beside the log`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let name = fqdn("a.example")
            try await session.commit(new("a.example", at: aws))
            try await session.commit(.putLocation(nowhere, settings("http://n")))
            let commands: [Command] = [
                .change(name, DomainPatch(mode: .serve), ifMatch: nil),
                .registerBatch([.wanted(NewDomain(fqdn: name)), .refused(code: "invalid-fqdn")]),
                .putLocation(nowhere, settings("http://n")),
            ]
            for (index, command) in commands.enumerated() {
                let first = try await session.commit(command, key: key("k\(index)"))
                #expect(first.revision == Revision(2) && !first.isReplay)
                var expected = first
                expected.isReplay = true
                #expect(try await session.store.replay(of: key("k\(index)")) == expected)
                #expect(try await session.commit(command, key: key("k\(index)")) == expected)
            }
            #expect(try await session.revision() == 2)
            let verification = try await session.store.verify(nil) { _ in }
            #expect(verification.isGood, "\(verification.what)")
            let again = try await session.reopened()
            #expect(try await again.store.replay(of: key("k0"))?.isReplay == true)
            await again.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `evicts an agent once`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(new("a.example", at: aws))
            let edge = AgentName(canonical: "edge")
            let report = AgentReport(edge, applied: nil, age: { .zero })
            let evict = { (key: IdempotencyKey?) in
                try await session.store.evict(
                    edge, by: .tester, Note(reason: "r"), idempotency: key)
            }
            _ = try await session.store.note([report], limit: 10)
            session.pass(.seconds(1))
            #expect(try await evict(key("k")) != nil)
            #expect(
                try await session.store.replay(of: key("k"))
                    == Committed(revision: Revision(1), outcome: .agentEvicted, isReplay: true))
            #expect(try await evict(key("k")) == nil)
            await #expect(throws: RegistryError.idempotencyKeyReused) {
                try await evict(key("k", digest: 2))
            }
            await #expect(throws: RegistryError.unknownAgent("edge")) {
                try await evict(key("other"))
            }
            #expect(try await session.store.replay(of: key("other")) == nil)
            session.pass(.seconds(1))
            _ = try await session.store.note([report], limit: 10)
            #expect(try await evict(key("k")) == nil, "it's back, and stays")
            #expect(try await session.store.agents().first?.isEvicted == false)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `remembers no refusal`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            await #expect(throws: RegistryError.unknownDomain(fqdn("a.example"))) {
                try await session.commit(.restore(fqdn("a.example")), key: key("k"))
            }
            #expect(try await session.store.replay(of: key("k")) == nil)
            try await session.commit(new("a.example"), key: key("k", digest: 2))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `executes once, however many send it at the same time`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            let answers = try await withThrowingTaskGroup(of: Committed.self) { group in
                for _ in 0..<64 {
                    group.addTask { try await session.commit(new("a.example"), key: key("k")) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { !$0.isReplay } == 1)
            #expect(Set(answers.map(\.outcome)).count == 1)
            #expect(try await session.revision() == 1)
        }
    }
}
