import RegistryModel
import Testing

@Suite("Old keys") struct OldKeyContract {
    @Test(arguments: StoreUnderTest.all)
    func `go a few at a time, the oldest first`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            for number in 0..<25 {
                try await session.commit(new("d\(number).example"), key: key("k\(number)"))
                session.pass(.seconds(1))
            }
            // Those of the first twenty seconds.
            session.pass(.seconds(86_400 - 6))
            #expect(try await session.store.forgetKeys(atMost: 8) == 8)
            #expect(try await session.store.forgetKeys(atMost: 8) == 8)
            #expect(try await session.store.forgetKeys(atMost: 8) == 4)
            #expect(try await session.store.forgetKeys(atMost: 8) == 0)
            session.clock.change { $0 = StoreSession.start }
            for number in 0..<25 {
                let replay = try await session.store.replay(of: key("k\(number)"))
                #expect((replay == nil) == (number < 20), "\(number)")
            }
        }
    }
}
