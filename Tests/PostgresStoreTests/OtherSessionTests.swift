import PostgresServer
import PostgresStore
import RegistryModel
import Testing

/// What somebody else's session, or a node that has stopped, does to those who write.
@Suite("Another session in the way", .timeLimit(.minutes(15))) struct OtherSessionTests {
    private static let takesHead = "BEGIN; SELECT FROM head FOR UPDATE"

    /// How many of the registry's sessions wait for a lock.
    private func waiting(_ database: TestDatabase) async throws -> Int {
        try await database.run(
            """
            SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                AND application_name = 'tenant-registry' AND wait_event_type = 'Lock'
            """
        ).count
    }

    private func answer(_ node: Node, _ name: String) async -> RegistryError? {
        await answer(node, new(name))
    }

    private func answer(_ node: Node, _ command: Command) async -> RegistryError? {
        do throws(RegistryError) {
            try await node.run(command)
            return nil
        } catch {
            return error
        }
    }

    /// A dry run takes no lock: whoever holds the head holds up writes alone.
    @Test func `holds up no dry run`() async throws {
        let database = try await TestDatabase()
        let node = try await Node(database.url)
        try await node.run(new("a.example"))
        let other = try await database.server.session(in: database.name)
        try await other.run(Self.takesHead)
        let dry = try await node.run(
            .planMigration(
                MigrationPlan(
                    id: "m", name: "n", from: LocationName(canonical: "japan"),
                    to: LocationName(canonical: "aws"),
                    selection: .filter(DomainFilter(), sample: nil), isDryRun: true)))
        guard case .migration(let plan) = dry.outcome else { throw RegistryError.inconsistent }
        #expect(plan.counts.eligible == 1)
        try await other.run("ROLLBACK")
        await node.store.close()
        try await database.drop()
    }

    enum Limit: String, CaseIterable, CustomTestStringConvertible {
        case lockTimeout = "lock_timeout"
        case statementTimeout = "statement_timeout"
        var testDescription: String { rawValue }
    }

    @Test(arguments: Limit.allCases)
    func `is waited for as long as the operator says, and no write is lost or feigned`(
        limit: Limit
    ) async throws {
        let database = try await TestDatabase()
        try await database.run(
            "ALTER DATABASE \"\(database.name)\" SET \(limit.rawValue) = '300ms'")
        let node = try await Node(database.url)
        try await node.run(new("before.example"))
        let other = try await database.server.session(in: database.name)
        try await other.run(Self.takesHead)
        let answers = await withTaskGroup(of: RegistryError?.self) { group in
            for number in 0..<8 { group.addTask { await answer(node, "n\(number).example") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .overloaded, count: 8))
        // Who only reads isn't held up.
        #expect(try await node.store.head().revision == Revision(1))
        try await other.run("ROLLBACK")
        for number in 0..<8 {
            let committed = try await node.run(new("n\(number).example"))
            #expect(committed.revision.number == Int64(number + 2))
        }
        #expect(node.told.revisions == Array(1...9))
        await node.store.close()
        try await database.drop()
    }

    @Test func `that lasts is waited for once, and not by each that waits in turn`() async throws {
        let server = try await PostgresServer.start()
        let database = try await TestDatabase(server)
        let node = try await Node(database.url + "&options=-c%20lock_timeout%3D2s")
        let other = try await server.session(in: database.name)
        try await other.run(Self.takesHead)
        let answers = await withTaskGroup(of: RegistryError?.self) { group in
            for number in 0..<10 {
                // Each has a transaction of its own.
                group.addTask { await answer(node, FailureTests.Kind.location.command(number)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .overloaded, count: 10))
        #expect(server.log.split(separator: "due to lock timeout").count - 1 < 10)
        try await other.run("ROLLBACK")
        try await node.run(new("a.example"))
        await node.store.close()
    }

    @Test func `that ends in time has cost its waiters nothing`() async throws {
        let database = try await TestDatabase()
        let nodes = [try await Node(database.url), try await Node(database.url)]
        let other = try await database.server.session(in: database.name)
        try await nodes[0].run(new("before.example"))
        try await other.run(Self.takesHead)
        let answers = try await withThrowingTaskGroup(of: RegistryError?.self) { group in
            for number in 0..<8 {
                group.addTask { await answer(nodes[number % 2], "n\(number).example") }
            }
            try await poll("both to wait") { try await waiting(database) == 2 }
            try await other.run("COMMIT")
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: nil, count: 8))
        #expect(try await nodes[0].store.head().revision == Revision(9))
        for node in nodes { await node.store.close() }
        try await database.drop()
    }

    @Test func `is waited for by a new session where the first is ended`() async throws {
        let database = try await TestDatabase()
        let node = try await Node(database.url)
        let other = try await database.server.session(in: database.name)
        try await node.run(new("before.example"))
        try await other.run(Self.takesHead)
        async let answer = answer(node, "a.example")
        for _ in 0..<3 {
            // Asked for in the same statement: who waits is awake for a moment after `deadlock_timeout`.
            var ended: [[String?]] = []
            try await poll("the writer to wait") {
                ended = try await database.run(
                    """
                    SELECT pid, pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'tenant-registry'
                        AND wait_event_type = 'Lock'
                    """)
                return !ended.isEmpty
            }
            #expect(ended.count == 1 && ended[0][1] == "t")
        }
        try await poll("the writer to wait again") { try await waiting(database) == 1 }
        try await other.run("COMMIT")
        #expect(await answer == nil)
        #expect(try await node.store.head().revision == Revision(2))
        await node.store.close()
        try await database.drop()
    }

    /// The other one's own check is put off: the server sees the deadlock in the node's session.
    @Test func `that a writer waits for, and that waits for the writer, fails neither`()
        async throws
    {
        let database = try await TestDatabase()
        try await database.run("ALTER DATABASE \"\(database.name)\" SET deadlock_timeout = '4s'")
        let node = try await Node(database.url)
        try await node.run(new("before.example"))
        let other = try await database.server.session(in: database.name)
        try await other.run("SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE domain")
        async let answer = answer(node, "a.example")
        try await poll("the writer to wait") { try await waiting(database) == 1 }
        // Has it once the server has ended the writer's transaction.
        try await other.run("SELECT FROM head FOR UPDATE")
        let deadlocks = { [database] in
            try await database.run(
                "SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()")
        }
        try await poll("the count of deadlocks") { try await deadlocks() == [["t"]] }
        try await other.run("COMMIT")
        #expect(await answer == nil)
        #expect(try await node.store.head().revision == Revision(2))
        await node.store.close()
        try await database.drop()
    }

    @Test func `on a table makes readers give up in time, too`() async throws {
        let database = try await TestDatabase()
        let node = try await Node("\(database.url)&options=-c%20lock_timeout%3D300ms")
        try await node.run(new("a.example"))
        let other = try await database.server.session(in: database.name)
        try await other.run("BEGIN; LOCK TABLE domain")
        await #expect(throws: RegistryError.overloaded) {
            try await node.store.domains(DomainQuery(limit: 10))
        }
        try await other.run("COMMIT")
        #expect(try await node.store.domains(DomainQuery(limit: 10)).value.items.count == 1)
        await node.store.close()
        try await database.drop()
    }

    @Test func `of a node that stopped in the middle of a write is ended by the server`()
        async throws
    {
        let database = try await TestDatabase()
        try await database.run(
            """
            ALTER DATABASE "\(database.name)" SET idle_in_transaction_session_timeout = '1s'
            """)
        let proxy = try await CuttingProxy.start(before: database.server.port)
        let url = "postgres://registry@127.0.0.1:\(proxy.port)/\(database.name)?sslmode=disable"
        let stopped = try await Node(url, follows: false)
        let node = try await Node(database.url)
        try await stopped.run(new("before.example"))
        // It has the head's lock, and nothing more is heard of it.
        proxy.stall(afterSyncs: 1)
        async let late = answer(stopped, "late.example")
        try await poll("the stop") { !proxy.isWaiting }
        #expect(await answer(node, "a.example") == nil)
        // Its own write wasn't there, and is done anew.
        #expect(await late == nil)
        #expect(try await node.store.head().revision == Revision(3))
        try await node.reaches(Revision(3))
        #expect(node.told.revisions == Array(1...3))
        await node.store.close()
        await stopped.store.close()
        try await database.drop()
    }

    @Test func `isn't made by the registry itself: what is idle may be ended`() async throws {
        let database = try await TestDatabase()
        try await database.run(
            "ALTER DATABASE \"\(database.name)\" SET idle_session_timeout = '200ms'")
        // Between two steps of an opening a busy machine may be away for as long: services try it again, too.
        var opened: Node?
        try await poll("the opening") {
            opened = try? await Node(database.url, follows: false)
            return opened != nil
        }
        let node = try #require(opened)
        for number in 1...3 {
            try await node.run(new("n\(number).example"))
            try await poll("the sessions' end") {
                try await database.run(
                    """
                    SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                        AND application_name = 'tenant-registry'
                    """
                ).isEmpty
            }
        }
        #expect(try await node.store.head().revision == Revision(3))
        await node.store.close()
        try await database.drop()
    }
}
