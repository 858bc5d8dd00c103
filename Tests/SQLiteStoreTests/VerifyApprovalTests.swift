import Foundation
import GRDB
import RegistryLedger
import RegistryModel
import SchemaMigrations
import Testing

@testable import SQLiteStore

/// Who has approved a wave is in the log and in a table: one without the other is no approval.
extension VerifyTests {
    /// 1 is a batch, 2 plans two waves, 3 and 4 approve them.
    private func approve() async throws {
        let store = try folder.open()
        try await store.run(batch("n", count: 4))
        let names = (0..<4).map { fqdn("n\($0).example") }
        let plan = MigrationPlan(
            id: "m-1", name: "m", from: LocationName(canonical: "japan"),
            to: LocationName(canonical: "aws"), selection: .names(names),
            waves: [.count(2), .rest])
        guard case .migration(let migration) = try await store.run(.planMigration(plan)).outcome
        else { throw RegistryError.inconsistent }
        for number in [1, 2] {
            folder.clock.change { $0 = $0.adding(.seconds(1)) }
            _ = try await store.commit(
                CommitRequest(
                    .approveWave(
                        WaveName(migration: "m-1", number: number),
                        planDigest: migration.digestText),
                    by: Actor(token: "lead", name: "lead", role: .operator_), requestID: "r"))
        }
        #expect(try await store.verify(nil) { _ in }.isGood)
        await store.close()
    }

    @Test(
        arguments: [
            (
                "UPDATE wave_approval SET token = 't' WHERE wave = 1", 3,
                "the approval of wave 1 of the migration m-1 isn't what the log says"
            ),
            ("UPDATE wave_approval SET name = 'boss' WHERE wave = 2", 4, "approval of wave 2"),
            ("UPDATE wave_approval SET role = 'admin' WHERE wave = 2", 4, "approval of wave 2"),
            ("UPDATE wave_approval SET at = at + 1 WHERE wave = 2", 4, "approval of wave 2"),
            (
                "DELETE FROM wave_approval WHERE wave = 2", 4,
                "the approval of wave 2 of the migration m-1 is in the log and not in its table"
            ),
            (
                "UPDATE wave_approval SET wave = 3 WHERE wave = 2", 4,
                "wave 3 of the migration m-1 is approved in the table wave_approval, and by the log it shouldn't be (and 1 more)"
            ),
            ("UPDATE wave_approval SET revision = 3 WHERE wave = 2", 3, "wave 2 of the migration"),
            ("UPDATE wave_approval SET revision = 9 WHERE wave = 2", 4, "the approval of wave 2"),
            (
                "INSERT INTO wave_approval SELECT migration, 9, token, name, role, at, revision FROM wave_approval WHERE wave = 1",
                3, "wave 9 of the migration m-1 is approved in the table"
            ),
            ("DELETE FROM wave_approval", 3, "the approval of wave 1"),
        ] as [(String, Int64, String)])
    func `names an approval that nobody has given, or that is gone`(
        sql: String, revision: Int64, what: String
    ) async throws {
        try await approve()
        try await tamper(sql)
        try await expect(revision, what)
    }

    @Test func `refuses to change an approval, by the schema alone`() async throws {
        try await approve()
        let shell = try folder.shell()
        for sql in [
            "UPDATE wave_approval SET token = 'x'", "DELETE FROM wave_approval",
            "INSERT OR REPLACE INTO wave_approval SELECT * FROM wave_approval",
        ] {
            #expect(throws: (any Error).self) {
                try shell.writeWithoutTransaction { try $0.execute(sql: sql) }
            }
        }
        try shell.close()
        #expect(try await verify().isGood)
    }

    /// A backup of an older release, for example: what it doesn't have yet isn't asked for.
    @Test(arguments: 1..<14)
    func `finds nothing in a store of an older release`(version: Int) async throws {
        let older = SchemaFile.sqlite.filter { $0.version <= version }
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        let shell = try folder.shell()
        try await shell.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try SQLiteStore.bringSchema(db, older)
            try db.execute(sql: "INSERT INTO head VALUES (1, 'abcdefghijkm', 0, zeroblob(32), 5)")
        }
        try await shell.write { db in
            let epoch = try String.fetchOne(db, sql: "SELECT epoch FROM head") ?? ""
            let now = try Int64.fetchOne(db, sql: "SELECT at FROM head") ?? 0
            let at = Timestamp(milliseconds: now)
            let header = RevisionHeader(
                epoch: Epoch(epoch), revision: Revision(1), at: at,
                actor: Actor(token: "t", name: "t", role: .admin), note: Note(), requestID: "r")
            let placement = Placement(
                location: LocationName(canonical: "japan"), mode: .serve, tenant: nil, fence: nil)
            let change = Change(
                .registered,
                .domain(fqdn("a.example"), before: nil, after: placement, registeredAt: at))
            let digest = RevisionDigest.digest(
                of: header, changes: [change], after: RevisionDigest.genesis)
            try db.execute(
                sql: """
                    INSERT INTO change_log (revision, position, action, fqdn, after_location, after_mode,
                        registered_at) SELECT 1, 0, 'registered', 'a.example', 'japan', 'serve', at FROM head;
                    INSERT INTO domain (fqdn, location, mode, revision, registered_at, changed_at)
                        SELECT 'a.example', 'japan', 'serve', 1, at, at FROM head
                    """)
            try db.execute(
                sql: """
                    INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name, actor_role,
                        request_id, change_count, digest)
                    SELECT 1, epoch, at, 't', 't', 'admin', 'r', 1, ? FROM head
                    """, arguments: [Data(digest)])
            try db.execute(
                sql: "UPDATE head SET revision = 1, digest = ?", arguments: [Data(digest)])
        }
        try shell.close()
        let found = try await verify()
        #expect(found.isGood, "\(found.what)")
        #expect(found.extent.domains == 1)
    }
}
