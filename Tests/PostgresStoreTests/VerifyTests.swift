import PostgresServer
import RegistryModel
import Testing

@Suite("Verifying a database", .timeLimit(.minutes(15))) struct VerifyTests {
    private static let japan = LocationName(canonical: "japan")
    private static let aws = LocationName(canonical: "aws")

    private static func name(_ number: Int) -> FQDN { FQDN(canonical: "d\(number).example") }

    /// A log with each kind of row in it, and more rows than one read takes.
    private func filled() async throws -> (TestDatabase, Node) {
        let database = try await TestDatabase()
        let node = try await Node(database.url, follows: false)
        try await node.run(
            .registerBatch((0..<10_500).map { .wanted(NewDomain(fqdn: Self.name($0))) }))
        for number in 0..<20 {
            try await node.run(
                .change(Self.name(number), DomainPatch(location: Self.aws), ifMatch: nil))
        }
        try await node.run(.release(Self.name(20), ifMatch: nil))
        let upstream = UpstreamURL(canonical: "http://aws")
        try await node.run(
            .putLocation(
                Self.aws,
                LocationSettings(
                    upstream: upstream, acceptsSignups: true, isDefaultForSignups: true)))
        try await node.run(
            .createToken(
                TokenRecord(
                    id: "a", name: "a", role: .admin, secretDigest: Array(repeating: 7, count: 32),
                    createdAt: Timestamp(milliseconds: 0))))
        try await node.run(
            .hold(NewDomain(fqdn: FQDN(canonical: "h.example")), for: .seconds(3600)))
        let plan = MigrationPlan(
            id: "m-1", name: "m", from: Self.japan, to: Self.aws,
            selection: .names([Self.name(100), Self.name(101)]))
        guard case .migration(let migration) = try await node.run(.planMigration(plan)).outcome
        else { throw RegistryError.inconsistent }
        _ = try await node.store.commit(
            CommitRequest(
                .approveWave(
                    WaveName(migration: "m-1", number: 1), planDigest: migration.digestText),
                by: Actor(token: "t-2", name: "tester", role: .operator_), requestID: "r"))
        return (database, node)
    }

    @Test func `finds nothing in a whole one`() async throws {
        let (database, node) = try await filled()
        let result = try await node.store.verify(nil) { _ in }
        #expect(result.flaws == [])
        #expect(result.digest == (try await node.store.head().digest))
        #expect(result.extent.revisions == 27 && result.extent.changes == 10_527)
        #expect(result.extent.domains == 10_500)
        await node.store.close()
        try await database.drop()
    }

    /// What is done as somebody who may switch triggers off, and the revision and the words that name it.
    private static let tampering: [(sql: String, revision: Int64?, word: String)] = [
        (
            "UPDATE change_log SET after_tenant = 'x' WHERE revision = 1 AND position = 10200", 1,
            "digest"
        ),
        ("UPDATE revision_log SET reason = 'x' WHERE revision = 7", 7, "digest"),
        ("DELETE FROM change_log WHERE revision = 1 AND position = 10400", 1, "position 10400"),
        ("DELETE FROM revision_log WHERE revision = 9", 9, "missing"),
        ("UPDATE domain SET location = 'japan' WHERE fqdn = 'd3.example'", 5, "d3.example"),
        ("UPDATE domain SET tenant = 'x' WHERE fqdn = 'd9000.example'", 1, "tenant"),
        ("DELETE FROM domain WHERE fqdn = 'd4.example'", 6, "in no table"),
        ("DELETE FROM released_domain", 22, "in no table"),
        ("UPDATE token SET role = 'reader'", 24, "role"),
        ("DELETE FROM token", 24, "token a"),
        ("UPDATE wave_approval SET token = 'x'", 27, "wave 1 of the migration m-1 isn't what"),
        ("DELETE FROM wave_approval", 27, "wave 1 of the migration m-1 is in the log and not"),
        (
            "UPDATE wave_approval SET revision = 25", 25,
            "wave 1 of the migration m-1 is approved in the table wave_approval"
        ),
        ("UPDATE location SET upstream = 'http://other' WHERE name = 'aws'", 23, "location aws"),
        (
            "UPDATE location SET upstream = 'http://other' WHERE name = 'japan'", 23,
            "location japan"
        ),
        ("DELETE FROM revision_facet WHERE facet = 'action:moved' AND revision = 8", 8, "lacks"),
        ("INSERT INTO revision_facet VALUES ('action:moved', 1)", 1, "isn't"),
        (
            """
            INSERT INTO change_log (revision, position, action, fqdn, after_location, after_mode,
                registered_at) VALUES (28, 0, 'registered', 'x.example', 'aws', 'serve', 0)
            """, 28, "beyond its head"
        ),
        ("INSERT INTO split_tenant VALUES ('nobody')", nil, "the tenant nobody isn't rightly told"),
        (
            "INSERT INTO tenant_place VALUES ('nobody', 'aws', 3)", nil,
            "the tenant nobody has 0 domains at aws, and 3"
        ),
        ("DELETE FROM held_domain", 25, "h.example is in the log and in no table"),
        ("UPDATE held_domain SET held_until = 5", 25, "held_until is 5"),
        ("UPDATE held_domain SET allow_nested = true", 25, "allow_nested"),
        ("DROP TRIGGER change_log_is_kept ON change_log", nil, "change_log_is_kept is missing"),
        ("ALTER TABLE token DISABLE TRIGGER token_is_kept", nil, "token_is_kept isn't"),
        (
            "ALTER TABLE domain DROP CONSTRAINT domain_mode_check", nil,
            "domain_mode_check is missing"
        ),
        ("DROP INDEX wave_by_deadline", nil, "wave_by_deadline is missing"),
        ("CREATE TABLE extra () INHERITS (domain)", nil, "extra of domain that isn't its own"),
        ("CREATE INDEX extra ON domain (mode)", nil, "extra that isn't its own"),
        ("ALTER TABLE domain ADD COLUMN extra int", nil, "extra that isn't its own"),
        (
            """
            CREATE OR REPLACE FUNCTION head_moves() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RETURN NEW; END $$
            """, nil, "head_moves() isn't"
        ),
    ]

    @Test func `names tables that aren't the store's own, and leaves them alone`() async throws {
        let (database, node) = try await filled()
        try await database.server.run(
            """
            CREATE TABLE notes (id serial PRIMARY KEY, text text);
            CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER notes_are_kept BEFORE DELETE ON notes EXECUTE FUNCTION keep();
            CREATE VIEW names AS SELECT fqdn FROM domain;
            """, in: database.name)
        let result = try await node.store.verify(nil) { _ in }
        #expect(result.isGood, "\(result.what)")
        #expect(
            result.foreign == [
                "function keep()", "relation names", "relation notes", "relation notes_id_seq",
            ])
        await node.store.close()
    }

    @Test func `names what was tampered with, and where`() async throws {
        let (database, node) = try await filled()
        await node.store.close()
        for (sql, revision, word) in Self.tampering {
            let copy = "\(database.name)_t"
            try await database.server.run(
                "CREATE DATABASE \"\(copy)\" TEMPLATE \"\(database.name)\"")
            try await database.server.run(
                "SET session_replication_role = replica; \(sql)", in: copy)
            let tampered = try await Node(database.server.url(copy), follows: false)
            let result = try await tampered.store.verify(nil) { _ in }
            #expect(!result.isGood, "\(sql)")
            #expect(result.what.contains(word), "\(sql): \(result.what)")
            #expect(result.firstBadRevision?.number == revision, "\(sql): \(result.flaws)")
            await tampered.store.close()
            try await database.server.dropDatabase(copy)
        }
        try await database.drop()
    }
}
