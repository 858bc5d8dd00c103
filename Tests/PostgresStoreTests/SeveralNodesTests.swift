import PostgresServer
import RegistryModel
import Testing

@Suite("Several nodes", .timeLimit(.minutes(15))) struct SeveralNodesTests {
    private func withNodes(
        _ count: Int, _ body: ([Node], TestDatabase) async throws -> Void
    ) async throws {
        let database = try await TestDatabase()
        var nodes: [Node] = []
        for _ in 0..<count { nodes.append(try await Node(database.url)) }
        try await body(nodes, database)
        for node in nodes { await node.store.close() }
        try await database.drop()
    }

    @Test func `make one log without gaps, and each hears all of it in order`() async throws {
        try await withNodes(3) { nodes, _ in
            let revisions = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for writer in 0..<48 {
                    group.addTask {
                        let node = nodes[writer % nodes.count]
                        var own: [Int64] = []
                        for number in 0..<10 {
                            let committed = try await node.run(new("w\(writer)-\(number).example"))
                            // Read your own writes.
                            #expect(node.told.last >= committed.revision)
                            own.append(committed.revision.number)
                        }
                        #expect(own == own.sorted())
                        return own
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(revisions.sorted() == Array(1...480))
            let log = try await nodes[0].store.changes(after: .zero, limit: 10_000)
            for node in nodes {
                try await node.reaches(Revision(480))
                #expect(node.told.all == log)
            }
            #expect(try await nodes[1].store.verify(nil) { _ in }.isGood)
        }
    }

    @Test func `hear of new agents at the same time, and none of the reports is lost`() async throws
    {
        let database = try await TestDatabase()
        var nodes: [Node] = []
        // One moment for all: only a report that came after another one has a later number.
        let now = Timestamp(milliseconds: 1_592_697_600_000)
        for _ in 0..<3 {
            nodes.append(try await Node(database.url, follows: false) { $0.agentClock = { now } })
        }
        for round in 0..<20 {
            let reports = (0..<10).map {
                AgentReport(AgentName(canonical: "edge-\(round)-\($0)"), applied: nil)
            }
            let sightings = try await withThrowingTaskGroup(
                of: [AgentName: Timestamp].self
            ) { group in
                for node in nodes {
                    group.addTask {
                        try await node.store.note(reports.shuffled(), limit: 1_000)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for report in reports {
                #expect(Set(sightings.compactMap { $0[report.name] }).count == nodes.count)
            }
        }
        for node in nodes { await node.store.close() }
        try await database.drop()
    }

    @Test func `race for one name, and exactly one wins`() async throws {
        try await withNodes(3) { nodes, _ in
            for round in 0..<20 {
                let name = "race-\(round).example"
                let wins = await withTaskGroup(of: Int.self) { group in
                    for racer in 0..<24 {
                        group.addTask {
                            do throws(RegistryError) {
                                try await nodes[racer % 3].run(new(name, tenant: "racer-\(racer)"))
                                return 1
                            } catch {
                                #expect(error == .domainTaken(FQDN(canonical: name)))
                                return 0
                            }
                        }
                    }
                    return await group.reduce(0, +)
                }
                #expect(wins == 1)
            }
            let head = try await nodes[2].store.head()
            #expect(head.revision == Revision(20))
        }
    }

    @Test func `execute a key once, whichever node it comes to`() async throws {
        try await withNodes(2) { nodes, _ in
            let key = IdempotencyKey(
                token: "t-1", key: "k", requestDigest: Array(repeating: 1, count: 32))
            let answers = try await withThrowingTaskGroup(of: Committed.self) { group in
                for number in 0..<16 {
                    group.addTask { try await nodes[number % 2].run(new("a.example"), key: key) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { !$0.isReplay } == 1)
            #expect(Set(answers.map(\.outcome)).count == 1)
            #expect(try await nodes[0].store.head().revision == Revision(1))
        }
    }

    @Test func `hear of a write without asking for it`() async throws {
        let database = try await TestDatabase()
        let writer = try await Node(database.url)
        // Would ask in an hour: only the notification wakes it.
        let reader = try await Node(database.url) { $0.pollInterval = .seconds(3_600) }
        try await poll("the reader to listen") {
            try await database.run(
                """
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                    AND query LIKE 'SELECT pg_try_advisory_lock%' AND state = 'idle'
                """
            ).count >= 1
        }
        for number in 1...20 {
            let committed = try await writer.run(new("n\(number).example"))
            try await reader.reaches(committed.revision)
        }
        #expect(reader.told.all == writer.told.all)
        await writer.store.close()
        await reader.store.close()
        try await database.drop()
    }

    @Test func `find by asking what no notification told`() async throws {
        try await withNodes(2) { nodes, database in
            try await database.run("DROP TRIGGER head_tells ON head")
            for number in 1...5 {
                let committed = try await nodes[0].run(new("n\(number).example"))
                try await nodes[1].reaches(committed.revision)
            }
        }
    }

    @Test func `have one that does the background work, and another that takes over`() async throws
    {
        try await withNodes(3) { nodes, database in
            func onDuty() -> [Node] { nodes.filter(\.store.isOnDuty) }
            try await poll("somebody on duty") { onDuty().count == 1 }
            let first = try #require(onDuty().first)
            await first.store.close()
            #expect(!first.store.isOnDuty)
            try await poll("a second one on duty") { onDuty().count == 1 }
            #expect(onDuty().first !== first)
            // A session that the server ends loses the duty, and somebody has it afterwards.
            try await database.run(
                """
                SELECT pg_terminate_backend(pid) FROM pg_locks
                WHERE locktype = 'advisory' AND database =
                    (SELECT oid FROM pg_database WHERE datname = current_database())
                """)
            try await poll("one on duty again") { onDuty().count == 1 }
        }
    }

    @Test func `stop where the log isn't the one that they followed`() async throws {
        let database = try await TestDatabase()
        let node = try await Node(database.url)
        try await node.run(new("a.example"))
        try await database.run("UPDATE head SET epoch = 'restored'")
        await node.store.waitForFailure()
        await node.store.close()
        try await database.drop()
    }
}
