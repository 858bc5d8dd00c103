import PostgresServer
import PostgresStore
import RegistryModel
import Testing

@Suite("A primary with a standby", .timeLimit(.minutes(10))) struct ReplacedServerTests {
    /// Two servers with the same log, which is empty.
    private static func pair() async throws -> (TestDatabase, TestDatabase, url: String) {
        let first = try await TestDatabase(try await PostgresServer.start())
        let second = try await TestDatabase(try await PostgresServer.start(), name: first.name)
        for database in [first, second] {
            let node = try await Node(database.url, follows: false)
            await node.store.close()
        }
        let epoch = try #require(try await first.run("SELECT epoch FROM head")[0][0])
        try await second.run("UPDATE head SET epoch = '\(epoch)'")
        let hosts = [first, second].map { "127.0.0.1:\($0.server.port)" }.joined(separator: ",")
        return (
            first, second,
            "postgres://registry@\(hosts)/\(first.name)?sslmode=disable&connect_timeout=2"
        )
    }

    @Test func `that hangs is left for the one that was promoted`() async throws {
        let (first, second, url) = try await Self.pair()
        let node = try await Node(url)
        try await poll("the follower at the first") { node.store.isOnDuty }
        let hang = try Hang(of: first.server)
        defer { hang.end() }
        let committed = Shared<Committed?>(nil)
        async let commit: Void = {
            let answer = try await node.run(new("a.example"))
            committed.change { $0 = answer }
        }()
        let isWritten: Void? = try? await poll("the write") { committed.value != nil }
        hang.end()
        try await commit
        #expect(isWritten != nil, "while the first one hangs")
        #expect(committed.value?.revision == Revision(1))
        #expect(try await second.run("SELECT count(*) FROM revision_log") == [["1"]])
        await node.store.close()
    }

    /// Whatever the promoted one has in their place: fewer revisions, as many, or more.
    @Test(arguments: [1, 2, 3])
    func `that is lost with what a node has seen ends that node`(revisions: Int) async throws {
        let (first, second, url) = try await Self.pair()
        // No follower: the writer is the first to see it.
        let node = try await Node(url, follows: false)
        for number in 1...2 { try await node.run(new("lost\(number).example")) }
        let other = try await Node(second.url, follows: false)
        for number in 1...revisions { try await other.run(new("kept\(number).example")) }
        await other.store.close()
        try await first.server.crash()

        let hasEnded = Shared(false)
        async let end: Void = {
            await node.store.waitForFailure()
            hasEnded.change { $0 = true }
        }()
        let answer = try? await node.run(new("next.example"))
        try await poll("the end") { hasEnded.value }
        await end
        // With more it was written before it was seen, and that is what is answered.
        #expect(answer?.revision == (revisions > 2 ? Revision(4) : nil))
        #expect(
            try await second.run("SELECT count(*) FROM revision_log")
                == [["\(revisions > 2 ? 4 : revisions)"]])
        await node.store.close()
    }

    @Test func `is waited for when the answer to a commit was lost while it was`() async throws {
        let server = try await PostgresServer.start()
        let database = try await TestDatabase(server)
        let node = try await Node(database.url)
        try await server.run("ALTER SYSTEM SET synchronous_standby_names = 'away'")
        try await server.run("SELECT pg_reload_conf()")
        try await poll("the setting") {
            try await server.run("SHOW synchronous_standby_names") == [["away"]]
        }
        // The process that releases commits has read the setting when it has done this.
        try await server.run("CHECKPOINT")
        let committed = Shared<Committed?>(nil)
        async let commit: Void = {
            let answer = try await node.run(new("a.example"))
            committed.change { $0 = answer }
        }()
        let waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        try await poll("a commit that waits") { try await !server.run(waiting).isEmpty }
        let first = try await server.run(waiting)
        try await server.run("SELECT pg_terminate_backend(pid) FROM (\(waiting)) AS waiting")
        // It is in the log now, and nowhere else: who looks it up waits as it did.
        try await poll("the question") {
            let now = try await server.run(waiting)
            return committed.value != nil || (!now.isEmpty && now != first)
        }
        #expect(committed.value == nil)
        #expect(try await database.run("SELECT count(*) FROM revision_log") == [["1"]])

        try await server.run("ALTER SYSTEM RESET synchronous_standby_names")
        try await server.run("SELECT pg_reload_conf()")
        try await commit
        #expect(committed.value?.revision == Revision(1))
        await node.store.close()
    }
}
