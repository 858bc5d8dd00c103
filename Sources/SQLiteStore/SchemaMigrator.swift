import Crypto
import Foundation
import GRDB
import Migrations
import RegistryModel

/// Brings a database to the newest schema: each file in one transaction, recorded with its
/// checksum. GRDB's own migrator keeps no checksums, and would take an edited file for the old one.
struct SchemaMigrator {
    let files: [SchemaFile]
    let now: @Sendable () -> Timestamp

    func run(_ db: Database) throws {
        try refuseForeignFile(db)
        try db.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    version    INTEGER NOT NULL PRIMARY KEY,
                    name       TEXT    NOT NULL,
                    sha256     TEXT    NOT NULL,
                    applied_at INTEGER NOT NULL
                ) STRICT
                """)
        let newest = try applied(db).map(\.version).max() ?? 0
        for migration in files where migration.version > newest {
            try apply(migration, to: db)
        }
    }

    /// The files that the database has had, oldest first.
    /// - Throws: `StoreOpeningError` for one that isn't known here, or that has been edited since.
    func applied(_ db: Database) throws -> [SchemaFile] {
        let known = files.map(\.version).max() ?? 0
        return try Row.fetchAll(
            db, sql: "SELECT version, sha256 FROM schema_migration ORDER BY version"
        ).map { row in
            let version: Int = row["version"]
            guard let migration = files.first(where: { $0.version == version }) else {
                throw StoreOpeningError.newer(version: version, known: known)
            }
            guard Self.checksum(migration) == row["sha256"] else {
                throw StoreOpeningError.edited(version: version, name: migration.name)
            }
            return migration
        }
    }

    private func apply(_ migration: SchemaFile, to db: Database) throws {
        try db.inTransaction(.immediate) {
            try db.execute(sql: migration.sql)
            try db.execute(
                sql:
                    "INSERT INTO schema_migration (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)",
                arguments: [
                    migration.version, migration.name, Self.checksum(migration), now().milliseconds,
                ])
            return .commit
        }
    }

    private func refuseForeignFile(_ db: Database) throws {
        let tables = try String.fetchAll(
            db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
        guard tables.isEmpty || tables.contains("schema_migration") else {
            throw StoreOpeningError.foreign("it holds tables, but none that records a schema")
        }
    }

    private static func checksum(_ migration: SchemaFile) -> String {
        SHA256.hash(data: Data(migration.sql.utf8)).map { String(format: "%02x", $0) }.joined()
    }
}
