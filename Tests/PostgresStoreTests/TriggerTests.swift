import PostgresServer
import RegistryModel
import StoreSamples
import Testing

/// Each of the schema's triggers by itself: what it's there for is refused with it, and not so without it.
@Suite("A trigger of the database", .timeLimit(.minutes(15))) struct TriggerTests {
    /// A store with something in each table that a trigger guards.
    private static func filled() async throws -> TestDatabase {
        let database = try await TestDatabase()
        let node = try await Node(database.url, follows: false)
        try await node.store.fillGuardedTables()
        await node.store.close()
        try await database.run(
            "INSERT INTO agent (name, first_seen, last_seen, fences) VALUES ('edge', 0, 0, false)")
        return database
    }

    private static let domainColumns =
        "(fqdn, location, mode, revision, registered_at, changed_at)"
    private static let heldColumns = """
        location, mode, tenant, revision, registered_at, held_until, holder, wants_location,
        allow_nested, allow_split
        """

    private static let guarded: [(table: String, trigger: String, sql: [String])] = [
        ("head", "head_is_one_row", ["DELETE FROM head", "TRUNCATE head"]),
        ("head", "head_moves", ["UPDATE head SET revision = revision + 2"]),
        (
            "location", "location_is_free",
            ["DELETE FROM location WHERE name IN (SELECT location FROM domain)"]
        ),
        (
            "location", "location_keeps_its_name",
            ["UPDATE location SET name = 'osaka' WHERE name = 'aws'"]
        ),
        (
            "domain", "domain_fits_when_added",
            [
                "INSERT INTO domain \(domainColumns) VALUES ('b.example', 'aws', 'serve', 1, 1, 1)",
                "INSERT INTO domain \(domainColumns) VALUES ('c.example', 'mars', 'serve', 1, 1, 1)",
            ]
        ),
        ("domain", "domain_fits_when_changed", ["UPDATE domain SET location = 'mars'"]),
        (
            "domain", "domain_is_not_held",
            ["INSERT INTO domain \(domainColumns) VALUES ('h.example', 'aws', 'serve', 1, 1, 1)"]
        ),
        (
            "domain", "domain_keeps_its_name",
            ["UPDATE domain SET fqdn = 'c.example' WHERE fqdn = 'n0.example'"]
        ),
        (
            "released_domain", "released_domain_is_not_live",
            [
                """
                INSERT INTO released_domain (fqdn, location, mode, revision, registered_at,
                    released_at, available_at) VALUES ('n0.example', 'aws', 'serve', 1, 1, 1, 1)
                """
            ]
        ),
        (
            "revision_log", "revision_log_is_kept",
            [
                "UPDATE revision_log SET reason = 'other'",
                "DELETE FROM revision_log WHERE revision = 1", "TRUNCATE revision_log CASCADE",
            ]
        ),
        (
            "revision_log", "revision_log_is_appended",
            [
                // The key refuses one that is there: this is about one that somebody took out.
                """
                SET LOCAL session_replication_role = replica;
                DELETE FROM revision_log WHERE revision = 1;
                SET LOCAL session_replication_role = origin;
                INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name, actor_role,
                    request_id, allow_split, change_count, digest)
                SELECT 1, epoch, at, 't', 't', 'admin', 'r', 0, 1, digest FROM head
                """
            ]
        ),
        (
            "change_log", "change_log_is_kept",
            [
                "UPDATE change_log SET after_location = 'aws'", "DELETE FROM change_log",
                "TRUNCATE change_log",
            ]
        ),
        (
            "change_log", "change_log_is_appended",
            [
                """
                INSERT INTO change_log (revision, position, action, fqdn, after_location, after_mode,
                    registered_at) VALUES (1, 9, 'registered', 'x.example', 'aws', 'serve', 0)
                """
            ]
        ),
        (
            "revision_facet", "revision_facet_is_kept",
            [
                "UPDATE revision_facet SET revision = 1", "DELETE FROM revision_facet",
                "TRUNCATE revision_facet",
            ]
        ),
        (
            "revision_facet", "revision_facet_is_appended",
            ["INSERT INTO revision_facet VALUES ('action:moved', 1)"]
        ),
        ("token", "token_is_kept", ["DELETE FROM token", "TRUNCATE token CASCADE"]),
        ("token", "token_is_only_revoked", ["UPDATE token SET role = 'reader'"]),
        (
            "migration", "migration_keeps_its_plan",
            [
                "UPDATE migration SET name = 'other'", "UPDATE migration SET to_location = 'japan'",
                "UPDATE migration SET digest = decode(repeat('00', 32), 'hex')",
                "UPDATE migration SET whole_tenants = NOT whole_tenants",
            ]
        ),
        (
            "migration", "migration_is_kept",
            ["DELETE FROM migration", "TRUNCATE migration CASCADE"]
        ),
        (
            "wave", "wave_takes_its_steps",
            [
                "UPDATE wave SET size = size + 1",
                "UPDATE wave SET state = 'rolled_back' WHERE number = 2",
            ]
        ),
        (
            "wave", "wave_is_kept",
            ["DELETE FROM wave WHERE number = 2", "TRUNCATE wave CASCADE"]
        ),
        (
            "migration_domain", "migration_domain_fits",
            [
                """
                INSERT INTO migration_domain (migration, position, fqdn, code)
                VALUES (99, 1, 'x.example', 'unknown-domain')
                """
            ]
        ),
        (
            "migration_domain", "migration_domain_keeps_its_plan",
            ["UPDATE migration_domain SET wave = 2", "UPDATE migration_domain SET mode = 'reject'"]
        ),
        (
            "migration_domain", "migration_domain_is_kept",
            ["DELETE FROM migration_domain", "TRUNCATE migration_domain"]
        ),
        ("agent", "agent_is_evicted_first", ["DELETE FROM agent"]),
        ("agent", "agent_is_kept", ["TRUNCATE agent"]),
        (
            "held_domain", "held_domain_is_not_live",
            [
                """
                INSERT INTO held_domain (fqdn, \(heldColumns))
                SELECT 'n0.example', \(heldColumns) FROM held_domain
                """
            ]
        ),
        (
            "held_domain", "held_domain_is_not_updated",
            [
                "UPDATE held_domain SET held_until = 5",
                "UPDATE held_domain SET fqdn = 'c.example'",
            ]
        ),
        (
            "wave_approval", "wave_approval_is_kept",
            [
                "UPDATE wave_approval SET name = 'boss'", "DELETE FROM wave_approval",
                "TRUNCATE wave_approval",
            ]
        ),
        (
            "zone_serial", "zone_serial_goes_up",
            ["UPDATE zone_serial SET digest = 'x'", "UPDATE zone_serial SET serial = 6"]
        ),
        (
            "zone_serial", "zone_serial_is_kept",
            ["DELETE FROM zone_serial", "TRUNCATE zone_serial"]
        ),
        (
            "webhook_progress", "webhook_goes_on",
            [
                "UPDATE webhook_progress SET through = through - 1",
                "UPDATE webhook_progress SET given_up = given_up - 1",
                "UPDATE webhook_progress SET webhook = 'other'",
            ]
        ),
    ]

    /// What follows of a row is written, or told, by these, and nothing is refused.
    private static let writing: Set<String> = [
        "head_tells", "head_notes_facets", "tenant_place_splits", "tenant_place_joins",
    ]

    /// - Returns: why it's refused; nil: it isn't. Nothing stays of it.
    private static func refusal(
        _ sql: String, after first: String = "", _ database: TestDatabase
    ) async throws -> String? {
        do {
            try await database.run("BEGIN; \(first) \(sql); ROLLBACK")
            return nil
        } catch let failed as PostgresServer.Failed {
            return failed.description.split(separator: "\n").first.map(String.init)
        }
    }

    @Test func `refuses what nothing else refuses with its words, whichever it is`() async throws {
        let database = try await Self.filled()
        for (table, trigger, statements) in Self.guarded {
            let disabled = "ALTER TABLE \(table) DISABLE TRIGGER \(trigger);"
            for sql in statements {
                let words = try await Self.refusal(sql, database)
                #expect(words != nil, "\(trigger): \(sql)")
                let others = try await Self.refusal(sql, after: disabled, database)
                #expect(words != others, "\(trigger) doesn't refuse it: \(sql): \(others ?? "")")
            }
        }
        let all = try await database.run("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        #expect(
            Set(all.compactMap { $0.first ?? nil })
                == Set(Self.guarded.map(\.trigger)).union(Self.writing))
        try await database.drop()
    }
}
