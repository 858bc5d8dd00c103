import RegistryModel
import Testing

@testable import SQLiteStore

/// Rows of the log.
extension VerifyTests {
    @Test(arguments: [
        ("UPDATE change_log SET after_location = 'japan' WHERE revision = 5", 5),
        ("UPDATE change_log SET before_tenant = NULL WHERE revision = 5", 5),
        ("UPDATE change_log SET action = 'updated' WHERE revision = 5", 5),
        ("UPDATE change_log SET fqdn = 'n9.example' WHERE revision = 6 AND position = 4", 6),
        ("UPDATE change_log SET registered_at = registered_at + 1 WHERE revision = 12", 12),
        (
            "UPDATE change_log SET after_detail = replace(after_detail, 'new', 'old') WHERE revision = 9",
            9
        ),
        ("UPDATE change_log SET after_detail = CAST(after_detail AS BLOB) WHERE revision = 9", 9),
        ("UPDATE revision_log SET reason = 'because' WHERE revision = 3", 3),
        ("UPDATE revision_log SET actor_name = 'nobody' WHERE revision = 1", 1),
        ("UPDATE revision_log SET at = at + 1 WHERE revision = 13", 13),
        ("UPDATE revision_log SET epoch = 'other' WHERE revision = 2", 2),
        ("UPDATE revision_log SET request_id = '', migration = 'r' WHERE revision = 2", 2),
        ("UPDATE revision_log SET digest = zeroblob(32) WHERE revision = 7", 7),
    ])
    func `names the revision of a changed row`(sql: String, revision: Int64) async throws {
        try await fill()
        // STRICT tables refuse the BLOB: that one is refused by SQLite itself.
        guard (try? await tamper(sql)) != nil else { return #expect(sql.contains("BLOB")) }
        try await expect(revision, "revision \(revision) isn't what its digest was computed over")
    }

    @Test func `names the revision of a removed row, and of a removed revision`() async throws {
        try await fill()
        try await tamper("DELETE FROM change_log WHERE revision = 6 AND position = 4")
        try await expect(6, "was written with 5 changes and has 4")
    }

    @Test func `names the gap that a removed row leaves`() async throws {
        try await fill()
        try await tamper("DELETE FROM change_log WHERE revision = 6 AND position = 2")
        try await expect(6, "revision 6 has no change at position 2")
    }

    @Test func `names a revision without any row of its own`() async throws {
        try await fill()
        try await tamper("DELETE FROM change_log WHERE revision = 6")
        try await expect(6, "was written with 5 changes and has 0")
    }

    @Test func `names a removed revision`() async throws {
        try await fill()
        try await tamper(
            "DELETE FROM change_log WHERE revision = 5",
            "DELETE FROM revision_log WHERE revision = 5")
        try await expect(5, "revision 5 is missing")
    }

    @Test func `names a revision whose header alone was removed`() async throws {
        try await fill()
        try await tamper("DELETE FROM revision_log WHERE revision = 1")
        try await expect(1, "revision 1 is missing")
    }

    private static let columns =
        "(revision, position, action, fqdn, after_location, after_mode, registered_at)"

    @Test(arguments: [
        ("(6, 5, 'registered', 'new.example', 'aws', 'serve', 0)", 6, "has 6"),
        ("(6, 9, 'registered', 'new.example', 'aws', 'serve', 0)", 6, "no change at position 5"),
        ("(6, -1, 'registered', 'new.example', 'aws', 'serve', 0)", 6, "a change at position -1"),
        ("(0, 0, 'registered', 'new.example', 'aws', 'serve', 0)", 0, "changes of a revision 0"),
        ("(-7, 0, 'registered', 'new.example', 'aws', 'serve', 0)", -7, "changes of a revision -7"),
        ("(14, 0, 'registered', 'new.example', 'aws', 'serve', 0)", 14, "beyond its head"),
    ])
    func `names the revision of an added row`(
        values: String, revision: Int64, what: String
    ) async throws {
        try await fill()
        try await tamper("INSERT INTO change_log \(Self.columns) VALUES \(values)")
        try await expect(revision, what)
    }

    @Test func `names an added row whose revision counts it`() async throws {
        try await fill()
        try await tamper(
            "INSERT INTO change_log \(Self.columns) VALUES (6, 5, 'registered', 'x.y', 'aws', 'serve', 0)",
            "UPDATE revision_log SET change_count = 6 WHERE revision = 6")
        try await expect(6, "isn't what its digest was computed over")
    }

    @Test func `names the first of two revisions that changed places`() async throws {
        try await fill()
        try await tamper(
            "UPDATE revision_log SET revision = revision + 100 WHERE revision IN (2, 3)",
            "UPDATE revision_log SET revision = 105 - revision WHERE revision > 100",
            "UPDATE change_log SET revision = revision + 100 WHERE revision IN (2, 3)",
            "UPDATE change_log SET revision = 105 - revision WHERE revision > 100")
        try await expect(2, "revision 2 isn't what its digest was computed over")
    }

    @Test func `names a revision whose rows changed places`() async throws {
        try await fill()
        try await tamper(
            "UPDATE change_log SET position = position + 10 WHERE revision = 6",
            "UPDATE change_log SET position = 14 - position WHERE revision = 6")
        try await expect(6, "revision 6 isn't what its digest was computed over")
    }
}
