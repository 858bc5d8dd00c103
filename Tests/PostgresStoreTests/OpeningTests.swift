import Foundation
import PostgresServer
import PostgresStore
import RegistryModel
import SchemaMigrations
import Testing

@Suite("Opening a database", .timeLimit(.minutes(15))) struct OpeningTests {
    private func failure(
        _ url: String, password: String? = nil,
        _ change: @escaping (inout PostgresStore.Configuration) -> Void = { _ in }
    ) async throws -> PostgresOpeningError? {
        do {
            let node = try await Node(url, follows: false) { configuration in
                if let password {
                    configuration.connection =
                        (try? ConnectionSettings(url: url, password: password))
                        ?? configuration.connection
                }
                change(&configuration)
            }
            await node.store.close()
            return nil
        } catch let error as PostgresOpeningError {
            return error
        }
    }

    @Test func `by many nodes at once makes one store`() async throws {
        let database = try await TestDatabase()
        let url = database.url
        let epochs = try await withThrowingTaskGroup(of: Epoch.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let node = try await Node(url, follows: false)
                    let epoch = try await node.store.head().epoch
                    await node.store.close()
                    return epoch
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(epochs.count == 1)
        let versions = try await database.run("SELECT version FROM schema_migration ORDER BY 1")
        #expect(versions == SchemaFile.postgres.map { [String($0.version)] })
        try await database.drop()
    }

    @Test func `puts the names of an older store into their order`() async throws {
        let database = try await TestDatabase()
        func commit(_ command: Command, to node: Node) async throws {
            _ = try await node.store.commit(
                CommitRequest(
                    command, by: Actor(token: "t", name: "tester", role: .admin), requestID: "r"))
        }
        func wanted(_ name: String, _ tenant: String) -> Command {
            .register(NewDomain(fqdn: FQDN(canonical: name), tenant: tenant))
        }
        let node = try await Node(database.url, follows: false)
        let released = FQDN(canonical: "b.example")
        try await commit(wanted("x.deep.a.example", "one"), to: node)
        try await commit(wanted("b.example", "one"), to: node)
        try await commit(.release(released, ifMatch: nil), to: node)
        await node.store.close()
        for sql in [
            "DROP TABLE name_tree", "ALTER TABLE migration_domain DROP COLUMN own_mode",
            "ALTER TABLE agent DROP COLUMN ahead_revision, DROP COLUMN ahead_epoch",
            "ALTER TABLE domain DROP COLUMN fence", "ALTER TABLE released_domain DROP COLUMN fence",
            "ALTER TABLE change_log DROP COLUMN before_fence, DROP COLUMN after_fence",
            "ALTER TABLE wave DROP COLUMN announcement",
            "ALTER TABLE agent DROP COLUMN fences, DROP COLUMN lease_until",
            "DROP TABLE tenant_place, split_tenant",
            "DROP FUNCTION tenant_place_splits, tenant_place_joins",
            "ALTER TABLE revision_log DROP COLUMN allow_split",
            "DROP TRIGGER migration_keeps_its_plan ON migration",
            "ALTER TABLE migration DROP COLUMN whole_tenants",
            """
            CREATE TRIGGER migration_keeps_its_plan BEFORE UPDATE ON migration
            FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('older')
            """,
            "DROP TABLE held_domain, wave_approval",
            "DROP FUNCTION domain_is_not_held CASCADE",
            """
            ALTER TABLE change_log DROP CONSTRAINT change_log_placed,
                DROP CONSTRAINT change_log_detailed, DROP CONSTRAINT change_log_of_holds,
                ADD CONSTRAINT change_log_check4 CHECK (true),
                ADD CONSTRAINT change_log_check8 CHECK (true)
            """,
            "ALTER TABLE location DROP COLUMN dns", "DROP TABLE zone_serial",
            "DROP TABLE webhook_progress, webhook",
            "DELETE FROM schema_migration WHERE version >= 8",
        ] { try await database.run(sql) }
        let again = try await Node(database.url, follows: false)
        for (name, other) in [("a.example", "x.deep.a.example"), ("y.b.example", "b.example")] {
            let refusal = RegistryError.nameEntangled(
                FQDN(canonical: name), with: FQDN(canonical: other))
            await #expect(throws: refusal) { try await commit(wanted(name, "two"), to: again) }
        }
        await again.store.close()
        try await database.drop()
    }

    @Test func `refuses what a newer version wrote, and files that were edited`() async throws {
        let database = try await TestDatabase()
        #expect(try await failure(database.url) == nil)
        let known = SchemaFile.postgres.count
        let next = SchemaFile(version: known + 1, name: "next", sql: "CREATE TABLE next (a int)")
        #expect(try await failure(database.url) { $0.schema.append(next) } == nil)
        #expect(try await failure(database.url) == .newer(version: known + 1, known: known))

        let edited = SchemaFile(version: known + 1, name: "next", sql: "CREATE TABLE next (b int)")
        #expect(
            try await failure(database.url) { $0.schema.append(edited) }
                == .edited(version: known + 1, name: "next"))
        try await database.drop()
    }

    @Test func `leaves nothing behind where a file fails`() async throws {
        let database = try await TestDatabase()
        let broken = SchemaFile(
            version: SchemaFile.postgres.count + 1, name: "broken",
            sql: "CREATE TABLE next (a int); SELECT 1 / 0")
        let error = try await failure(database.url) { $0.schema.append(broken) }
        #expect(error == .failed("division by zero"))
        let tables = try await database.run("SELECT relname FROM pg_class WHERE relname = 'head'")
        #expect(tables.isEmpty)
        try await database.drop()
    }

    @Test func `refuses other people's tables, and other encodings`() async throws {
        let database = try await TestDatabase()
        try await database.run("CREATE TABLE customer (id int)")
        guard case .foreign = try await failure(database.url) else {
            Issue.record("a foreign database was taken")
            return
        }
        try await database.drop()

        try await database.server.run(
            "CREATE DATABASE \"\(database.name)\" ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        )
        #expect(try await failure(database.url) == .encoding("SQL_ASCII"))
        try await database.drop()
    }

    @Test func `says what is wrong with the address or the password, and never the password`()
        async throws
    {
        let server = try await PostgresServer.start(
            {
                var settings = PostgresServer.Settings()
                settings.hostRules = """
                    host all registry all trust
                    host all guest all scram-sha-256
                    """
                return settings
            }())
        let database = try await TestDatabase(server)
        try await server.run("CREATE ROLE guest LOGIN PASSWORD 'right secret'")
        try await server.run("ALTER DATABASE \"\(database.name)\" OWNER TO guest")
        try await database.run("ALTER SCHEMA public OWNER TO guest")
        let url = server.url(database.name, user: "guest")
        #expect(try await failure(url, password: "right secret") == nil)

        let errors = [
            try await failure(url, password: "wrong secret"),
            try await failure(url),
            try await failure(server.url("nowhere")),
            try await failure(server.url(database.name, user: "nobody")),
        ].map { $0.map { "\($0)" } ?? "nothing" }
        #expect(errors[0].contains("password authentication failed"), "\(errors[0])")
        #expect(errors[1].contains("no password supplied"), "\(errors[1])")
        #expect(errors[2].contains("\"nowhere\" does not exist"), "\(errors[2])")
        #expect(errors[3].contains("pg_hba.conf"), "\(errors[3])")
        #expect(errors.allSatisfy { !$0.contains("secret") })

        let settings = try ConnectionSettings(
            url: "postgres://ops:hidden@db1:5433/registry?sslmode=verify-full")
        #expect("\(settings)" == "registry at db1:5433 as ops")
        #expect(throws: PostgresOpeningError.url) {
            try ConnectionSettings(url: "postgres://ops:hidden@db1/registry?nonsense=1")
        }
    }

    @Test func `tells a database that may come from one that won't`() async throws {
        let error = try await failure("postgres://registry@127.0.0.1:1/registry")
        #expect(error?.isPassing == true, "\(String(describing: error))")
        let denied = try await failure(PostgresServer.shared().url("nowhere"))
        #expect(denied?.isPassing == false)
    }

    @Test func `refuses a session that can only read`() async throws {
        let database = try await TestDatabase()
        try await database.run(
            "ALTER DATABASE \"\(database.name)\" SET default_transaction_read_only = on")
        let error = try await failure(database.url)
        #expect(error?.isPassing == true)
        #expect("\(String(describing: error))".contains("read-only"))
        try await database.drop()
    }
}
