import PostgresServer
import PostgresStore
import RegistryModel
import Testing

@Suite("A database in trouble", .timeLimit(.minutes(10))) struct FailureTests {
    static let aws = LocationName(canonical: "aws")

    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case register, change, location, plan
        var testDescription: String { rawValue }

        /// A command that makes a revision each time.
        func command(_ number: Int) -> Command {
            switch self {
            case .register: new("r\(number).example")
            case .change:
                .change(
                    FQDN(canonical: "known.example"), DomainPatch(tenant: .set("t\(number)")),
                    ifMatch: nil)
            case .location:
                .putLocation(
                    FailureTests.aws,
                    LocationSettings(
                        upstream: UpstreamURL(canonical: "http://aws-\(number)"),
                        acceptsSignups: true, isDefaultForSignups: true))
            case .plan:
                .planMigration(
                    MigrationPlan(
                        id: "m-\(number)", name: "m", from: LocationName(canonical: "japan"),
                        to: FailureTests.aws, selection: .names([FQDN(canonical: "known.example")]))
                )
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `cut off after any message of a commit has it once, and says so`(
        kind: Kind
    ) async throws {
        let database = try await TestDatabase()
        let proxy = try await CuttingProxy.start(before: database.server.port)
        let url = "postgres://registry@127.0.0.1:\(proxy.port)/\(database.name)?sslmode=disable"
        let node = try await Node(url, follows: false)
        try await node.run(new("known.example"))
        var number = 0
        var expected: Int64 = 1
        while true {
            proxy.cut(after: number)
            let committed = try await node.run(kind.command(number))
            expected += 1
            #expect(committed.revision.number == expected)
            guard !proxy.isWaiting else { break }
            number += 1
        }
        proxy.rest()
        #expect(number > 10, "each message was cut at")
        #expect(try await node.store.head().revision.number == expected)
        #expect(node.told.revisions == Array(1...expected))
        #expect(node.told.all == (try await node.store.changes(after: .zero, limit: 100_000)))
        #expect(try await node.store.verify(nil) { _ in }.isGood)
        await node.store.close()
        try await database.drop()
    }

    @Test func `that crashes under writers keeps what was acknowledged, and nothing refused`()
        async throws
    {
        let server = try await PostgresServer.start()
        let database = try await TestDatabase(server)
        let nodes = [try await Node(database.url), try await Node(database.url)]
        let acknowledged = Shared<[String: Revision]>([:])
        let refused = Shared<Set<String>>([])
        let isOver = Shared(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<16 {
                group.addTask {
                    var number = 0
                    while !isOver.value {
                        let name = "w\(writer)-\(number).example"
                        number += 1
                        do throws(RegistryError) {
                            let committed = try await nodes[writer % 2].run(new(name))
                            acknowledged.change { $0[name] = committed.revision }
                        } catch {
                            #expect(error == .storeUnavailable || error == .outcomeUnknown)
                            if error == .storeUnavailable {
                                refused.change { _ = $0.insert(name) }
                            }
                            // As a client does that is told to come back.
                            try await Task.sleep(for: .milliseconds(50))
                        }
                    }
                }
            }
            for _ in 0..<3 {
                let count = acknowledged.value.count
                try await poll("writes") { acknowledged.value.count > count + 50 }
                try await server.crash()
                try await server.startAgain()
            }
            let count = acknowledged.value.count
            try await poll("writes again") { acknowledged.value.count > count + 50 }
            isOver.change { $0 = true }
            try await group.waitForAll()
        }
        let log = try await nodes[0].store.history(
            HistoryQuery(order: .ascending, limit: 1_000_000)
        )
        .value.items
        var found: [String: Revision] = [:]
        for item in log {
            guard case .domain(let fqdn, _, _, _) = item.change.subject else { continue }
            #expect(found.updateValue(item.header.revision, forKey: fqdn.text) == nil)
        }
        #expect(log.map(\.header.revision.number) == Array(1...Int64(log.count)))
        for (name, revision) in acknowledged.value {
            #expect(found[name] == revision, "\(name) was acknowledged")
        }
        for name in refused.value {
            #expect(found[name] == nil, "\(name) was refused")
        }
        for node in nodes {
            try await node.reaches(Revision(Int64(log.count)))
            #expect(node.told.revisions == Array(1...Int64(log.count)))
        }
        #expect(try await nodes[1].store.verify(nil) { _ in }.isGood)
        for node in nodes { await node.store.close() }
    }

    @Test func `that is away refuses writes soon, and takes them again by itself`() async throws {
        let server = try await PostgresServer.start()
        let database = try await TestDatabase(server)
        let node = try await Node(database.url)
        try await node.run(new("a.example"))
        try await server.crash()
        await #expect(throws: RegistryError.storeUnavailable) {
            try await node.run(new("b.example"))
        }
        // Known to be away: nobody waits for it again.
        let started = ContinuousClock.now
        for _ in 0..<20 {
            await #expect(throws: RegistryError.storeUnavailable) {
                try await node.run(new("b.example"))
            }
            await #expect(throws: RegistryError.storeUnavailable) { try await node.store.head() }
        }
        #expect(started.duration(to: .now) < .seconds(60))
        try await poll("silence") { node.store.silence > .milliseconds(500) }
        try await server.startAgain()
        try await poll("writes") { (try? await node.run(new("b.example"))) != nil }
        #expect(try await node.store.head().revision == Revision(2))
        try await poll("contact") { node.store.silence < .milliseconds(500) }
        await node.store.close()
    }

    @Test func `whose connections are all taken lets nobody start, and who runs goes on`()
        async throws
    {
        let server = try await PostgresServer.start(
            {
                var settings = PostgresServer.Settings()
                settings.options = ["max_connections=12", "superuser_reserved_connections=3"]
                return settings
            }())
        let database = try await TestDatabase(server)
        try await server.run("CREATE ROLE guest LOGIN")
        try await server.run("ALTER DATABASE \"\(database.name)\" OWNER TO guest")
        try await database.run("ALTER SCHEMA public OWNER TO guest")
        let url = server.url(database.name, user: "guest")
        // Eight each at the start, and seven from then on: the second one doesn't fit.
        let first = try await Node(url) { $0.reads = .init(connections: 3) }
        try await first.run(new("a.example"))
        do {
            let second = try await Node(url) { $0.reads = .init(connections: 3) }
            await second.store.close()
            Issue.record("there was room for two")
        } catch let error as PostgresOpeningError {
            guard case .sessions(needed: 8, had: 0...7, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(error.isPassing && "\(error)".contains("needs 8 sessions"))
        }
        try await first.run(new("b.example"))
        await first.store.close()
        let second = Shared<Node?>(nil)
        try await poll("room") {
            let node = try? await Node(url) { $0.reads = .init(connections: 3) }
            second.change { $0 = node }
            return node != nil
        }
        try await second.value?.run(new("c.example"))
        await second.value?.store.close()
    }

    @Test(arguments: [0, 1, 7])
    func `whose role has too few connections says so`(_ limit: Int) async throws {
        let server = try await PostgresServer.start()
        let database = try await TestDatabase(server)
        try await server.run("CREATE ROLE guest LOGIN CONNECTION LIMIT \(limit)")
        try await server.run("ALTER DATABASE \"\(database.name)\" OWNER TO guest")
        await #expect {
            _ = try await Node(server.url(database.name, user: "guest")) {
                $0.reads = .init(connections: 3)
            }
        } throws: { error in
            guard case .sessions(needed: 8, let had, _) = error as? PostgresOpeningError else {
                return false
            }
            // A session that has just ended may count for a moment.
            return had == limit || had == limit - 1
        }
    }

    @Test func `that ends every session now and then loses no write`() async throws {
        let database = try await TestDatabase()
        let node = try await Node(database.url)
        for number in 1...30 {
            if number % 3 == 0 {
                try await database.run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
            }
            let committed = try await node.run(new("n\(number).example"))
            #expect(committed.revision.number == Int64(number))
            #expect(try await node.store.head().revision == committed.revision)
        }
        #expect(node.told.revisions == Array(1...30))
        await node.store.close()
        try await database.drop()
    }
}
