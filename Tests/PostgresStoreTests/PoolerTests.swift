import PostgresServer
import PostgresStore
import RegistryModel
import Testing

@Suite("A pooler in between", .timeLimit(.minutes(10))) struct PoolerTests {
    private func failure(_ url: String) async throws -> PostgresOpeningError? {
        do {
            let node = try await Node(url, follows: false)
            await node.store.close()
            return nil
        } catch let error as PostgresOpeningError {
            return error
        }
    }

    /// Some poolers give the session that was used last, some take turns; with one session for all, who
    /// looks at his own alone sees nothing.
    @Test(
        arguments: [PgBouncer.Mode.transaction, .statement],
        [
            (20, "server_round_robin = 0"), (20, "server_round_robin = 1"),
            (1, "server_round_robin = 0"), (40, "min_pool_size = 30"),
        ])
    func `that gives sessions to others is refused at the start`(
        mode: PgBouncer.Mode, pool: (sessions: Int, setting: String)
    ) async throws {
        let database = try await TestDatabase()
        let pooler = try await PgBouncer.start(
            before: database.server, mode, sessions: pool.sessions, settings: [pool.setting])
        let error = try await failure(pooler.url(database.name))
        guard case .pooled = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let words = "\(String(describing: error))"
        #expect(words.contains("transaction pooling") && words.contains("session pooling"))
        #expect(error?.isPassing == false)
        try await database.drop()
    }

    @Test func `that gives each his own is as good as none`() async throws {
        let database = try await TestDatabase()
        let pooler = try await PgBouncer.start(before: database.server, .session)
        let node = try await Node(pooler.url(database.name)) { $0.reads = .init(connections: 4) }
        let direct = try await Node(database.url)
        for number in 1...10 {
            try await (number % 2 == 0 ? node : direct).run(new("n\(number).example"))
        }
        for node in [node, direct] {
            try await node.reaches(Revision(10))
            #expect(node.told.revisions == Array(1...10))
            #expect(node.store.flaw == nil)
        }
        await direct.store.close()
        try await poll("duty") { node.store.isOnDuty }
        #expect(try await node.store.verify(nil) { _ in }.isGood)
        await node.store.close()
        try await database.drop()
    }

    @Test func `that has too few sessions is refused, with the number that is needed`() async throws
    {
        let database = try await TestDatabase()
        let pooler = try await PgBouncer.start(before: database.server, .session, sessions: 3)
        let error = try await failure(pooler.url(database.name))
        guard case .sessions(needed: 8, had: 3, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let words = "\(String(describing: error))"
        #expect(words.contains("needs 8 sessions"))
        try await database.drop()
    }

    @Test func `that is set to give sessions to others is seen by who runs, who does nothing more`()
        async throws
    {
        let database = try await TestDatabase()
        let pooler = try await PgBouncer.start(before: database.server, .session)
        let node = try await Node(pooler.url(database.name))
        try await node.run(new("a.example"))
        try await poll("duty") { node.store.isOnDuty }
        try pooler.change(to: .transaction)
        try await poll("the flaw") { node.store.flaw != nil }
        #expect(node.store.flaw?.contains("transaction pooling") == true)
        #expect(!node.store.isOnDuty)
        await #expect(throws: RegistryError.storeUnavailable) {
            try await node.run(new("b.example"))
        }
        await #expect(throws: RegistryError.storeUnavailable) { try await node.store.head() }
        let count = { try await database.run("SELECT revision FROM head") }
        #expect(try await count() == [["1"]])

        try pooler.change(to: .session)
        try await poll("the end of it") { node.store.flaw == nil }
        try await poll("a write") { (try? await node.run(new("b.example"))) != nil }
        try await poll("duty again") { node.store.isOnDuty }
        try await node.reaches(Revision(2))
        #expect(try await count() == [["2"]])
        await node.store.close()
        try await database.drop()
    }

}
