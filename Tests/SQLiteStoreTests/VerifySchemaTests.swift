import GRDB
import RegistryModel
import Testing

@testable import SQLiteStore

/// The rules in the schema.
extension VerifyTests {
    @Test(arguments: [
        ("DROP TRIGGER change_log_is_not_updated", "trigger change_log_is_not_updated is missing"),
        ("DROP TRIGGER head_moves_by_one", "trigger head_moves_by_one is missing"),
        ("DROP INDEX change_log_by_domain", "index change_log_by_domain is missing"),
        (
            """
            DROP TRIGGER change_log_is_not_deleted;
            CREATE TRIGGER change_log_is_not_deleted BEFORE DELETE ON change_log
            WHEN OLD.revision > 5 BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
            """, "trigger change_log_is_not_deleted isn't what the schema says"
        ),
        (
            """
            CREATE TRIGGER helper AFTER INSERT ON change_log
            BEGIN UPDATE domain SET location = 'aws' WHERE fqdn = 'a.example'; END
            """, "a trigger helper that isn't its own"
        ),
        ("CREATE INDEX helper ON domain (mode)", "a index helper that isn't its own"),
        ("ALTER TABLE token ADD COLUMN note TEXT", "table token isn't what the schema says"),
    ])
    func `names a rule that is gone, changed or new`(sql: String, what: String) async throws {
        try await fill()
        let shell = try folder.shell()
        try await shell.write { try $0.execute(sql: sql) }
        try shell.close()
        try await expect(nil, what)
        let store = try folder.open()
        let running = try await store.verify(nil) { _ in }
        #expect(running.what.contains(what))
        await store.close()
    }

    /// What Litestream leaves in a database, and what else people keep beside.
    @Test func `names tables that aren't the store's own, and leaves them alone`() async throws {
        try await fill()
        let shell = try folder.shell()
        try await shell.write {
            try $0.execute(
                sql: """
                    CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
                    CREATE TABLE _litestream_lock (id INTEGER);
                    CREATE TABLE notes (text);
                    CREATE INDEX notes_by_text ON notes (text);
                    CREATE TRIGGER notes_are_kept BEFORE DELETE ON notes
                    BEGIN SELECT RAISE(ABORT, 'no'); END;
                    CREATE VIEW names AS SELECT fqdn FROM domain;
                    """)
        }
        try shell.close()
        let names = ["_litestream_lock", "_litestream_seq", "names", "notes"]
        let store = try folder.open()
        let running = try await store.verify(nil) { _ in }
        #expect(running.isGood && running.foreign == names)
        await store.close()
        let stopped = try await SQLiteStore.verifyStopped(folder: folder.url, nil) { _ in }
        #expect(stopped.isGood && stopped.foreign == names)
    }

    @Test func `names a table that is gone`() async throws {
        try await fill()
        let shell = try folder.shell()
        try await shell.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF; DROP TABLE change_log")
        }
        try shell.close()
        try await expect(nil, "table change_log is missing")
    }

    @Test func `names the first bad revision and the missing rule together`() async throws {
        try await fill()
        let shell = try folder.shell()
        try await shell.write { db in
            try db.execute(
                sql: """
                    DROP TRIGGER change_log_is_not_updated;
                    UPDATE change_log SET after_tenant = 'evil' WHERE revision = 5
                    """)
        }
        try shell.close()
        try await expect(5, "isn't what its digest was computed over; the trigger")
    }
}
