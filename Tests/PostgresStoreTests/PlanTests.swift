import PostgresStore
import RegistryModel
import Testing

@Suite("What a commit reads", .timeLimit(.minutes(10))) struct PlanTests {
    @Test func `is by index from the first domain on, before there are statistics`() async throws {
        let database = try await TestDatabase()
        let first = try await Node(database.url, follows: false)
        for table in ["domain", "released_domain", "change_log", "revision_log", "idempotency"] {
            try await database.run("ALTER TABLE \(table) SET (autovacuum_enabled = off)")
        }
        for number in 0..<100 {
            try await first.run(new("a\(number).example"), key: Self.key("a\(number)"))
        }
        try await first.run(.release(FQDN(canonical: "a1.example"), ifMatch: nil))
        // The session's own counts are in the statistics once it has ended.
        await first.store.close()
        let before = try await Self.rowsReadOneAfterAnother(database)
        let second = try await Node(database.url, follows: false)
        for number in 0..<100 {
            try await second.run(new("b\(number).example"), key: Self.key("b\(number)"))
        }
        try await second.run(
            .change(
                FQDN(canonical: "a2.example"), DomainPatch(tenant: .set("t")), ifMatch: nil))
        try await second.run(.release(FQDN(canonical: "a3.example"), ifMatch: nil))
        await second.store.close()
        #expect(try await Self.rowsReadOneAfterAnother(database) == before)
        try await database.drop()
    }

    private static func key(_ text: String) -> IdempotencyKey {
        IdempotencyKey(token: "t-1", key: text, requestDigest: [UInt8](repeating: 1, count: 32))
    }

    private static func rowsReadOneAfterAnother(
        _ database: TestDatabase
    ) async throws -> [[String?]] {
        // A session that has ended may still be on its way out.
        try await poll("the end of the node's sessions") {
            try await database.run(
                """
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                    AND application_name = 'tenant-registry'
                """
            ).isEmpty
        }
        return try await database.run(
            """
            SELECT relname, seq_tup_read::text FROM pg_stat_user_tables
            WHERE relname IN ('domain', 'released_domain', 'change_log', 'revision_log', 'idempotency')
            ORDER BY relname
            """)
    }
}
