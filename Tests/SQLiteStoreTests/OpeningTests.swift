import Foundation
import GRDB
import RegistryModel
import SchemaMigrations
import Testing

@testable import SQLiteStore

@Suite("Opening a store") struct OpeningTests {
    private let folder = StoreFolder()

    /// Of a migration file that is yet to come.
    private static let next = (SchemaFile.sqlite.map(\.version).max() ?? 0) + 1

    @Test func `makes its writer durable`() async throws {
        let store = try folder.open()
        let settings = try await store.pool.writeWithoutTransaction { db in
            (
                journal: try String.fetchOne(db, sql: "PRAGMA journal_mode"),
                synchronous: try Int.fetchOne(db, sql: "PRAGMA synchronous"),
                foreignKeys: try Bool.fetchOne(db, sql: "PRAGMA foreign_keys")
            )
        }
        #expect(settings.journal == "wal")
        #expect(settings.synchronous == 2)
        #expect(settings.foreignKeys == true)
        // Still so after the first writes.
        try await store.run(new("a.example"))
        let after = try await store.pool.writeWithoutTransaction { db in
            try Int.fetchOne(db, sql: "PRAGMA synchronous")
        }
        #expect(after == 2)
        await store.close()
    }

    @Test func `is for one process at a time, and names the one that has it`() async throws {
        let store = try folder.open()
        let inUse = StoreOpeningError.inUse(
            folder: folder.url.path, holder: "pid \(ProcessInfo.processInfo.processIdentifier)")
        #expect(throws: inUse) { try folder.open() }
        #expect("\(inUse)".contains("pid \(ProcessInfo.processInfo.processIdentifier)"))
        try await store.run(new("a.example"))
        await store.close()
        let again = try folder.open()
        #expect(try await again.head().revision == Revision(1))
        await again.close()
    }

    @Test func `lets the folder go when it fails`() async throws {
        let broken =
            SchemaFile.sqlite + [
                SchemaFile(version: SchemaFile.sqlite.count + 1, name: "broken", sql: "nonsense")
            ]
        #expect(throws: StoreOpeningError.self) { try folder.open(schema: broken) }
        let store = try folder.open()
        await store.close()
    }

    @Test func `hides the file from everybody else, in a folder that everybody may read`()
        async throws
    {
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        let store = try folder.open()
        try await store.run(new("a.example"))
        for name in ["registry.sqlite", "registry.sqlite-wal", "lock"] {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: folder.url.appendingPathComponent(name).path)
            let mode = attributes[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600, "\(name)")
        }
        await store.close()
    }

    @Test func `refuses a file that a newer version wrote`() async throws {
        let newer = SchemaFile(
            version: SchemaFile.sqlite.count + 1, name: "newer", sql: "CREATE TABLE more (x) ")
        await (try folder.open(schema: SchemaFile.sqlite + [newer])).close()
        #expect(throws: StoreOpeningError.newer(version: newer.version, known: newer.version - 1)) {
            try folder.open()
        }
        // And the newer version still takes it.
        await (try folder.open(schema: SchemaFile.sqlite + [newer])).close()
    }

    @Test func `refuses a migration file that has been edited`() async throws {
        await (try folder.open()).close()
        let released = try #require(SchemaFile.sqlite.first)
        let edited = SchemaFile(
            version: released.version, name: released.name, sql: released.sql + "\n")
        #expect(throws: StoreOpeningError.edited(version: 1, name: released.name)) {
            try folder.open(schema: [edited])
        }
        await (try folder.open()).close()
    }

    @Test func `puts the names of an older store into their order`() async throws {
        let store = try folder.open()
        try await store.run(new("x.deep.a.example", tenant: "one"))
        try await store.run(new("b.example", tenant: "one"))
        try await store.run(.release(fqdn("b.example"), ifMatch: nil))
        await store.close()
        try await folder.shell().write { db in
            try db.execute(
                sql: """
                    DROP TABLE name_tree;
                    ALTER TABLE migration_domain DROP COLUMN own_mode;
                    ALTER TABLE agent DROP COLUMN ahead_revision;
                    ALTER TABLE agent DROP COLUMN ahead_epoch;
                    DROP TABLE tenant_place;
                    DROP TABLE split_tenant;
                    ALTER TABLE revision_log DROP COLUMN allow_split;
                    DROP TRIGGER migration_keeps_its_plan;
                    ALTER TABLE migration DROP COLUMN whole_tenants;
                    CREATE TRIGGER migration_keeps_its_plan BEFORE DELETE ON migration
                        BEGIN SELECT 1; END;
                    DROP TRIGGER domain_is_not_held;
                    DROP TABLE held_domain;
                    DROP TABLE wave_approval;
                    ALTER TABLE domain DROP COLUMN fence;
                    ALTER TABLE released_domain DROP COLUMN fence;
                    ALTER TABLE change_log DROP COLUMN before_fence;
                    ALTER TABLE change_log DROP COLUMN after_fence;
                    ALTER TABLE wave DROP COLUMN announcement;
                    ALTER TABLE agent DROP COLUMN fences;
                    ALTER TABLE agent DROP COLUMN lease_until;
                    ALTER TABLE location DROP COLUMN dns;
                    DROP TABLE zone_serial;
                    DROP TABLE webhook_progress;
                    DROP TABLE webhook;
                    DELETE FROM schema_migration WHERE version >= 8
                    """)
        }
        let again = try folder.open()
        for (name, other) in [("a.example", "x.deep.a.example"), ("y.b.example", "b.example")] {
            await #expect(throws: RegistryError.nameEntangled(fqdn(name), with: fqdn(other))) {
                try await again.run(new(name, tenant: "two"))
            }
        }
        #expect(try await again.verify(nil) { _ in }.isGood)
        await again.close()
    }

    @Test func `learns the actions of holds, as a new store has them`() async throws {
        let older = SchemaFile.sqlite.filter { $0.version < 11 }
        await (try folder.open(schema: older)).close()
        let before = try await folder.shell().read { db in
            try Int.fetchOne(db, sql: "PRAGMA schema_version") ?? 0
        }
        let store = try folder.open()
        try await store.run(.hold(NewDomain(fqdn: fqdn("a.example")), for: .seconds(60)))
        try await store.run(.activate(fqdn("a.example")))
        #expect(try await store.verify(nil) { _ in }.isGood)
        await store.close()
        // Who has the file open reads its schema anew; and the rules that were there are there.
        let shell = try folder.shell()
        let refused = try await shell.write { db in
            #expect(try Int.fetchOne(db, sql: "PRAGMA schema_version") ?? 0 > before)
            #expect(try String.fetchAll(db, sql: "PRAGMA integrity_check") == ["ok"])
            try db.execute(sql: "DROP TRIGGER change_log_is_appended")
            return [
                "(9, 0, 'heId', 'x.example', 0, NULL, NULL)",
                "(9, 0, 'held', 'x.example', 0, NULL, NULL)",
                "(9, 0, 'held', 'x.example', 0, '{}', '{}')",
                "(9, 0, 'hold_expired', 'x.example', 0, NULL, '{}')",
                "(9, 0, 'registered', 'x.example', 0, NULL, '{}')",
            ].filter { values in
                do {
                    try db.execute(
                        sql: """
                            INSERT INTO change_log (revision, position, action, fqdn, registered_at,
                                before_detail, after_detail) VALUES \(values)
                            """)
                    return false
                } catch {
                    return true
                }
            }
        }
        #expect(refused.count == 5, "\(refused)")
    }

    /// SQLite keeps the statement, and verification holds it against that of older stores.
    @Test func `records its schema in a table whose text never changes`() async throws {
        let store = try folder.open()
        await store.close()
        let text = try await folder.shell().read { db in
            try String.fetchOne(
                db, sql: "SELECT sql FROM sqlite_master WHERE name = 'schema_migration'")
        }
        #expect(
            text == """
                CREATE TABLE schema_migration (
                    version    INTEGER NOT NULL PRIMARY KEY,
                    name       TEXT    NOT NULL,
                    sha256     TEXT    NOT NULL,
                    applied_at INTEGER NOT NULL
                ) STRICT
                """)
    }

    @Test func `refuses another program's file, and leaves its tables alone`() async throws {
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        try await folder.shell().write { db in
            try db.execute(sql: "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        }
        #expect {
            try folder.open()
        } throws: { error in
            if case .foreign = error as? StoreOpeningError { true } else { false }
        }
        let tables = try await folder.shell().read { db in
            try String.fetchAll(db, sql: "SELECT name FROM sqlite_master")
        }
        #expect(tables == ["theirs"])
    }

    @Test func `refuses what isn't a database`() throws {
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        let text = Data(String(repeating: "not a database ", count: 1_000).utf8)
        try text.write(to: folder.file)
        #expect {
            try folder.open()
        } throws: { error in
            if case .database = error as? StoreOpeningError { true } else { false }
        }
        #expect(try Data(contentsOf: folder.file) == text)
    }

    @Test func `leaves nothing of a migration that failed`() async throws {
        let store = try folder.open()
        try await store.run(new("a.example"))
        await store.close()
        let broken = SchemaFile(
            version: SchemaFile.sqlite.count + 1, name: "broken",
            sql: "CREATE TABLE more (x); DELETE FROM domain; INSERT INTO nowhere VALUES (1)")
        #expect(throws: StoreOpeningError.self) {
            try folder.open(schema: SchemaFile.sqlite + [broken])
        }
        let (tables, versions, domains) = try await folder.shell().read { db in
            (
                try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE name = 'more'"),
                try Int.fetchAll(db, sql: "SELECT version FROM schema_migration"),
                try Int.fetchOne(db, sql: "SELECT count(*) FROM domain")
            )
        }
        #expect(tables.isEmpty)
        #expect(versions == SchemaFile.sqlite.map(\.version))
        #expect(domains == 1)
        await (try folder.open()).close()
    }
}
