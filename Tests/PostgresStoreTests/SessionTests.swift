import PostgresServer
import PostgresStore
import RegistryModel
import Testing

@Suite("A session of the registry", .timeLimit(.minutes(15))) struct SessionTests {
    private static let names = [
        "lock_timeout", "idle_in_transaction_session_timeout", "jit", "work_mem",
        "synchronous_commit", "transaction_isolation",
    ]

    /// What holds where the head is written.
    private func settings(
        _ database: TestDatabase, _ url: String
    ) async throws -> [String: String] {
        let node = try await Node(url, follows: false)
        let values = Self.names.map { "('\($0)', current_setting('\($0)'))" }
        try await database.run(
            """
            CREATE TABLE seen (name text, value text);
            CREATE FUNCTION sees() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO seen VALUES \(values.joined(separator: ", ")); RETURN NULL; END $$;
            CREATE TRIGGER sees AFTER UPDATE ON head FOR EACH ROW EXECUTE FUNCTION sees();
            """)
        try await node.run(new("a.example"))
        await node.store.close()
        let rows = try await database.run("SELECT name, value FROM seen")
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1] ?? "") })
    }

    @Test func `waits for nobody for ever, and holds nobody up for ever`() async throws {
        let database = try await TestDatabase()
        #expect(
            try await settings(database, database.url) == [
                "lock_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "jit": "off",
                // The tests' server has it off: what is acknowledged must be in the log all the same.
                "work_mem": "64MB", "synchronous_commit": "on",
                "transaction_isolation": "read committed",
            ])
        try await database.drop()
    }

    @Test func `keeps to what the operator has set, but for what would break a promise`()
        async throws
    {
        let database = try await TestDatabase()
        try await database.run(
            """
            ALTER DATABASE "\(database.name)" SET idle_in_transaction_session_timeout = '7s';
            ALTER DATABASE "\(database.name)" SET default_transaction_isolation = 'serializable';
            ALTER ROLE registry IN DATABASE "\(database.name)" SET work_mem = '5MB';
            """)
        let options = "options=-c%20lock_timeout%3D4s%20-c%20synchronous_commit%3Dremote_apply"
        #expect(
            try await settings(database, "\(database.url)&\(options)") == [
                "lock_timeout": "4s", "idle_in_transaction_session_timeout": "7s", "jit": "off",
                "work_mem": "5MB", "synchronous_commit": "remote_apply",
                "transaction_isolation": "read committed",
            ])
        try await database.drop()
    }
}
