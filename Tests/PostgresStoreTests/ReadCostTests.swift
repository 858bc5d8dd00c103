import PostgresStore
import RegistryModel
import Testing

/// How many rows and index entries a read looks at, as the server counts them: what it takes must not grow
/// with the tables, unless it's a walk, and that looks at each row no more than twice.
@Suite("What a read costs", .timeLimit(.minutes(10))) struct ReadCostTests {
    private static let count = 20_000
    /// A page, what its first look may pass over, and the few rows of a start.
    private static let page = 5_000

    private static func name(_ number: Int) -> FQDN {
        FQDN(canonical: "n\(100_000 + number).example")
    }

    private static func fill(_ database: TestDatabase) async throws -> Revision {
        let node = try await Node(database.url, follows: false)
        for first in stride(from: 0, to: count, by: 10_000) {
            try await node.run(
                .registerBatch(
                    (first..<first + 10_000).map {
                        .wanted(NewDomain(fqdn: name($0), tenant: "tenant-\($0 / 4)"))
                    }))
        }
        let plan = MigrationPlan(
            id: "m-1", name: "m", from: LocationName(canonical: "japan"),
            to: LocationName(canonical: "aws"), selection: .names((0..<count).map(name)))
        try await node.run(.planMigration(plan))
        try await node.run(.release(name(7), ifMatch: nil))
        let head = try await node.store.head().revision
        await node.store.close()
        try await database.run("ANALYZE")
        return head
    }

    /// Rows and index entries that a node of its own looks at from its start to its end.
    private static func cost(
        _ database: TestDatabase, _ read: (PostgresStore) async throws -> Void
    ) async throws -> Int {
        let before = try await looked(database)
        let node = try await Node(database.url, follows: false)
        try await read(node.store)
        await node.store.close()
        return try await looked(database) - before
    }

    private static func looked(_ database: TestDatabase) async throws -> Int {
        // A session that has ended may still be on its way out, and its counts with it.
        try await poll("the end of the node's sessions") {
            try await database.run(
                """
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
                    AND application_name = 'tenant-registry'
                """
            ).isEmpty
        }
        let rows = try await database.run(
            """
            SELECT ((SELECT sum(seq_tup_read) FROM pg_stat_user_tables)
                + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes))::bigint::text
            """)
        return Int((rows.first?.first ?? nil) ?? "") ?? 0
    }

    @Test func `is that of a page, along an index, however many rows there are`() async throws {
        let database = try await TestDatabase()
        let head = try await Self.fill(database)
        let (japan, name) = (LocationName(canonical: "japan"), Self.name(10_000))
        let reads: [(String, @Sendable (PostgresStore) async throws -> Void)] = [
            ("a page", { _ = try await $0.domains(DomainQuery(after: name)) }),
            ("a prefix", { _ = try await $0.domains(DomainQuery(DomainFilter(prefix: "n1100"))) }),
            (
                "a tenant",
                { _ = try await $0.domains(DomainQuery(DomainFilter(tenant: "tenant-3000"))) }
            ),
            (
                "no tenant",
                { _ = try await $0.domains(DomainQuery(DomainFilter(tenant: "nobody"))) }
            ),
            (
                "a tenant's filter",
                {
                    _ = try await $0.domains(
                        DomainQuery(DomainFilter(mode: .reject, tenant: "tenant-9")))
                }
            ),
            (
                "a common location",
                { _ = try await $0.domains(DomainQuery(DomainFilter(location: japan))) }
            ),
            ("a page then", { _ = try await $0.domains(DomainQuery(after: name), at: head) }),
            ("a domain then", { _ = try await $0.domain(name, at: Revision(2)) }),
            ("names then", { _ = try await $0.domains([name, Self.name(7)], at: Revision(2)) }),
            ("a name's standing", { _ = try await $0.standing(of: name) }),
            ("the newest history", { _ = try await $0.history(HistoryQuery()) }),
            (
                "the oldest history",
                { _ = try await $0.history(HistoryQuery(order: .ascending)) }
            ),
            ("a domain's history", { _ = try await $0.history(HistoryQuery(fqdn: name)) }),
            ("a token's history", { _ = try await $0.history(HistoryQuery(actor: "t-1")) }),
            ("nobody's history", { _ = try await $0.history(HistoryQuery(actor: "nobody")) }),
            ("an action's history", { _ = try await $0.history(HistoryQuery(action: .released)) }),
            (
                "a history of two",
                { _ = try await $0.history(HistoryQuery(action: .released, location: japan)) }
            ),
            (
                "a late page of history",
                {
                    _ = try await $0.history(
                        HistoryQuery(
                            order: .ascending, after: .init(revision: Revision(2), position: 9_000))
                    )
                }
            ),
            ("migrations", { _ = try await $0.migrations(MigrationQuery(state: .running)) }),
            ("a migration", { _ = try await $0.migration("m-1") }),
            (
                "a migration's late page",
                {
                    _ = try await $0.domains(
                        of: MigrationDomainQuery(migration: "m-1", after: 9_000))
                }
            ),
            ("tokens", { _ = try await $0.tokens(after: nil, limit: 100) }),
            (
                "the feed's end",
                {
                    _ = try await $0.tableChanges(
                        after: .init(revision: Revision(2), position: .max), through: head,
                        limit: 100)
                }
            ),
            (
                "the feed's middle",
                {
                    _ = try await $0.tableChanges(
                        after: .init(revision: Revision(1), position: 5_000), through: head,
                        limit: 100)
                }
            ),
        ]
        for (what, read) in reads {
            let cost = try await Self.cost(database, read)
            #expect(cost <= Self.page, "\(what)")
        }
        try await database.drop()
    }

    @Test func `is each row twice at most, where it has to walk`() async throws {
        let database = try await TestDatabase()
        let head = try await Self.fill(database)
        let reads: [(String, @Sendable (PostgresStore) async throws -> Void)] = [
            ("a mode", { _ = try await $0.domains(DomainQuery(DomainFilter(mode: .reject))) }),
            (
                "a rare location",
                {
                    _ = try await $0.domains(
                        DomainQuery(DomainFilter(location: LocationName(canonical: "aws"))))
                }
            ),
            (
                "a suffix",
                { _ = try await $0.domains(DomainQuery(DomainFilter(suffix: "none.example"))) }
            ),
            (
                "a mode then",
                { _ = try await $0.domains(DomainQuery(DomainFilter(mode: .reject)), at: head) }
            ),
            (
                "a status",
                {
                    _ = try await $0.domains(
                        of: MigrationDomainQuery(migration: "m-1", status: .moved))
                }
            ),
            (
                "a location's history",
                {
                    _ = try await $0.history(
                        HistoryQuery(action: .registered, location: LocationName(canonical: "aws")))
                }
            ),
        ]
        for (what, read) in reads {
            let cost = try await Self.cost(database, read)
            #expect(cost <= 2 * Self.count + Self.page, "\(what)")
        }
        try await database.drop()
    }
}
