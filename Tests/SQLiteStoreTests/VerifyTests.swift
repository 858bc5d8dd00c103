import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import Testing

@testable import SQLiteStore

/// What a check says of a store that somebody has written into behind the service's back.
///
/// The log that is tampered with: 1 to 3 register a, b and c; 4 makes a token; 5 moves a; 6 is a batch of
/// 5; 7 revokes the token; 8 releases b; 9 changes the location aws; 10 and 11 make tokens; 12 releases c
/// and 13 restores it.
@Suite("Verifying a store") struct VerifyTests {
    private let folder = StoreFolder()

    private func fill() async throws {
        let store = try folder.open()
        let aws = LocationName(canonical: "aws")
        let settings = LocationSettings(
            upstream: UpstreamURL(canonical: "http://new-aws"), acceptsSignups: true,
            isDefaultForSignups: false)
        var reader = token("x")
        reader.role = .reader
        let commands: [Command] = [
            new("a.example", tenant: "acme"), new("b.example"), new("c.example"),
            .createToken(reader),
            .change(fqdn("a.example"), DomainPatch(location: aws), ifMatch: nil),
            batch("n", count: 5), .revokeToken(id: "x"), .release(fqdn("b.example"), ifMatch: nil),
            .putLocation(aws, settings), .createToken(token("y")), .createToken(token("z")),
            .release(fqdn("c.example"), ifMatch: nil), .restore(fqdn("c.example")),
        ]
        for command in commands {
            try await store.run(command)
            folder.clock.change { $0 = $0.adding(.seconds(1)) }
        }
        await store.close()
    }

    private func verify(_ noted: NotedDigest? = nil) async throws -> Verification {
        try await SQLiteStore.verifyStopped(folder: folder.url, noted) { _ in }
    }

    /// Writes what the schema refuses: without its triggers, which are put back as they were.
    private func tamper(_ sql: String...) async throws {
        let shell = try folder.shell()
        try await shell.writeWithoutTransaction { db in
            let triggers = try Row.fetchAll(
                db, sql: "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            try db.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            for trigger in triggers {
                try db.execute(sql: "DROP TRIGGER \(trigger["name"] as String)")
            }
            for statement in sql { try db.execute(sql: statement) }
            for trigger in triggers { try db.execute(sql: trigger["sql"]) }
        }
        try shell.close()
    }

    private func expect(
        _ revision: Int64?, _ what: String, _ noted: NotedDigest? = nil,
        at place: SourceLocation = #_sourceLocation
    ) async throws {
        let result = try await verify(noted)
        #expect(!result.isGood, sourceLocation: place)
        #expect(result.firstBadRevision == revision.map { Revision($0) }, sourceLocation: place)
        #expect(result.what.contains(what), "\(result.what)", sourceLocation: place)
    }

    @Test func `finds nothing in one that nobody touched, running or stopped`() async throws {
        try await fill()
        let stopped = try await verify()
        #expect(stopped.isGood && stopped.what.isEmpty)
        let store = try folder.open()
        let head = try await store.head()
        let running = try await store.verify(nil) { _ in }
        #expect(running == stopped)
        #expect(running.revision == Revision(13) && running.digest == head.digest)
        #expect(running.extent.revisions == 13 && running.extent.changes == 17)
        #expect(running.extent.domains == 8)
        await store.close()
    }

    @Test func `finds nothing in an empty one`() async throws {
        await (try folder.open()).close()
        let result = try await verify()
        #expect(result.isGood && result.revision == .zero)
        #expect(result.digest == RevisionDigest.genesis)
    }

    @Test func `leaves the file as it is, and the folder to others`() async throws {
        try await fill()
        let before = try Data(contentsOf: folder.file)
        #expect(try await verify().isGood)
        #expect(try Data(contentsOf: folder.file) == before)
        let store = try folder.open()
        await #expect(throws: StoreOpeningError.self) { try await verify() }
        await store.close()
        let nothing = folder.url.appendingPathComponent("nothing")
        await #expect(throws: StoreOpeningError.self) {
            try await SQLiteStore.verifyStopped(folder: nothing, nil) { _ in }
        }
        #expect(!FileManager.default.fileExists(atPath: nothing.path))
    }

    // MARK: The log

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

    // MARK: The ends of the log

    @Test func `names the first revision that a cut tail lacks`() async throws {
        try await fill()
        try await tamper(
            "DELETE FROM change_log WHERE revision > 10",
            "DELETE FROM revision_log WHERE revision > 10")
        try await expect(11, "the log ends before its head, revision 13")
    }

    @Test func `names a head that was set back behind the log`() async throws {
        try await fill()
        try await tamper(
            "UPDATE head SET revision = 10, digest = (SELECT digest FROM revision_log WHERE revision = 10)"
        )
        try await expect(11, "revision_log goes on to revision 13, beyond its head, revision 10")
    }

    @Test func `names a head whose digest or time isn't the log's`() async throws {
        try await fill()
        try await tamper("UPDATE head SET digest = zeroblob(32)")
        try await expect(13, "the head's digest isn't the log's")
        try await tamper(
            "UPDATE head SET digest = (SELECT digest FROM revision_log WHERE revision = 13), at = 0"
        )
        try await expect(13, "the head's time is before that of its revision")
    }

    /// A tail cut off with care shows nothing by itself: the noted digest does.
    @Test func `sees a tail that was cut with its head only by a digest noted elsewhere`()
        async throws
    {
        try await fill()
        let head = try await verify()
        let noted = try #require(
            NotedDigest("\(head.revision):\(DigestText.text(head.digest))"))
        let third = try await folder.shell().read {
            try Data.fetchOne($0, sql: "SELECT digest FROM revision_log WHERE revision = 3")
                ?? Data()
        }
        #expect(try await verify(noted).isGood)
        let early = try #require(NotedDigest("3:\(DigestText.text(Array(third)).dropFirst(7))"))
        #expect(try await verify(early).isGood)

        try await tamper(
            "DELETE FROM change_log WHERE revision > 11",
            "DELETE FROM revision_log WHERE revision > 11",
            "DELETE FROM revision_facet WHERE revision > 11",
            "UPDATE domain SET revision = 3, changed_at = registered_at WHERE fqdn = 'c.example'",
            "UPDATE head SET revision = 11, digest = (SELECT digest FROM revision_log WHERE revision = 11)"
        )
        #expect(try await verify().isGood)
        #expect(try await verify(early).isGood)
        try await expect(12, "the log ends at revision 11, before the noted one, 13", noted)
    }

    /// Whoever computes the chain anew from some revision on leaves a log that fits: not the noted one.
    @Test func `sees a chain that was computed anew only by a digest noted elsewhere`() async throws
    {
        try await fill()
        let head = try await verify()
        let noted = try #require(
            NotedDigest("\(head.revision):\(DigestText.text(head.digest))"))
        try await tamper("UPDATE revision_log SET actor_name = 'somebody else' WHERE revision = 5")
        try await expect(5, "isn't what its digest was computed over")
        let digests = try await folder.shell().read { db -> [[UInt8]] in
            var digests = [RevisionDigest.genesis]
            for number in 1...13 {
                let rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT \(HistoryItem.columns) FROM change_log c JOIN revision_log r USING (revision)
                        WHERE c.revision = ? ORDER BY c.position
                        """.replacing("c.revision, c.position", with: "revision, c.position"),
                    arguments: [number])
                let items = try rows.map(HistoryItem.init(row:))
                digests.append(
                    RevisionDigest.digest(
                        of: items[0].header, changes: items.map(\.change),
                        after: digests[number - 1]))
            }
            return digests
        }
        for (number, digest) in digests.enumerated().dropFirst() {
            let hex = DigestText.text(digest).dropFirst(7)
            try await tamper(
                "UPDATE revision_log SET digest = x'\(hex)' WHERE revision = \(number)")
        }
        try await tamper(
            "UPDATE head SET digest = (SELECT digest FROM revision_log WHERE revision = 13)")
        #expect(try await verify().isGood)
        try await expect(13, "and another one was noted", noted)
    }

    // MARK: The current state

    @Test(
        arguments: [
            (
                "UPDATE domain SET location = 'japan' WHERE fqdn = 'a.example'", 5,
                "location is \"japan\", and by the log \"aws\""
            ),
            (
                "UPDATE domain SET mode = 'reject' WHERE fqdn = 'n3.example'", 6,
                "n3.example in the table domain: mode"
            ),
            ("UPDATE domain SET tenant = NULL WHERE fqdn = 'a.example'", 5, "tenant is NULL"),
            (
                "UPDATE domain SET revision = 9 WHERE fqdn = 'a.example'", 5,
                "revision is 9, and by the log 5"
            ),
            (
                "UPDATE domain SET changed_at = changed_at + 1 WHERE fqdn = 'a.example'", 5,
                "changed_at"
            ),
            ("UPDATE domain SET registered_at = 0 WHERE fqdn = 'c.example'", 13, "registered_at"),
            (
                "DELETE FROM domain WHERE fqdn = 'n2.example'", 6,
                "n2.example is in the log and in no table"
            ),
            (
                "INSERT INTO domain VALUES ('new.example', 'aws', 'serve', NULL, 1, 0, 0)", 0,
                "new.example is in the table domain"
            ),
            (
                "INSERT INTO domain SELECT fqdn, location, mode, tenant, revision, registered_at, released_at FROM released_domain",
                8, "b.example is in the table domain"
            ),
            (
                "UPDATE released_domain SET location = 'aws'", 8,
                "b.example in the table released_domain: location"
            ),
            ("UPDATE released_domain SET released_at = 0, available_at = 0", 8, "released_at is 0"),
            ("DELETE FROM released_domain", 8, "b.example is in the log and in no table"),
            (
                "INSERT INTO released_domain SELECT fqdn, location, mode, tenant, revision, registered_at, changed_at, changed_at FROM domain WHERE fqdn = 'a.example'",
                5, "a.example is in the table released_domain"
            ),
            ("UPDATE token SET role = 'reader' WHERE id = 'y'", 10, "y in the table token: role"),
            ("UPDATE token SET name = 'n' WHERE id = 'z'", 11, "z in the table token: name"),
            ("UPDATE token SET expires_at = 5 WHERE id = 'z'", 11, "expires_at"),
            ("UPDATE token SET revoked_at = NULL WHERE id = 'x'", 4, "revoked_at is NULL"),
            (
                "UPDATE token SET revoked_at = 9 WHERE id = 'z'", 11,
                "revoked_at is 9, and by the log NULL"
            ),
            (
                "INSERT INTO token SELECT 'spare', name, 'admin', secret_digest, created_at, NULL, NULL FROM token WHERE id = 'y'",
                0, "spare is in the table token"
            ),
            (
                "DELETE FROM token WHERE id = 'z'", 11,
                "the token z is in the log and not in its table"
            ),
            (
                "UPDATE location SET upstream = 'http://evil' WHERE name = 'aws'", 9,
                "the location aws isn't what the log says"
            ),
            (
                "UPDATE location SET upstream = 'http://evil' WHERE name = 'japan'", 0,
                "the location japan isn't what the log says"
            ),
            ("UPDATE location SET accepts_signups = 0 WHERE name = 'aws'", 9, "the location aws"),
            (
                "INSERT INTO location VALUES ('mars', 'http://mars', 1, 0, 0)", 0,
                "the location mars is in its table"
            ),
            ("DELETE FROM location WHERE name = 'japan'", 0, "the location japan is in the log"),
        ] as [(String, Int64, String)])
    func `names what is now and isn't so by the log`(
        sql: String, revision: Int64, what: String
    ) async throws {
        try await fill()
        try await tamper(sql)
        try await expect(revision, what)
    }

    @Test func `names the first revision where more than one thing is wrong`() async throws {
        try await fill()
        try await tamper("UPDATE domain SET mode = 'reject'")
        try await expect(5, "a.example in the table domain: mode")
        #expect(try await verify().what.contains("(and 6 more)"))
    }

    @Test(
        arguments: [
            (
                "DELETE FROM revision_facet WHERE revision = 5", 5,
                "revision_facet lacks revision 5 under"
            ),
            (
                "DELETE FROM revision_facet WHERE facet = 'action:released' AND revision = 12", 12,
                "lacks"
            ),
            (
                "INSERT INTO revision_facet VALUES ('action:moved', 8)", 8,
                "has revision 8 under action:moved"
            ),
            ("INSERT INTO revision_facet VALUES ('location:mars', 2)", 2, "under location:mars"),
            (
                "INSERT INTO revision_facet VALUES ('action:moved', 20)", 14,
                "goes on to revision 20"
            ),
            (
                "UPDATE revision_facet SET revision = 4 WHERE facet = 'action:moved'", 4,
                "revision 4 under action:moved"
            ),
        ] as [(String, Int64, String)])
    func `names a revision that filters would miss or make up`(
        sql: String, revision: Int64, what: String
    ) async throws {
        try await fill()
        try await tamper(sql)
        try await expect(revision, what)
    }

    // MARK: The rules in the schema

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
        ("CREATE TABLE notes (text)", "a table notes that isn't its own"),
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

    // MARK: Beside others

    @Test func `goes on over long revisions, and while others write`() async throws {
        let store = try folder.open()
        try await store.run(batch("many", count: 25_000))
        for number in 0..<200 { try await store.run(new("one\(number).example")) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<300 {
                    let name = fqdn("many\(number * 7).example")
                    try await store.run(.release(name, ifMatch: nil))
                    if number % 2 == 0 { try await store.run(.restore(name)) }
                    try await store.run(new("late\(number).example"))
                }
            }
            for _ in 0..<4 {
                group.addTask {
                    let seen = Shared<[VerificationProgress]>([])
                    let result = try await store.verify(nil) { step in
                        seen.change { $0.append(step) }
                    }
                    #expect(result.isGood, "\(result.what)")
                    #expect(result.revision >= Revision(201))
                    #expect(result.extent.changes >= 25_200)
                    // In steps: nobody waits for the whole of it.
                    #expect(seen.value.count > 10)
                    let counts = seen.value.map(\.extent.changes)
                    #expect(counts == counts.sorted())
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.verify(nil) { _ in }.isGood)
        await store.close()
        try await tamper(
            "UPDATE change_log SET after_tenant = 'evil' WHERE revision = 1 AND position = 19999")
        try await expect(1, "isn't what its digest was computed over")
    }

    @Test func `stops when its task is cancelled`() async throws {
        let store = try folder.open()
        try await store.run(batch("many", count: 30_000))
        let steps = Shared(0)
        let task = Task {
            try await store.verify(nil) { _ in
                steps.change { $0 += 1 }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: RegistryError.self) { try await task.value }
        #expect(steps.value < 3)
        await store.close()
    }

    @Test(
        arguments: [
            ("5:sha256:\(String(repeating: "0a", count: 32))", 5),
            ("0:\(String(repeating: "AB", count: 32))", 0), ("5", nil), ("", nil),
            ("x:sha256:00", nil),
            ("5:sha256:", nil), ("-1:\(String(repeating: "00", count: 32))", nil),
            ("5:sha256:\(String(repeating: "0", count: 63))", nil),
            ("5:\(String(repeating: "0g", count: 32))", nil),
        ] as [(String, Int64?)])
    func `reads a noted digest`(text: String, revision: Int64?) {
        #expect(NotedDigest(text)?.revision.number == revision)
    }
}
