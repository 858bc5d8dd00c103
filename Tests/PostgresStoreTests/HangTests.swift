import PostgresServer
import PostgresStore
import RegistryModel
import Testing

/// No test here is about how quick anything is: each bound is far below what a wait without end takes, and
/// far above what a busy machine needs.
@Suite("A database that says nothing", .timeLimit(.minutes(10))) struct HangTests {
    enum Trouble: String, CaseIterable, CustomTestStringConvertible {
        /// It accepts, and nobody works.
        case stopped
        /// Packets are lost.
        case silent
        /// There's nobody.
        case refused
        var testDescription: String { rawValue }
    }

    private struct Setup {
        let database: TestDatabase
        let proxy: SilentProxy
        let node: Node

        init() async throws {
            database = try await TestDatabase(try await PostgresServer.start())
            // A session that nobody ends, for its end got lost, holds the head's lock for so long.
            try await database.run(
                """
                ALTER DATABASE "\(database.name)" SET idle_in_transaction_session_timeout = '3s'
                """)
            proxy = try await SilentProxy.start(before: database.server.port)
            node = try await Node(
                "postgres://registry@127.0.0.1:\(proxy.port)/\(database.name)?sslmode=disable"
            ) { $0.grace = .seconds(3) }
        }

        func begin(_ trouble: Trouble) async throws -> Hang? {
            switch trouble {
            case .stopped: return try Hang(of: database.server)
            case .silent: proxy.fallSilent()
            case .refused: try await database.server.crash()
            }
            return nil
        }

        func end(_ trouble: Trouble, _ hang: Hang?) async throws {
            switch trouble {
            case .stopped: hang?.end()
            case .silent: proxy.open()
            case .refused: try await database.server.startAgain()
            }
        }
    }

    private static func key(_ number: Int) -> IdempotencyKey {
        IdempotencyKey(token: "t", key: "k\(number)", requestDigest: [1])
    }

    private static func answer(
        _ body: @Sendable () async throws(RegistryError) -> Void
    ) async -> (RegistryError?, Duration) {
        let started = ContinuousClock.now
        do throws(RegistryError) {
            try await body()
            return (nil, started.duration(to: .now))
        } catch {
            return (error, started.duration(to: .now))
        }
    }

    @Test(arguments: Trouble.allCases)
    func `is waited for by nobody for long, and by nobody at all once that is known`(
        trouble: Trouble
    ) async throws {
        let setup = try await Setup()
        let node = setup.node
        try await node.run(new("before.example"))
        try await poll("duty") { node.store.isOnDuty }
        let hang = try await setup.begin(trouble)
        defer { hang?.end() }
        let answers = await withTaskGroup(of: (RegistryError?, Duration).self) { group in
            for number in 0..<40 {
                group.addTask {
                    await Self.answer { () async throws(RegistryError) in
                        _ = try await node.store.replay(of: Self.key(number))
                    }
                }
                group.addTask {
                    await Self.answer { () async throws(RegistryError) in
                        try await node.run(new("n\(number).example"), key: Self.key(number))
                    }
                }
                group.addTask {
                    await Self.answer { () async throws(RegistryError) in
                        _ = try await node.store.domains(DomainQuery(limit: 10))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for (error, time) in answers {
            #expect(error == .storeUnavailable)
            #expect(time < .seconds(10))
        }
        // Known now: not even the first one waits.
        for number in 0..<20 {
            let (error, time) = await Self.answer { () async throws(RegistryError) in
                try await node.run(new("late\(number).example"))
            }
            #expect(error == .storeUnavailable && time < .seconds(1))
            let (other, later) = await Self.answer { () async throws(RegistryError) in
                _ = try await node.store.head()
            }
            #expect(other == .storeUnavailable && later < .seconds(1))
        }
        #expect(!node.store.isOnDuty)

        try await setup.end(trouble, hang)
        try await poll("the first write after it") {
            (try? await node.run(new("after.example"))) != nil
        }
        #expect(try await node.store.domains(DomainQuery(limit: 10)).value.items.count == 2)
        try await poll("duty again") { node.store.isOnDuty }
        try await node.reaches(try await node.store.head().revision)
        await node.store.close()
    }

    @Test func `under a commit is asked what became of it, and others don't wait for that`()
        async throws
    {
        let setup = try await Setup()
        let node = setup.node
        try await node.run(new("before.example"))
        // The commit comes to the server, and nobody hears of it.
        setup.proxy.loseAnswers(to: "somebody")
        async let first = Self.answer { () async throws(RegistryError) in
            try await node.run(new("first.example", tenant: "somebody"))
        }
        try await poll("the loss") { setup.proxy.hasLost }
        let (second, _) = await Self.answer { () async throws(RegistryError) in
            try await node.run(new("second.example"))
        }
        #expect(second == nil)
        #expect(await first.0 == nil)
        try await node.reaches(Revision(3))
        #expect(node.told.revisions == [1, 2, 3])
        #expect(
            try await setup.database.run("SELECT fqdn FROM domain ORDER BY fqdn")
                == [["before.example"], ["first.example"], ["second.example"]])
        await node.store.close()
    }

    /// The way to the server is lost for one session, whose answer the server gave long ago.
    @Test func `to one session alone costs that one a new connection`() async throws {
        let setup = try await Setup()
        let node = setup.node
        try await node.run(new("a.example"))
        setup.proxy.loseAnswers(to: "forgotten")
        let (error, time) = await Self.answer { () async throws(RegistryError) in
            _ = try await node.store.replay(
                of: IdempotencyKey(token: "t", key: "forgotten", requestDigest: [1]))
        }
        #expect(setup.proxy.hasLost && error == nil)
        #expect(time < .seconds(30))
        await node.store.close()
    }

    @Test func `because somebody holds a lock isn't away`() async throws {
        let setup = try await Setup()
        let node = setup.node
        try await node.run(new("a.example"))
        let other = try await setup.database.server.session(in: setup.database.name)
        try await other.run("BEGIN; SELECT FROM head FOR UPDATE")
        async let write = Self.answer { () async throws(RegistryError) in
            try await node.run(new("b.example"))
        }
        // Longer than the database may be silent.
        try await other.run("SELECT pg_sleep(6)")
        #expect(try await node.store.head().revision == Revision(1))
        try await other.run("COMMIT")
        #expect(await write.0 == nil)
        await node.store.close()
    }

    @Test(arguments: Trouble.allCases)
    func `doesn't hold up the end of a store`(trouble: Trouble) async throws {
        let setup = try await Setup()
        let node = setup.node
        try await node.run(new("a.example"))
        let hang = try await setup.begin(trouble)
        defer { hang?.end() }
        async let write = Self.answer { () async throws(RegistryError) in
            try await node.run(new("b.example"))
        }
        let started = ContinuousClock.now
        await node.store.close()
        #expect(started.duration(to: .now) < .seconds(20))
        #expect(await write.0 != nil)
    }

    /// Nobody answers at the first address; a name that nobody knows costs the rest nothing either.
    @Test(arguments: ["silent", "nowhere.invalid"])
    func `at the first of several hosts is left for the next`(host: String) async throws {
        let database = try await TestDatabase()
        let silent = try await SilentProxy.start(before: database.server.port)
        silent.fallSilent()
        let first = host == "silent" ? "127.0.0.1:\(silent.port)" : host
        let node = try await Node(
            "postgres://registry@\(first),127.0.0.1:\(database.server.port)/\(database.name)?sslmode=disable"
        )
        try await node.run(new("a.example"))
        await node.store.close()
        try await database.drop()
    }
}
