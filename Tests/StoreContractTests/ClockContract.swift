import RegistryModel
import Testing

/// The log's stamps never go back, and nothing else goes by them. A hardware clock in JST that was read as
/// UTC runs ahead by nine hours, until somebody sets it right.
@Suite("A clock that was wrong") struct ClockContract {
    private static let names = ["a.example", "b.example"]
    private static let jump = Duration.seconds(9 * 3600)

    /// Writes once with a clock that runs ahead, and sets it right.
    private static func runAhead(_ session: StoreSession) async throws {
        session.pass(jump)
        try await session.register("ahead.example")
        session.pass(.zero - jump)
        #expect(try await session.store.head().at == StoreSession.start.adding(jump))
    }

    @Test(arguments: StoreUnderTest.all)
    func `says how far the log is ahead`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            #expect(try await session.store.clocks().ahead == .zero)
            try await Self.runAhead(session)
            let clocks = try await session.store.clocks()
            #expect(clocks.now == StoreSession.start)
            #expect(clocks.stamp == StoreSession.start.adding(Self.jump))
            #expect(clocks.ahead == Self.jump)
            session.pass(.seconds(10 * 3600))
            #expect(try await session.store.clocks().ahead == .zero)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `doesn't let the log's stamps go back`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await Self.runAhead(session)
            let domain = try await session.register("a.example")
            #expect(domain.registeredAt == StoreSession.start.adding(Self.jump))
            session.pass(Self.jump + .seconds(1))
            try await session.commit(.patch("a.example", mode: .reject))
            let stamps = try await session.log().map(\.header.at)
            #expect(stamps == stamps.sorted())
            #expect(stamps.last == session.clock.value)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `neither stretches a freeze nor ends it early`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(
                Self.names, waves: [.count(1), .rest], freeze: .reject)
            try await Self.runAhead(session)
            let frozen = try await session.freeze(of: migration, for: .seconds(60))
            #expect(frozen.deadline == StoreSession.start.adding(.seconds(60)))
            #expect(try await session.current(migration).waves[0].deadline == frozen.deadline)
            session.pass(.milliseconds(59_999))
            #expect(try await session.store.wavesDue().isEmpty)
            await #expect(throws: RegistryError.wrongWaveState(.frozen, wave: 1, .thaw)) {
                try await session.take(.thawWhenDue, of: migration)
            }
            session.pass(.milliseconds(1))
            #expect(
                try await session.store.wavesDue()
                    == [WaveName(migration: migration.id, number: 1)])
            let deadline = try #require(frozen.deadline)
            await #expect(throws: RegistryError.freezeIsOver(wave: 1, at: deadline)) {
                try await session.cutOver(of: migration)
            }
            try await session.take(.thawWhenDue, of: migration, by: .system)
            // The same clock all along, but the log's stamps are of hours to come.
            try await session.freeze(2, of: migration, for: .seconds(60))
            session.pass(.seconds(59))
            try await session.cutOver(2, of: migration)
            #expect(try await session.places(Self.names) == ["japan serve", "aws serve"])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that jumps while a wave is frozen ends the freeze when it says so`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.registerAll(Self.names)
            let migration = try await session.plan(Self.names, freeze: .reject)
            try await session.freeze(of: migration, for: .seconds(60))
            session.pass(.zero - Self.jump)
            #expect(try await session.store.wavesDue().isEmpty)
            session.pass(Self.jump + Self.jump)
            #expect(try await session.store.wavesDue().count == 1)
            session.pass(.zero - Self.jump)
            #expect(try await session.store.wavesDue().isEmpty)
            try await session.cutOver(of: migration)
        }
    }

    @Test(
        arguments: StoreUnderTest.all,
        [Duration.zero, .milliseconds(1), .seconds(100), .seconds(20 * 3600)])
    func `neither stretches a quarantine nor ends it early`(
        engine: StoreUnderTest, quarantine: Duration
    ) async throws {
        try await engine.run(quarantine: quarantine) { session in
            let name = fqdn("a.example")
            try await session.register("a.example", at: aws)
            try await Self.runAhead(session)
            try await session.commit(.release(name, ifMatch: nil))
            if quarantine > .zero {
                let until = StoreSession.start.adding(quarantine)
                session.pass(quarantine - .milliseconds(1))
                #expect(
                    try await session.store.standing(of: name).value == .quarantined(until: until))
                await #expect(throws: RegistryError.domainQuarantined(name, availableAt: until)) {
                    try await session.register("a.example")
                }
                await #expect(throws: RegistryError.locationInUse(aws)) {
                    try await session.commit(.deleteLocation(aws))
                }
                session.pass(.milliseconds(1))
            }
            #expect(try await session.store.standing(of: name).value == .free)
            try await session.commit(.deleteLocation(aws))
            try await session.register("a.example")
            #expect(try await session.store.verify(nil) { _ in }.flaws.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `neither stretches the life of a key nor ends it early`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            try await Self.runAhead(session)
            try await session.commit(new("a.example"), key: key("k"))
            session.pass(.milliseconds(86_399_999))
            #expect(try await session.store.forgetKeys(atMost: 9) == 0)
            #expect(try await session.commit(new("a.example"), key: key("k")).isReplay)
            session.pass(.milliseconds(1))
            #expect(try await session.store.replay(of: key("k")) == nil)
            #expect(try await session.store.forgetKeys(atMost: 9) == 1)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that is set back makes no request act twice`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            session.pass(.seconds(365 * 86_400))
            try await session.commit(new("a.example"), key: key("k"))
            session.pass(.seconds(-365 * 86_400))
            #expect(try await session.store.replay(of: key("k"))?.isReplay == true)
            #expect(try await session.commit(new("a.example"), key: key("k")).isReplay)
            #expect(try await session.store.forgetKeys(atMost: 9) == 0)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `doesn't decide whether another admin's token works`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            try await Self.runAhead(session)
            let soon = StoreSession.start.adding(.seconds(60))
            let later = StoreSession.start.adding(.seconds(120))
            // Among tokens that all end, any that works is another one.
            try await session.commit(.createToken(token("a", expiresAt: later)))
            try await session.commit(.createToken(token("b", expiresAt: soon)))
            // The log is past the end of b; the clock isn't.
            try await session.commit(.revokeToken(id: "a"))
            try await session.commit(.createToken(token("c", expiresAt: later)))
            session.pass(.seconds(60))
            await #expect(throws: RegistryError.lastAdminToken("c")) {
                try await session.commit(.revokeToken(id: "c"))
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `leaves no use of a token in the future`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(.createToken(token("a")))
            session.pass(Self.jump)
            try await session.store.note(tokenUses: ["a": session.clock.value])
            session.pass(.zero - Self.jump)
            let used = session.clock.value.adding(.seconds(-5))
            try await session.store.note(tokenUses: ["a": used])
            let listed = try await session.store.tokens(after: nil, limit: 10).value.items
            #expect(listed.map(\.lastUsedAt) == [session.clock.value])
            try await session.store.note(tokenUses: ["a": session.clock.value.adding(Self.jump)])
            let again = try await session.store.tokens(after: nil, limit: 10).value.items
            #expect(again.map(\.lastUsedAt) == [session.clock.value])
        }
    }
}
