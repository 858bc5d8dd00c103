import GRDB
import RegistryModel
import StoreSamples
import Testing

@testable import SQLiteStore

/// Each of the schema's triggers by itself: what it's there for is refused with it, and not so without it.
@Suite("A trigger") struct TriggerTests {
    /// A store with something in each table that a trigger guards.
    private static func filled() async throws -> StoreFolder {
        let folder = StoreFolder()
        let store = try folder.open()
        try await store.fillGuardedTables()
        await store.close()
        let shell = try folder.shell()
        try await shell.write {
            try $0.execute(
                sql: "INSERT INTO agent (name, first_seen, last_seen) VALUES ('edge', 0, 0)")
        }
        try shell.close()
        return folder
    }

    private static let heldColumns = """
        location, mode, tenant, revision, registered_at, held_until, holder, wants_location,
        allow_nested, allow_split
        """

    private static let guarded: [(trigger: String, sql: [String])] = [
        ("head_is_one_row", ["DELETE FROM head"]),
        ("head_is_not_replaced", ["INSERT OR REPLACE INTO head SELECT * FROM head"]),
        ("head_moves_by_one", ["UPDATE head SET revision = revision + 2"]),
        (
            "domain_is_not_released",
            ["INSERT INTO domain VALUES ('b.example', 'japan', 'serve', NULL, 1, 0, 0, NULL)"]
        ),
        (
            "domain_is_not_held",
            ["INSERT INTO domain VALUES ('h.example', 'japan', 'serve', NULL, 1, 0, 0, NULL)"]
        ),
        ("domain_keeps_its_name", ["UPDATE domain SET fqdn = 'c.example'"]),
        (
            "released_domain_is_not_live",
            [
                "INSERT INTO released_domain VALUES ('n0.example', 'japan', 'serve', NULL, 1, 0, 0, 0, NULL)"
            ]
        ),
        ("revision_log_is_not_updated", ["UPDATE revision_log SET reason = 'other'"]),
        ("revision_log_is_not_deleted", ["DELETE FROM revision_log WHERE revision = 1"]),
        (
            "revision_log_is_appended",
            [
                """
                INSERT INTO revision_log (revision, epoch, at, actor_token, actor_name, actor_role,
                    request_id, allow_split, change_count, digest)
                SELECT revision + 5, epoch, at, 't', 't', 'admin', 'r', 0, 1, digest FROM head
                """
            ]
        ),
        ("change_log_is_not_updated", ["UPDATE change_log SET after_location = 'aws'"]),
        ("change_log_is_not_deleted", ["DELETE FROM change_log"]),
        (
            "change_log_is_appended",
            [
                """
                INSERT INTO change_log (revision, position, action, fqdn, after_location, after_mode,
                    registered_at) VALUES (1, 9, 'registered', 'x.example', 'aws', 'serve', 0)
                """
            ]
        ),
        ("revision_facet_is_not_updated", ["UPDATE revision_facet SET revision = 1"]),
        ("revision_facet_is_not_deleted", ["DELETE FROM revision_facet"]),
        (
            "revision_facet_is_appended", ["INSERT INTO revision_facet VALUES ('action:moved', 1)"]
        ),
        ("token_is_not_deleted", ["DELETE FROM token"]),
        ("token_is_not_replaced", ["INSERT OR REPLACE INTO token SELECT * FROM token"]),
        ("token_is_only_revoked", ["UPDATE token SET role = 'reader'"]),
        (
            "migration_keeps_its_plan",
            [
                "UPDATE migration SET name = 'other'", "UPDATE migration SET to_location = 'japan'",
                "UPDATE migration SET digest = zeroblob(32)",
                "UPDATE migration SET whole_tenants = 1 - whole_tenants",
            ]
        ),
        ("migration_is_not_deleted", ["DELETE FROM migration"]),
        (
            "wave_takes_its_steps",
            [
                "UPDATE wave SET size = size + 1",
                "UPDATE wave SET state = 'rolled_back' WHERE number = 2",
            ]
        ),
        ("wave_is_not_deleted", ["DELETE FROM wave WHERE number = 2"]),
        (
            "migration_domain_keeps_its_plan",
            ["UPDATE migration_domain SET wave = 2", "UPDATE migration_domain SET mode = 'reject'"]
        ),
        ("migration_domain_is_not_deleted", ["DELETE FROM migration_domain"]),
        ("agent_is_evicted_first", ["DELETE FROM agent"]),
        ("agent_is_not_replaced", ["INSERT OR REPLACE INTO agent SELECT * FROM agent"]),
        (
            "held_domain_is_not_live",
            [
                """
                INSERT INTO held_domain (fqdn, \(heldColumns))
                SELECT 'n0.example', \(heldColumns) FROM held_domain
                """
            ]
        ),
        (
            "held_domain_is_not_updated",
            [
                "UPDATE held_domain SET held_until = 5",
                "UPDATE held_domain SET fqdn = 'c.example'",
            ]
        ),
        ("wave_approval_is_not_updated", ["UPDATE wave_approval SET name = 'boss'"]),
        ("wave_approval_is_not_deleted", ["DELETE FROM wave_approval"]),
        (
            "wave_approval_is_not_replaced",
            ["INSERT OR REPLACE INTO wave_approval SELECT * FROM wave_approval"]
        ),
        (
            "zone_serial_goes_up",
            ["UPDATE zone_serial SET digest = zeroblob(31)", "UPDATE zone_serial SET serial = 6"]
        ),
        ("zone_serial_is_not_deleted", ["DELETE FROM zone_serial"]),
        (
            "zone_serial_is_not_replaced",
            ["INSERT OR REPLACE INTO zone_serial SELECT * FROM zone_serial"]
        ),
        (
            "webhook_goes_on",
            [
                "UPDATE webhook_progress SET through = through - 1",
                "UPDATE webhook_progress SET given_up = given_up - 1",
                "UPDATE webhook_progress SET webhook = 'other'",
            ]
        ),
    ]

    /// What follows of a row is written by these, and nothing is refused.
    private static let writing: Set<String> = [
        "head_notes_facets", "tenant_place_splits", "tenant_place_joins",
    ]

    /// - Returns: why it's refused; nil: it isn't. Nothing stays of it.
    private static func refusal(
        _ sql: String, without trigger: String? = nil, _ shell: DatabaseQueue
    ) throws -> String? {
        do {
            try shell.inDatabase { db in
                try db.inTransaction {
                    if let trigger { try db.execute(sql: "DROP TRIGGER \(trigger)") }
                    try db.execute(sql: sql)
                    return .rollback
                }
            }
            return nil
        } catch let error as DatabaseError {
            return error.message ?? "\(error)"
        }
    }

    @Test func `refuses what nothing else refuses with its words, whichever it is`() async throws {
        let folder = try await Self.filled()
        let shell = try folder.shell()
        for (trigger, statements) in Self.guarded {
            for sql in statements {
                let words = try Self.refusal(sql, shell)
                #expect(words != nil, "\(trigger): \(sql)")
                let others = try Self.refusal(sql, without: trigger, shell)
                #expect(words != others, "\(trigger) doesn't refuse it: \(sql): \(others ?? "")")
            }
        }
        let all = try await shell.read {
            try String.fetchSet($0, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        }
        #expect(all == Set(Self.guarded.map(\.trigger)).union(Self.writing))
        try shell.close()
    }
}
