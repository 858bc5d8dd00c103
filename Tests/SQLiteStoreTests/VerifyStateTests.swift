import RegistryModel
import Testing

@testable import SQLiteStore

/// What the log says is there now.
extension VerifyTests {
    @Test(
        arguments: [
            (
                "UPDATE domain SET location = 'japan' WHERE fqdn = 'a.example'", 5,
                "location is japan, and by the log aws"
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
                "INSERT INTO domain VALUES ('new.example', 'aws', 'serve', NULL, 1, 0, 0, NULL)", 0,
                "new.example is in the table domain"
            ),
            (
                "INSERT INTO domain SELECT fqdn, location, mode, tenant, revision, registered_at, released_at, fence FROM released_domain",
                8, "b.example is in the table domain"
            ),
            (
                "UPDATE released_domain SET location = 'aws'", 8,
                "b.example in the table released_domain: location"
            ),
            ("UPDATE released_domain SET released_at = 0, available_at = 0", 8, "released_at is 0"),
            ("DELETE FROM released_domain", 8, "b.example is in the log and in no table"),
            (
                "INSERT INTO released_domain SELECT fqdn, location, mode, tenant, revision, registered_at, changed_at, changed_at, fence FROM domain WHERE fqdn = 'a.example'",
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
                #"UPDATE location SET dns = '{"a":["192.0.2.66"]}' WHERE name = 'aws'"#, 9,
                "the location aws isn't what the log says"
            ),
            (
                "INSERT INTO location VALUES ('mars', 'http://mars', 1, 0, 0, NULL)", 0,
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

    @Test(
        arguments: [
            ("DELETE FROM tenant_place", "a.example isn't counted in the table tenant_place"),
            (
                "UPDATE tenant_place SET domains = 2",
                "the tenant acme has 1 domains at aws, and 2 in the table tenant_place"
            ),
            (
                "INSERT INTO tenant_place VALUES ('acme', 'japan', 1)",
                "the tenant acme has 0 domains at japan, and 1 in the table tenant_place (and 1 more)"
            ),
            ("INSERT INTO split_tenant VALUES ('acme')", "the tenant acme isn't rightly told"),
            ("INSERT INTO split_tenant VALUES ('zoe')", "the tenant zoe isn't rightly told"),
        ])
    func `names a count of a tenant's domains that isn't right`(
        sql: String, what: String
    ) async throws {
        try await fill()
        try await tamper(sql)
        try await expect(nil, what)
    }

    @Test(
        arguments: [
            ("DELETE FROM held_domain WHERE fqdn = 'h.example'", 14, "h.example is in the log and"),
            ("DELETE FROM held_domain WHERE fqdn = 'b.example'", 15, "b.example is in the log and"),
            ("UPDATE held_domain SET location = 'japan'", 14, "h.example in the table held_domain"),
            ("UPDATE held_domain SET tenant = NULL", 14, "tenant is NULL, and by the log acme"),
            ("UPDATE held_domain SET held_until = 5", 14, "held_until is 5"),
            ("UPDATE held_domain SET holder = 'me'", 14, "holder is me, and by the log t"),
            ("UPDATE held_domain SET registered_at = 5", 14, "registered_at is 5"),
            ("UPDATE held_domain SET allow_split = 1", 14, "allow_split is 1, and by the log 0"),
            ("UPDATE held_domain SET wants_location = 1", 14, "wants_location is 1"),
            (
                """
                INSERT INTO held_domain
                SELECT 'x.example', location, mode, tenant, revision, registered_at, held_until, holder, 0, 0, 0, NULL
                FROM held_domain WHERE fqdn = 'h.example'
                """, 0, "x.example is in the table held_domain"
            ),
            (
                """
                INSERT INTO held_domain
                SELECT 'e.example', location, mode, tenant, revision, registered_at, held_until, holder, 0, 0, 0, NULL
                FROM held_domain WHERE fqdn = 'h.example'
                """, 17, "e.example is in the table held_domain"
            ),
            ("DELETE FROM released_domain", 15, "b.example is in the log and in no table"),
        ] as [(String, Int64, String)])
    func `names a hold that isn't so by the log`(
        sql: String, revision: Int64, what: String
    ) async throws {
        try await fill()
        let store = try folder.open()
        folder.clock.change { $0 = $0.adding(.seconds(91 * 86_400)) }
        for name in ["h.example", "b.example", "e.example"] {
            let wanted = NewDomain(fqdn: fqdn(name), tenant: "acme")
            try await store.run(.hold(wanted, for: .seconds(60)))
        }
        try await store.run(.release(fqdn("e.example"), ifMatch: nil))
        await store.close()
        #expect(try await verify().isGood)
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
}
