import Migrations
import RegistryLedger
import RegistryModel
import StoreCore

/// A database at one moment, for a copy out of it: one transaction, on a thread of its own.
package final class PostgresCopySource: CopySource {
    private let session: CopySession
    private let foreignTables: [String]

    package init(_ connection: ConnectionSettings) async throws {
        let session = CopySession(connection)
        self.session = session
        try await session.open()
        foreignTables = try await session.run { connection in
            let clock = DatabaseClock(given: nil)
            let migrator = SchemaMigrator(files: SchemaFile.postgres, clock: clock)
            guard try migrator.applied(connection).count == SchemaFile.postgres.count else {
                throw PostgresOpeningError.foreign("its schema is older than this binary's")
            }
            let foreign = try SchemaCheck.read(connection, SchemaFile.postgres, clock).foreign
            try connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return foreign
        }
    }

    package func foreign() async throws -> [String] { foreignTables }

    package func head() async throws -> Head { try await session.run(Head.read) }

    package func rows(
        of table: StoreTable, after key: [StoredValue]?, limit: Int
    ) async throws -> [[StoredValue]] {
        var parameters = key?.map(\.parameter) ?? []
        var condition = ""
        if !parameters.isEmpty {
            let places = parameters.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
            condition = "WHERE (\(table.keys.joined(separator: ", "))) > (\(places))"
        }
        parameters.append(.number(Int64(limit)))
        let sql = """
            SELECT \(table.names.joined(separator: ", ")) FROM \(table.name) \(condition)
            ORDER BY \(table.keys.joined(separator: ", ")) LIMIT $\(parameters.count)
            """
        let values = parameters
        return try await session.run { connection in
            try connection.query(sql, values).map { row in
                try zip(0..., table.columns).map { place, column in
                    guard !row.isNull(place) else { return .absent }
                    return switch column.kind {
                    case .text: .text(try row.text(place))
                    case .number: .number(try row.number(place))
                    case .octets: .octets(try row.bytes(place))
                    case .flag: .flag(try row.flag(place))
                    }
                }
            }
        }
    }

    package func close() async { await session.close() }
}

/// An empty database to copy into: its schema and everything in it come in one transaction, or not at
/// all.
package final class PostgresCopyTarget: CopyTarget {
    private let session: CopySession

    /// - Throws: `PostgresOpeningError.foreign` where the database holds anything.
    package init(_ connection: ConnectionSettings, now: Timestamp) async throws {
        session = CopySession(connection)
        try await session.open()
        try await session.run { connection in
            try connection.query("BEGIN")
            let migrator = SchemaMigrator(
                files: SchemaFile.postgres, clock: DatabaseClock(given: { now }))
            guard try !migrator.hasSchemaHistory(connection) else {
                throw PostgresOpeningError.foreign("it holds a store already; copy into a new one")
            }
            try migrator.migrate(connection)
            try connection.query(
                "INSERT INTO head (id, epoch, revision, digest, at) VALUES (1, $1, 0, $2, 0)",
                [.text(Epoch.random().text), .bytes(RevisionDigest.genesis)])
        }
    }

    package var movesOneByOne: Bool { false }

    package func insert(_ rows: [[StoredValue]], into table: StoreTable) async throws {
        let lists = table.columns.enumerated().map { place, column -> SQLValue in
            let values = rows.map { $0[place] }
            return switch column.kind {
            case .text: .texts(values.map(\.text))
            case .number: .numbers(values.map(\.number))
            case .octets: .byteLists(values.map { $0.octets ?? [] })
            case .flag: .flags(values.map { $0 == .flag(true) })
            }
        }
        let places = lists.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        let sql = """
            INSERT INTO \(table.name) (\(table.names.joined(separator: ", ")))
            SELECT * FROM unnest(\(places))
            """
        try await session.run { _ = try $0.query(sql, lists) }
    }

    package func begin(_ epoch: Epoch) async throws {
        try await session.run {
            _ = try $0.query(
                "UPDATE head SET epoch = $1 WHERE epoch <> $1", [.text(epoch.text)])
        }
    }

    package func advance(to revision: Revision, digest: [UInt8], at: Timestamp) async throws {
        try await session.run {
            _ = try $0.query(
                "UPDATE head SET revision = $1, digest = $2, at = $3",
                [.number(revision.number), .bytes(digest), .number(at.milliseconds)])
        }
    }

    package func clearLocations() async throws {
        try await session.run { _ = try $0.query("DELETE FROM location") }
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

extension StoredValue {
    fileprivate var parameter: SQLValue {
        switch self {
        case .absent: .text(nil)
        case .number(let number): .number(number)
        case .text(let text): .text(text)
        case .octets(let octets): .bytes(octets)
        case .flag(let flag): .flag(flag)
        }
    }
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
        try await onThread { [settings, threads] _ in
            threads.adopt([try SessionCheck.open(settings, count: 2)[0]])
        }
    }

    func run<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws -> Value {
        try await onThread { try body($0.connection()) }
    }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (ConnectionSlot) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { answer in
            let isTaken = threads.submit { slot in
                answer.resume(
                    with: Result {
                        do {
                            return try body(slot)
                        } catch let failure as PostgresFailure {
                            throw PostgresOpeningError(failure)
                        } catch let few as SessionCheck.TooFew {
                            throw PostgresOpeningError(few)
                        }
                    })
            }
            if !isTaken { answer.resume(throwing: PostgresOpeningError.failed("it was closed")) }
        }
    }

    func close() async { await threads.close() }
}
