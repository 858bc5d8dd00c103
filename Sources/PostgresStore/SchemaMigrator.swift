import Crypto
import Foundation
import Migrations
import RegistryLedger
import RegistryModel
import StoreCore

/// Brings a database to the newest schema, once, however many nodes start together: under a lock, in
/// one transaction, each file recorded with its checksum.
struct SchemaMigrator {
    let files: [SchemaFile]
    let clock: DatabaseClock

    /// A number of our own among the database's advisory locks: "treg" and 1.
    private static let lock: Int64 = 0x7472_6567_0000_0001

    func run(_ connection: PostgresConnection) throws {
        try checkEncoding(connection)
        try connection.query("BEGIN")
        do {
            // A long migration of another node is waited for.
            try connection.query("SET LOCAL lock_timeout = 0")
            let patience = connection.patience
            connection.patience = .seconds(3_600)
            defer { connection.patience = patience }
            try connection.query("SELECT pg_advisory_xact_lock($1)", [.number(Self.lock)])
            try migrate(connection)
            try makeHeadIfMissing(connection)
            try connection.query("COMMIT")
        } catch {
            if connection.isAlive { try connection.query("ROLLBACK") }
            throw error
        }
    }

    private func checkEncoding(_ connection: PostgresConnection) throws {
        let encoding =
            try connection.query("SELECT current_setting('server_encoding')").first?.text(0) ?? ""
        guard encoding == "UTF8" else { throw PostgresOpeningError.encoding(encoding) }
    }

    func migrate(_ connection: PostgresConnection) throws {
        let hasHistory = try hasSchemaHistory(connection)
        if !hasHistory {
            try refuseForeign(connection)
            try connection.script(
                """
                CREATE TABLE schema_migration (
                    version    bigint NOT NULL PRIMARY KEY,
                    name       text   NOT NULL,
                    sha256     text   NOT NULL,
                    applied_at bigint NOT NULL
                )
                """)
        }
        let newest = try applied(connection).map(\.version).max() ?? 0
        for migration in files where migration.version > newest {
            try connection.script(migration.sql)
            try connection.query(
                "INSERT INTO schema_migration (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
                [
                    .number(Int64(migration.version)), .text(migration.name),
                    .text(Self.checksum(migration)),
                    .number(try clock.read(connection).milliseconds),
                ])
        }
    }

    func hasSchemaHistory(_ connection: PostgresConnection) throws -> Bool {
        try connection.query("SELECT to_regclass('schema_migration') IS NOT NULL").first?.flag(0)
            ?? false
    }

    private func refuseForeign(_ connection: PostgresConnection) throws {
        let row = try connection.query(
            """
            SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm')
            """
        ).first
        guard try row?.number(0) == 0 else {
            throw PostgresOpeningError.foreign("it holds tables, but none that records a schema")
        }
    }

    /// The files that the database has had, oldest first.
    /// - Throws: `PostgresOpeningError` for one that isn't known here, or that has been edited since.
    func applied(_ connection: PostgresConnection) throws -> [SchemaFile] {
        let known = files.map(\.version).max() ?? 0
        return try connection.query(
            "SELECT version, sha256 FROM schema_migration ORDER BY version"
        ).map { row in
            let version = try row.integer(0)
            guard let migration = files.first(where: { $0.version == version }) else {
                throw PostgresOpeningError.newer(version: version, known: known)
            }
            guard Self.checksum(migration) == (try row.text(1)) else {
                throw PostgresOpeningError.edited(version: version, name: migration.name)
            }
            return migration
        }
    }

    private func makeHeadIfMissing(_ connection: PostgresConnection) throws {
        try connection.query(
            """
            INSERT INTO head (id, epoch, revision, digest, at) VALUES (1, $1, 0, $2, $3)
            ON CONFLICT (id) DO NOTHING
            """,
            [
                .text(Epoch.random().text), .bytes(RevisionDigest.genesis),
                .number(try clock.read(connection).milliseconds),
            ])
    }

    private static func checksum(_ migration: SchemaFile) -> String {
        SHA256.hash(data: Data(migration.sql.utf8)).map { String(format: "%02x", $0) }.joined()
    }
}
