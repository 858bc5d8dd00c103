import Foundation
import Logging
import RegistryLedger
import RegistryModel
import SchemaMigrations
import StoreCore

/// The schema as its migration files make it, to hold the database's own against.
///
/// What the files make is found by running them, in a schema of its own in a transaction that's rolled
/// back.
struct PostgresSchemaCheck: Sendable {
    let flaws: [Verification.Flaw]
    /// Tables, views, sequences and functions that aren't the store's own, by kind and name.
    let foreign: [String]
    /// The locations that the schema comes with.
    let locations: [Location]
    let contents: SchemaContents

    init(_ store: PostgresStore) async throws {
        let (files, clock) = (store.schema, store.clock)
        self = try await store.asking(.walk) { try Self.read($0, files, clock) }
    }

    private init(
        _ difference: SchemaDifference, _ locations: [Location], _ contents: SchemaContents
    ) {
        (flaws, foreign) = (difference.flaws, difference.foreign)
        (self.locations, self.contents) = (locations, contents)
    }

    static func read(
        _ connection: PostgresConnection, _ files: [SchemaFile], _ clock: DatabaseClock
    ) throws -> PostgresSchemaCheck {
        let found = try describe(connection)
        let applied = try SchemaHistory<PostgresOpeningError>(files).applied(connection)
        try connection.query("BEGIN")
        do {
            try connection.script(
                """
                CREATE SCHEMA tenant_registry_as_written;
                SET LOCAL search_path = tenant_registry_as_written;
                """)
            try SchemaMigrator(files: applied, clock: clock).migrate(connection)
            let expected = try describe(connection)
            let contents = SchemaContents(version: applied.last?.version ?? 0)
            let locations = try connection.rows(
                Location.select(contents), [], Location.init(row:))
            try connection.query("ROLLBACK")
            return PostgresSchemaCheck(
                SchemaDifference(found, from: expected), locations, contents)
        } catch {
            if connection.isAlive { try connection.query("ROLLBACK") }
            throw error
        }
    }

    /// Everything in the session's schema, by kind and name, as the server writes it. What belongs to an
    /// extension isn't ours.
    private static func describe(_ connection: PostgresConnection) throws -> [String: SchemaPart] {
        let rows = try connection.query(
            """
            WITH own AS (SELECT oid FROM pg_namespace WHERE nspname = current_schema()),
            described (name, text, object, owner, is_whole) AS (
                SELECT 'relation ' || c.relname, c.relkind::text, c.oid, c.relname, true FROM pg_class c
                WHERE c.relnamespace IN (SELECT oid FROM own) AND c.relkind NOT IN ('i', 'c', 't')
                UNION ALL
                SELECT 'column ' || c.relname || '.' || a.attname,
                    concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                        (SELECT collname FROM pg_collation l WHERE l.oid = a.attcollation),
                        pg_get_expr(d.adbin, d.adrelid)), c.oid, c.relname, false
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE c.relnamespace IN (SELECT oid FROM own) AND c.relkind IN ('r', 'p')
                    AND a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                -- Its rows would be read as rows of its parent.
                SELECT 'child ' || h.relname || ' of ' || c.relname, '', c.oid, c.relname, false
                FROM pg_inherits n JOIN pg_class c ON c.oid = n.inhparent
                JOIN pg_class h ON h.oid = n.inhrelid
                WHERE c.relnamespace IN (SELECT oid FROM own) AND h.relkind NOT IN ('i', 'I')
                UNION ALL
                SELECT 'constraint ' || c.relname || '.' || k.conname,
                    pg_get_constraintdef(k.oid, true) || k.convalidated, c.oid, c.relname,
                    false
                FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                WHERE c.relnamespace IN (SELECT oid FROM own)
                UNION ALL
                SELECT 'index ' || i.relname, pg_get_indexdef(i.oid, 0, true) || x.indisvalid, i.oid,
                    c.relname, false
                FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                JOIN pg_class c ON c.oid = x.indrelid
                WHERE i.relnamespace IN (SELECT oid FROM own)
                UNION ALL
                SELECT 'trigger ' || c.relname || '.' || g.tgname,
                    pg_get_triggerdef(g.oid, true) || g.tgenabled::text, c.oid, c.relname, false
                FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
                WHERE c.relnamespace IN (SELECT oid FROM own) AND NOT g.tgisinternal
                UNION ALL
                SELECT 'rule ' || c.relname || '.' || r.rulename, pg_get_ruledef(r.oid, true), c.oid,
                    c.relname, false
                FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
                WHERE c.relnamespace IN (SELECT oid FROM own) AND c.relkind IN ('r', 'p')
                UNION ALL
                SELECT 'function ' || p.proname || '(' || pg_get_function_arguments(p.oid) || ')',
                    concat_ws(' ', p.prosrc, p.provolatile, p.prolang, p.prosecdef,
                        array_to_string(p.proconfig, ' ')), p.oid, NULL, true
                FROM pg_proc p WHERE p.pronamespace IN (SELECT oid FROM own))
            SELECT name, text, owner, is_whole FROM described
            WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = object AND d.deptype = 'e')
            """)
        return Dictionary(
            try rows.map {
                (
                    try $0.text(0),
                    SchemaPart(
                        text: try $0.textIfPresent(1) ?? "", owner: try $0.textIfPresent(2),
                        isWhole: try $0.flag(3))
                )
            },
            uniquingKeysWith: {
                SchemaPart(text: $0.text + $1.text, owner: $0.owner, isWhole: $0.isWhole)
            })
    }
}

/// Brings a database to the newest schema, once, however many nodes start together: under a lock, in
/// one transaction.
struct SchemaMigrator {
    let files: [SchemaFile]
    let clock: DatabaseClock

    /// A number of our own among the database's advisory locks: "treg" and 1.
    private static let lock: Int64 = 0x7472_6567_0000_0001

    func run(_ connection: PostgresConnection) throws {
        try checkEncoding(connection)
        try connection.transaction {
            // A long migration of another node is waited for.
            try connection.query("SET LOCAL lock_timeout = 0")
            let patience = connection.patience
            connection.patience = .seconds(3_600)
            defer { connection.patience = patience }
            try connection.query("SELECT pg_advisory_xact_lock($1)", [.number(Self.lock)])
            try migrate(connection)
            try Head.makeIfMissing(connection, at: try clock.read(connection))
        }
    }

    private func checkEncoding(_ connection: PostgresConnection) throws {
        let encoding =
            try connection.query("SELECT current_setting('server_encoding')").first?.text(0) ?? ""
        guard encoding == "UTF8" else { throw PostgresOpeningError.encoding(encoding) }
    }

    func migrate(_ connection: PostgresConnection) throws {
        try SchemaHistory<PostgresOpeningError>(files).bring(connection) {
            try clock.read(connection)
        }
    }
}

extension PostgresStore: VerifiedReader {
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws -> Value {
        try await reading(.walk, body)
    }

    private func verification(
        _ noted: NotedDigest?, pace: VerificationPace,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        let schema = try await PostgresSchemaCheck(self)
        return try await StoreVerifier(self, noted: noted, pace: pace, progress: progress).run(
            VerifiedSchema(
                flaws: schema.flaws, foreign: schema.foreign, locations: schema.locations,
                contents: schema.contents))
    }

    package func verify(
        _ noted: NotedDigest?, pace: VerificationPace,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        do {
            return try await verification(noted, pace: pace, progress: progress)
        } catch {
            throw refusal(forRead: error)
        }
    }

    /// Checks a database that no node uses, and changes nothing in it.
    ///
    /// - Throws: `PostgresOpeningError` where it can't be opened, or holds no store.
    package static func verifyStopped(
        _ connection: ConnectionSettings, _ noted: NotedDigest?,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws -> Verification {
        var configuration = Configuration(
            connection: connection, quarantine: .zero, now: { Timestamp(milliseconds: 0) })
        configuration.reads = ReadLanes.Limits(connections: 1)
        let store = PostgresStore(
            configuration, logger: Logger(label: "verify"), onCommit: { _ in })
        do {
            try await store.openSessions()
            let result = try await store.verification(noted, pace: .full, progress: progress)
            await store.close()
            return result
        } catch {
            await store.close()
            guard let failure = error as? RegistryError else { throw error }
            throw PostgresOpeningError.failed(failure.code)
        }
    }
}
