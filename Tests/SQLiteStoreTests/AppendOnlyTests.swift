import Foundation
import GRDB
import RegistryModel
import Testing

@testable import SQLiteStore

/// What the schema refuses to a person with a shell, whatever the service does.
@Suite("The database itself") struct AppendOnlyTests {
    private static let changeColumns =
        "(revision, position, action, fqdn, after_location, after_mode, registered_at)"

    /// A store with three revisions (a domain, a token, the token revoked) and one token more.
    private static func filled() async throws -> StoreFolder {
        let folder = StoreFolder()
        let store = try folder.open()
        try await store.run(new("a.example"))
        try await store.run(.createToken(token("a")))
        try await store.run(.createToken(token("b")))
        try await store.run(.revokeToken(id: "a"))
        _ = try await store.zoneSerial(
            of: fqdn("z.example"), digest: Array(repeating: 7, count: 32), at: Revision(1), above: 0
        )
        await store.close()
        return folder
    }

    private static let tables = ["head", "revision_log", "change_log", "token"]

    private static func dump(_ db: Database) throws -> [String] {
        try tables.flatMap { table in
            try Row.fetchAll(db, sql: "SELECT * FROM \(table)").map { "\(table) \($0)" }
        }
    }

    @Test(arguments: [
        "UPDATE revision_log SET reason = 'other' WHERE revision = 1",
        "UPDATE OR REPLACE revision_log SET revision = 2 WHERE revision = 1",
        "DELETE FROM revision_log",
        "DELETE FROM revision_log WHERE revision = 4",
        "INSERT OR REPLACE INTO revision_log SELECT * FROM revision_log WHERE revision = 1",
        "REPLACE INTO revision_log SELECT * FROM revision_log WHERE revision = 4",
        """
        INSERT INTO revision_log SELECT * FROM revision_log WHERE revision = 1
        ON CONFLICT (revision) DO UPDATE SET reason = 'other'
        """,
        "UPDATE change_log SET after_location = 'aws'",
        "UPDATE OR REPLACE change_log SET revision = 2 WHERE revision = 1",
        "DELETE FROM change_log",
        "INSERT OR REPLACE INTO change_log SELECT * FROM change_log WHERE revision = 1",
        // Into a revision that is past, and into one that isn't next.
        "INSERT INTO change_log \(changeColumns) VALUES (1, 9, 'registered', 'x.y', 'aws', 'serve', 0)",
        "INSERT INTO change_log \(changeColumns) VALUES (4, 9, 'registered', 'x.y', 'aws', 'serve', 0)",
        "INSERT INTO change_log \(changeColumns) VALUES (6, 0, 'registered', 'x.y', 'aws', 'serve', 0)",
        // Into the next one without its revision: the foreign key.
        "INSERT INTO change_log \(changeColumns) VALUES (5, 0, 'registered', 'x.y', 'aws', 'serve', 0)",
        "DELETE FROM head",
        "INSERT OR REPLACE INTO head SELECT * FROM head",
        "REPLACE INTO head VALUES (1, 'e', 0, zeroblob(32), 0)",
        "UPDATE head SET revision = revision + 1",
        "UPDATE head SET revision = revision - 1",
        "UPDATE head SET revision = 0, digest = zeroblob(32)",
        "UPDATE head SET digest = zeroblob(32)",
        "UPDATE head SET at = at + 1",
        "UPDATE head SET epoch = 'new', revision = 0",
        "UPDATE head SET epoch = 'new', digest = zeroblob(32)",
        "UPDATE head SET epoch = 'new', at = at - 1",
        "DELETE FROM token",
        "INSERT OR REPLACE INTO token SELECT * FROM token WHERE id = 'b'",
        "UPDATE token SET role = 'reader' WHERE id = 'b'",
        "UPDATE token SET secret_digest = zeroblob(32) WHERE id = 'b'",
        "UPDATE token SET name = 'other' WHERE id = 'b'",
        "UPDATE token SET expires_at = 9 WHERE id = 'b'",
        "UPDATE token SET id = 'c' WHERE id = 'b'",
        "UPDATE token SET revoked_at = NULL WHERE id = 'a'",
        "UPDATE token SET revoked_at = 1 WHERE id = 'a'",
    ])
    func `refuses to rewrite what happened`(sql: String) async throws {
        let folder = try await Self.filled()
        let shell = try folder.shell()
        let before = try await shell.read { try Self.dump($0) }
        #expect {
            try shell.write { try $0.execute(sql: sql) }
        } throws: { error in
            (error as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT
        }
        #expect(try await shell.read { try Self.dump($0) } == before)
    }

    @Test func `lets a restored backup take a new epoch, and go on from there`() async throws {
        let folder = try await Self.filled()
        let shell = try folder.shell()
        try await shell.write { try $0.execute(sql: "UPDATE head SET epoch = 'new'") }
        try shell.close()
        try await folder.unmark()
        let store = try folder.open()
        try await store.run(new("b.example"))
        #expect(try await store.head().epoch == Epoch("new"))
        #expect(try await store.head().revision == Revision(5))
        await store.close()
    }

    @Test(arguments: [
        "INSERT INTO domain VALUES ('A.example', 'japan', 'serve', NULL, 1, 0, 0, NULL)",
        "INSERT INTO domain VALUES ('a_b.example', 'japan', 'serve', NULL, 1, 0, 0, NULL)",
        "INSERT INTO domain VALUES ('b.example', 'mars', 'serve', NULL, 1, 0, 0, NULL)",
        "INSERT INTO domain VALUES ('b.example', 'japan', 'frozen', NULL, 1, 0, 0, NULL)",
        "INSERT INTO domain VALUES ('b.example', 'japan', 'serve', '', 1, 0, 0, NULL)",
        "INSERT INTO domain VALUES ('b.example', 'japan', 'serve', printf('%201d', 1), 1, 0, 0, NULL)",
        "INSERT INTO domain VALUES ('b.example', 'japan', 'serve', NULL, 0, 0, 0, NULL)",
        "INSERT INTO domain VALUES ('b.example', 'japan', 'serve', NULL, 1, 9, 8, NULL)",
        "INSERT INTO domain VALUES ('a.example', 'japan', 'serve', NULL, 1, 0, 0, NULL)",
        "UPDATE domain SET fqdn = 'b.example'",
        "UPDATE domain SET location = 'mars'",
        "INSERT INTO released_domain VALUES ('a.example', 'japan', 'serve', NULL, 1, 0, 0, 0, NULL)",
        "INSERT INTO location VALUES ('Osaka', 'http://a', 1, 0, 0, NULL)",
        "INSERT INTO location VALUES ('osaka', 'http://a', 2, 0, 0, NULL)",
        "INSERT INTO location VALUES ('osaka', 'http://a', 1, 1, 0, NULL)",
        "INSERT INTO location VALUES ('osaka', 'short', 1, 0, 0, NULL)",
        "INSERT INTO location VALUES ('osaka', 'http://a', 1, 0, 0, '')",
        "INSERT INTO location VALUES ('osaka', 'http://a', 1, 0, 0, '{}')",
        #"INSERT INTO location VALUES ('osaka', 'http://a', 1, 0, 0, '{"b":["192.0.2.1"]}')"#,
        "DELETE FROM location WHERE name = 'japan'",
        "INSERT INTO zone_serial VALUES ('a.example', 0, zeroblob(32), 0, 'e')",
        "INSERT INTO zone_serial VALUES ('a.example', 4294967296, zeroblob(32), 0, 'e')",
        "INSERT INTO zone_serial VALUES ('A.example', 1, zeroblob(32), 0, 'e')",
        "INSERT INTO zone_serial VALUES ('a.example', 1, zeroblob(0), 0, 'e')",
        "INSERT OR REPLACE INTO zone_serial VALUES ('z.example', 9, zeroblob(32), 0, 'e')",
        "UPDATE zone_serial SET serial = 6",
        "UPDATE zone_serial SET digest = zeroblob(31)",
        "UPDATE zone_serial SET epoch = 'f'",
        "UPDATE zone_serial SET revision = 0",
        "UPDATE zone_serial SET zone = 'y.example', serial = 8",
        "DELETE FROM zone_serial",
        "INSERT INTO token VALUES ('c', '', 'admin', zeroblob(32), 0, NULL, NULL)",
        "INSERT INTO token VALUES ('c', 'c', 'root', zeroblob(32), 0, NULL, NULL)",
        "INSERT INTO token VALUES ('c', 'c', 'admin', zeroblob(31), 0, NULL, NULL)",
        "INSERT INTO token_use VALUES ('nobody', 0)",
        "INSERT INTO idempotency VALUES ('t', '', zeroblob(32), 1, '{}', 0)",
        "INSERT INTO idempotency VALUES ('t', 'k', zeroblob(33), 1, '{}', 0)",
    ])
    func `refuses values that can't be`(sql: String) async throws {
        let folder = try await Self.filled()
        let shell = try folder.shell()
        #expect {
            try shell.write { try $0.execute(sql: sql) }
        } throws: { error in
            (error as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT
        }
    }

    /// Columns: fqdn, before location, mode, tenant, after location, mode, tenant, registered_at,
    /// subject, details.
    @Test(arguments: [
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
        "'b.example', NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL",
        "'b.example', NULL, NULL, NULL, 'aws', 'serve', NULL, NULL, NULL, NULL, NULL",
        "'b.example', NULL, NULL, NULL, 'aws', NULL, NULL, 0, NULL, NULL, NULL",
        "'b.example', NULL, NULL, NULL, 'aws', 'serve', NULL, 0, 'subject', NULL, NULL",
        // Values where the digest's reading of a row doesn't look.
        "'b.example', NULL, NULL, 'hidden', 'aws', 'serve', NULL, 0, NULL, NULL, NULL",
        "'b.example', 'aws', 'serve', NULL, NULL, NULL, 'hidden', 0, NULL, NULL, NULL",
        "'b.example', NULL, NULL, NULL, 'aws', 'serve', NULL, 0, NULL, '{}', NULL",
        "NULL, NULL, NULL, NULL, 'aws', 'serve', NULL, NULL, 'subject', NULL, '{}'",
    ])
    func `refuses a change that is of nothing or of two things`(values: String) async throws {
        let folder = try await Self.filled()
        let shell = try folder.shell()
        #expect {
            try shell.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO revision_log SELECT 5, epoch, at, 'actor', 'name', 'admin', NULL,
                            NULL, '', NULL, NULL, NULL, 1, digest, 0 FROM head
                        """)
                try db.execute(
                    sql: "INSERT INTO change_log VALUES (5, 0, 'registered', \(values), NULL, NULL)"
                )
            }
        } throws: { error in
            (error as? DatabaseError)?.extendedResultCode == .SQLITE_CONSTRAINT_CHECK
        }
    }
}
