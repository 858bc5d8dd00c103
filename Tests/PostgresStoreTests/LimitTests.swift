import PostgresServer
import PostgresStore
import RegistryModel
import Testing

/// What the operator has set is the operator's: a write that needs more is refused, with the setting's
/// name, and no other write with it.
@Suite("A setting that doesn't allow a write", .timeLimit(.minutes(10))) struct LimitTests {
    struct Limit: CustomTestStringConvertible, Sendable {
        var setting: String
        /// What the server does where the write works.
        var act: String
        var testDescription: String { setting }
    }

    /// As the server says it, where it can't be brought about by the setting itself: `transaction_timeout` is
    /// PostgreSQL 17's.
    static let limits = [
        Limit(
            setting: "transaction_timeout",
            act: "RAISE EXCEPTION 'injected' USING ERRCODE = '25P04'"),
        Limit(
            setting: "temp_file_limit",
            act: "RAISE EXCEPTION 'injected' USING ERRCODE = '53400'"),
        Limit(
            setting: "max_stack_depth",
            act: "RAISE EXCEPTION 'injected' USING ERRCODE = '54001'"),
        Limit(
            setting: "max_locks_per_transaction",
            act: """
                RAISE EXCEPTION 'injected' USING ERRCODE = '53200',
                    HINT = 'You might need to increase max_locks_per_transaction.'
                """),
        Limit(setting: "statement_timeout", act: "PERFORM pg_sleep(60)"),
    ]

    private func answer(_ node: Node, _ command: Command) async -> RegistryError? {
        do throws(RegistryError) {
            try await node.run(command)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: limits)
    func `refuses that write alone, and at once`(limit: Limit) async throws {
        let database = try await TestDatabase()
        if limit.setting == "statement_timeout" {
            try await database.run(
                "ALTER DATABASE \"\(database.name)\" SET statement_timeout = '1s'")
        }
        let node = try await Node(database.url)
        try await node.run(new("before.example"))
        try await database.run(
            """
            CREATE SEQUENCE meets;
            CREATE FUNCTION meets() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM nextval('meets'); \(limit.act); RETURN NULL; END $$;
            CREATE TRIGGER meets AFTER INSERT ON domain FOR EACH ROW
                WHEN (NEW.fqdn = 'much.example') EXECUTE FUNCTION meets();
            """)
        let answers = await withTaskGroup(of: (String, RegistryError?).self) { group in
            for name in ["much.example"] + (0..<20).map({ "n\($0).example" }) {
                group.addTask { (name, await answer(node, new(name))) }
            }
            return await group.reduce(into: [String: RegistryError?]()) { $0[$1.0] = $1.1 }
        }
        for (name, error) in answers {
            #expect(error == (name == "much.example" ? .storeLimit(limit.setting) : nil), "\(name)")
        }
        // At most once with others, and once alone.
        #expect(try await database.run("SELECT last_value <= 2 FROM meets") == [["t"]])
        #expect(try await node.store.head().revision == Revision(21))
        try await node.run(new("after.example"))
        await node.store.close()
        try await database.drop()
    }

    /// The whole server says it, as it does for maintenance; sessions stay.
    @Test func `to read only refuses with its name, and reads go on`() async throws {
        let server = try await PostgresServer.start()
        let database = try await TestDatabase(server)
        let node = try await Node(database.url)
        try await node.run(new("a.example"))
        try await server.run("ALTER SYSTEM SET default_transaction_read_only = on")
        try await server.run("SELECT pg_reload_conf()")
        try await poll("the setting") {
            await answer(node, new("b.example")) == .storeLimit("default_transaction_read_only")
        }
        #expect(try await node.store.head().revision.number <= 2)
        try await server.run("ALTER SYSTEM RESET default_transaction_read_only")
        try await server.run("SELECT pg_reload_conf()")
        try await poll("writes") { await answer(node, new("c.example")) == nil }
        await node.store.close()
    }
}
