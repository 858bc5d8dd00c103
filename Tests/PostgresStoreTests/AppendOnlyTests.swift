import PostgresServer
import RegistryModel
import Testing

/// What the schema refuses to a person with a shell, whatever the service does.
@Suite("The database itself", .timeLimit(.minutes(15))) struct AppendOnlyTests {
    /// A store with five revisions: two domains, one of them released, and two tokens, one revoked.
    private func filled() async throws -> TestDatabase {
        let database = try await TestDatabase()
        let node = try await Node(database.url, follows: false)
        try await node.run(new("a.example"))
        try await node.run(new("b.example"))
        try await node.run(.release(FQDN(canonical: "b.example"), ifMatch: nil))
        for id in ["a", "b"] {
            try await node.run(
                .createToken(
                    TokenRecord(
                        id: id, name: id, role: .admin,
                        secretDigest: Array(repeating: 7, count: 32),
                        createdAt: Timestamp(milliseconds: 0))))
        }
        try await node.run(.revokeToken(id: "a"))
        _ = try await node.store.zoneSerial(
            of: FQDN(canonical: "z.example"), digest: Array(repeating: 7, count: 32),
            at: Revision(1), above: 0)
        await node.store.close()
        return database
    }

    private static let changeColumns =
        "(revision, position, action, fqdn, after_location, after_mode, registered_at)"
    private static let domainColumns =
        "(fqdn, location, mode, revision, registered_at, changed_at)"

    private static let refused = [
        "UPDATE revision_log SET reason = 'other' WHERE revision = 1",
        "DELETE FROM revision_log WHERE revision = 6",
        "TRUNCATE revision_log",
        "INSERT INTO revision_log SELECT * FROM revision_log WHERE revision = 1",
        """
        INSERT INTO revision_log SELECT * FROM revision_log WHERE revision = 1
        ON CONFLICT (revision) DO UPDATE SET reason = 'other'
        """,
        "UPDATE change_log SET after_location = 'aws'",
        "DELETE FROM change_log",
        "TRUNCATE change_log",
        "INSERT INTO change_log \(changeColumns) VALUES (1, 9, 'registered', 'x.y', 'aws', 'serve', 0)",
        "INSERT INTO change_log \(changeColumns) VALUES (6, 9, 'registered', 'x.y', 'aws', 'serve', 0)",
        "DELETE FROM revision_facet",
        "UPDATE revision_facet SET revision = 1",
        "INSERT INTO revision_facet VALUES ('action:moved', 1)",
        "DELETE FROM head",
        "TRUNCATE head",
        "INSERT INTO head SELECT * FROM head",
        "UPDATE head SET revision = revision + 1",
        "UPDATE head SET revision = revision - 1",
        "UPDATE head SET digest = decode(repeat('00', 32), 'hex')",
        "UPDATE head SET at = at + 1",
        "UPDATE head SET epoch = 'new', revision = 0",
        "UPDATE head SET epoch = 'new', at = at - 1",
        // A revision without its lines.
        """
        WITH next AS (INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name,
                actor_role, request_id, allow_split, change_count, digest)
            SELECT revision + 1, epoch, at, 't', 't', 'admin', 'r', 0, 1, digest FROM head RETURNING 1)
        SELECT * FROM next; UPDATE head SET revision = revision + 1
        """,
        "DELETE FROM token",
        "TRUNCATE token CASCADE",
        "INSERT INTO token SELECT * FROM token WHERE id = 'b'",
        "UPDATE token SET role = 'reader' WHERE id = 'b'",
        "UPDATE token SET secret_digest = decode(repeat('00', 32), 'hex') WHERE id = 'b'",
        "UPDATE token SET expires_at = 9 WHERE id = 'b'",
        "UPDATE token SET revoked_at = NULL WHERE id = 'a'",
        "UPDATE token SET revoked_at = 1 WHERE id = 'a'",
        "UPDATE domain SET fqdn = 'c.example'",
        "UPDATE domain SET registered_at = registered_at - 1",
        "UPDATE domain SET location = 'nowhere'",
        "UPDATE domain SET mode = 'off'",
        "INSERT INTO domain \(domainColumns) VALUES ('b.example', 'aws', 'serve', 1, 1, 1)",
        "INSERT INTO domain \(domainColumns) VALUES ('c.example', 'nowhere', 'serve', 1, 1, 1)",
        "INSERT INTO domain \(domainColumns) VALUES ('C.example', 'aws', 'serve', 1, 1, 1)",
        """
        INSERT INTO released_domain (fqdn, location, mode, revision, registered_at, released_at,
            available_at) VALUES ('a.example', 'aws', 'serve', 1, 1, 1, 1)
        """,
        "DELETE FROM location WHERE name = 'japan'",
        "UPDATE location SET name = 'japan2' WHERE name = 'japan'",
        "UPDATE location SET default_for_signups = true",
        "UPDATE location SET dns = '{}'",
        #"UPDATE location SET dns = '{"b":["192.0.2.1"]}'"#,
        "INSERT INTO zone_serial VALUES ('a.example', 0, 'x', 0, 'e')",
        "INSERT INTO zone_serial VALUES ('a.example', 4294967296, 'x', 0, 'e')",
        "INSERT INTO zone_serial VALUES ('A.example', 1, 'x', 0, 'e')",
        "INSERT INTO zone_serial VALUES ('a.example', 1, '', 0, 'e')",
        "UPDATE zone_serial SET serial = 6",
        "UPDATE zone_serial SET digest = 'x'",
        "UPDATE zone_serial SET epoch = 'f'",
        "UPDATE zone_serial SET revision = 0",
        "UPDATE zone_serial SET zone = 'y.example'",
        "DELETE FROM zone_serial",
        "TRUNCATE zone_serial",
    ]

    private static let dump = """
        SELECT md5(string_agg(t, '|' ORDER BY t)) FROM (
            SELECT h::text AS t FROM head h UNION ALL SELECT r::text FROM revision_log r
            UNION ALL SELECT c::text FROM change_log c UNION ALL SELECT k::text FROM token k
            UNION ALL SELECT f::text FROM revision_facet f UNION ALL SELECT d::text FROM domain d
            UNION ALL SELECT l::text FROM location l UNION ALL SELECT d::text FROM released_domain d
            UNION ALL SELECT z::text FROM zone_serial z) x
        """

    @Test func `refuses to rewrite what happened`() async throws {
        let database = try await filled()
        let before = try await database.run(Self.dump)
        for sql in Self.refused {
            await #expect(throws: PostgresServer.Failed.self, "\(sql)") {
                try await database.run(sql)
            }
        }
        #expect(try await database.run(Self.dump) == before)
        try await database.drop()
    }

    /// As a release writes that counts no tenants' places.
    @Test func `refuses a revision of an older release`() async throws {
        let database = try await filled()
        let error = await #expect(throws: PostgresServer.Failed.self) {
            try await database.run(
                """
                INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name, actor_role,
                    request_id, change_count, digest)
                SELECT revision + 1, epoch, at, 't', 't', 'admin', 'r', 1, digest FROM head
                """)
        }
        #expect(error?.description.contains("allow_split") == true)
        try await database.drop()
    }

    /// As a release writes that knows nothing of the DNS: its line of the log would lack what stays in the column.
    @Test func `refuses a location of an older release, new or changed`() async throws {
        let database = try await filled()
        for name in ["japan", "osaka"] {
            let error = await #expect(throws: PostgresServer.Failed.self) {
                try await database.run(
                    """
                    INSERT INTO location (name, upstream, accepts_signups, default_for_signups, revision)
                    VALUES ('\(name)', 'http://a', false, false, 1)
                    ON CONFLICT (name) DO UPDATE SET upstream = excluded.upstream,
                        accepts_signups = excluded.accepts_signups,
                        default_for_signups = excluded.default_for_signups,
                        revision = excluded.revision
                    """)
            }
            #expect(error?.description.contains("location_dns_check") == true, "\(error as Any)")
        }
        try await database.drop()
    }

    @Test func `takes a new epoch at the same revision, as a restored backup has it`() async throws
    {
        let database = try await filled()
        try await database.run("UPDATE head SET epoch = 'new'")
        let node = try await Node(database.url, follows: false)
        #expect(try await node.store.head().epoch == Epoch("new"))
        let committed = try await node.run(new("c.example"))
        #expect(committed.revision == Revision(7))
        #expect(try await node.store.verify(nil) { _ in }.isGood)
        await node.store.close()
        try await database.drop()
    }
}
