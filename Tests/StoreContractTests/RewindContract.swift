import Foundation
import PostgresStore
import RegistryModel
import SQLiteStore
import Testing

/// A store that was put back under its old epoch, as agents tell of it.
@Suite("A store that agents are ahead of") struct RewindContract {
    private static let edge = AgentName(canonical: "edge-a")

    /// Writes down what the agent says: nothing, or `revision` of the store's own epoch, and beyond its log's end.
    private static func note(
        _ session: StoreSession, applied: Int64? = nil, ahead: Int64? = nil
    ) async throws {
        let epoch = try await session.store.head().epoch
        func position(_ revision: Int64?) -> Position? {
            revision.map { Position(epoch: epoch, revision: Revision($0)) }
        }
        session.pass(.seconds(1))
        _ = try await session.store.note(
            [AgentReport(edge, applied: position(applied), ahead: position(ahead))], limit: 10)
    }

    private static func evict(_ session: StoreSession) async throws {
        session.pass(.seconds(1))
        _ = try await session.store.evict(edge, by: .tester, Note(), idempotency: nil)
    }

    /// Opens it again.
    /// - Returns: what it's refused with, or its epoch.
    private static func reopen(
        _ session: StoreSession, accepting: Bool = false
    ) async throws -> String {
        do {
            let again = try await session.reopened(acceptsRewind: accepting)
            let epoch = try await again.store.head().epoch
            await again.store.close()
            return epoch.text
        } catch let error as StoreOpeningError {
            return "\(error)"
        } catch let error as PostgresOpeningError {
            #expect(!error.isPassing, "waiting doesn't help")
            return "\(error)"
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `keeps what one has said, whatever it says later`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await Self.note(session, ahead: 7)
            try await Self.note(session, applied: 0)
            func kept(_ session: StoreSession) async throws -> [Int64?] {
                let agent = try #require(try await session.store.agents().first)
                return [agent.applied?.revision.number, agent.ahead?.revision.number]
            }
            #expect(try await kept(session) == [0, 7])
            try await Self.note(session, ahead: 9)
            #expect(try await kept(session) == [nil, 9])
            try await Self.evict(session)
            try await Self.note(session, applied: 0)
            #expect(try await kept(session) == [0, nil], "an eviction ends it")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `isn't opened until somebody says so, and goes on under a new epoch`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.register("a.example")
            try await session.register("b.example")
            let head = try await session.store.head()
            try await Self.note(session, ahead: 9)
            let refusal = try await Self.reopen(session)
            for part in ["edge-a", "revision 9", "revision 2", head.epoch.text, "--accept-rewind"] {
                #expect(refusal.contains(part), "\(part) in \(refusal)")
            }
            #expect(try await Self.reopen(session) == refusal, "as often as it's asked")
            let next = try await Self.reopen(session, accepting: true)
            #expect(next != head.epoch.text && !next.contains(" "))
            #expect(try await Self.reopen(session) == next)
            #expect(try await Self.reopen(session, accepting: true) == next, "nothing is wrong")
            let again = try await session.reopened()
            let now = try await again.store.head()
            #expect(now.revision == head.revision && now.digest == head.digest)
            let result = try await again.store.verify(nil) { _ in }
            #expect(result.isGood, "\(result.what)")
            await again.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `isn't opened either when its log has come as far since`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await Self.note(session, ahead: 2)
            for name in ["a", "b", "c"] { try await session.register("\(name).example") }
            try await Self.note(session, applied: 3)
            #expect(try await Self.reopen(session).contains("edge-a"))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is told by what an agent had applied, too`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example")
            let epoch = try await session.store.head().epoch.text
            try await Self.note(session, applied: 1)
            #expect(try await Self.reopen(session) == epoch, "as far as the log, and no further")
        }
        try await engine.run { session in
            try await session.register("a.example")
            try await Self.note(session, applied: 2)
            #expect(try await Self.reopen(session).contains("edge-a"))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is opened when the agent is evicted, or forgotten, or of another epoch`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let epoch = try await session.store.head().epoch.text
            _ = try await session.store.note(
                [
                    AgentReport(
                        Self.edge, applied: nil,
                        ahead: Position(epoch: Epoch("other"), revision: Revision(9)))
                ], limit: 10)
            #expect(try await Self.reopen(session) == epoch)
        }
        try await engine.run { session in
            let epoch = try await session.store.head().epoch.text
            try await Self.note(session, ahead: 9)
            try await Self.evict(session)
            #expect(try await Self.reopen(session) == epoch)
            let again = try await session.reopened()
            again.pass(.seconds(8 * 86_400))
            #expect(
                try await again.store.forgetAgents(silentFor: .seconds(7 * 86_400)) == [Self.edge])
            await again.store.close()
            #expect(try await Self.reopen(session) == epoch)
        }
    }
}
