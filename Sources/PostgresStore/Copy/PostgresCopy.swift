import RegistryLedger
import RegistryModel
import SchemaMigrations
import StoreCore

/// A database at one moment, for a copy out of it: one transaction, on a thread of its own.
package final class PostgresCopySource: SQLCopySource {
    private let session: CopySession
    private let foreignTables: [String]

    package init(_ connection: ConnectionSettings) async throws {
        let session = CopySession(connection)
        self.session = session
        try await session.open()
        foreignTables = try await session.run { connection in
            let clock = DatabaseClock(given: nil)
            let history = SchemaHistory<PostgresOpeningError>(SchemaFile.postgres)
            guard try history.applied(connection).count == SchemaFile.postgres.count else {
                throw PostgresOpeningError.foreign("its schema is older than this binary's")
            }
            let foreign = try PostgresSchemaCheck.read(connection, SchemaFile.postgres, clock)
                .foreign
            try connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return foreign
        }
    }

    package func foreign() async throws -> [String] { foreignTables }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws -> Value {
        try await session.run(body)
    }

    package func close() async { await session.close() }
}

/// An empty database to copy into: its schema and everything in it come in one transaction, or not at
/// all.
package final class PostgresCopyTarget: SQLCopyTarget {
    private let session: CopySession

    /// - Throws: `PostgresOpeningError.foreign` where the database holds anything.
    package init(_ connection: ConnectionSettings, now: Timestamp) async throws {
        session = CopySession(connection)
        try await session.open()
        try await session.run { connection in
            try connection.query("BEGIN")
            guard try !SchemaHistory<PostgresOpeningError>.isThere(in: connection) else {
                throw PostgresOpeningError.foreign("it holds a store already; copy into a new one")
            }
            try SchemaMigrator(
                files: SchemaFile.postgres, clock: DatabaseClock(given: { now })
            ).migrate(connection)
            try Head.makeIfMissing(connection, at: Timestamp(milliseconds: 0))
        }
    }

    package var movesOneByOne: Bool { false }

    package func insert(_ rows: [[StoredValue]], into table: StoreTable) async throws {
        let lists = table.columns.enumerated().map { place, column -> SQLValue in
            let values = rows.map { $0[place] }
            return switch column.kind {
            case .text: .texts(values.map(\.text))
            case .number: .numbers(values.map(\.number))
            case .bytes: .byteLists(values.map { $0.bytes ?? [] })
            case .flag: .flags(values.map { $0 == .flag(true) })
            }
        }
        let places = lists.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        let sql = """
            INSERT INTO \(table.name) (\(table.names.joined(separator: ", ")))
            SELECT * FROM unnest(\(places))
            """
        try await write { try $0.run(sql, lists) }
    }

    package func write(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Void
    ) async throws {
        try await session.run(body)
    }

    package func finish() async throws {
        try await session.run { connection in
            // Numbers go on behind those that came along.
            try connection.query(
                """
                SELECT setval(pg_get_serial_sequence('migration', 'number'),
                    coalesce((SELECT max(number) FROM migration), 0) + 1, false)
                """)
            try connection.query("COMMIT")
            try connection.script("ANALYZE")
        }
    }

    /// Without `finish`, nothing stays.
    package func close() async { await session.close() }
}

/// One session on one thread, for all of a copy.
final class CopySession: Sendable {
    private let threads: ConnectionThreads
    private let settings: ConnectionSettings

    init(_ settings: ConnectionSettings) {
        self.settings = settings
        threads = ConnectionThreads("store-copy", count: 1, settings: settings) { connection in
            try PostgresSession.prepare(connection)
            connection.patience = .seconds(3_600)
            // The other end may take its time.
            try connection.query("SET idle_in_transaction_session_timeout = 0")
        }
    }

    /// What is set for a copy mustn't come to others, nor theirs to it: a second session shows whose they are.
    func open() async throws {
        try await threads.opening { [settings, threads] _ in
            threads.adopt([try SessionCheck.open(settings, count: 2)[0]])
        }
    }

    func run<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws -> Value {
        try await threads.opening { try body($0.connection()) }
    }

    func close() async { await threads.close() }
}
