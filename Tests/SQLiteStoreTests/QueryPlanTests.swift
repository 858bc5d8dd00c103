import Dispatch
import GRDB
import RegistryModel
import Testing

@testable import SQLiteStore

/// What SQLite plans to do for the statements that the store really runs.
@Suite("A statement's plan") struct QueryPlanTests {
    private let folder = StoreFolder()

    private func filledStore() async throws -> SQLiteStore {
        let store = try folder.open()
        try await store.run(batch("old", count: 500))
        try await store.run(.createToken(token("a")))
        return store
    }

    /// The plans of all that `body` ran on one connection. `head` has one row: to scan it is right.
    private func plans(
        of store: SQLiteStore, writing: Bool, _ body: () async throws -> Void
    ) async throws -> [String] {
        let statements = Shared<[String]>([])
        let trace: @Sendable (Database) -> Void = { db in
            db.trace { event in
                if case .statement(let statement) = event {
                    let sql = statement.expandedSQL
                    statements.change { $0.append(sql) }
                }
            }
        }
        if writing {
            try await store.pool.writeWithoutTransaction { trace($0) }
        } else {
            // Whichever connection a read gets, it's one of those that all of them at once have got.
            try await store.trace(trace)
        }
        try await body()
        // Lines with `--` are a trigger's or another statement's inner ones.
        let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE"]
        let wanted = statements.value.filter { sql in verbs.contains { sql.hasPrefix($0) } }
        #expect(!wanted.isEmpty, "nothing was seen")
        try await store.trace { $0.trace(nil) }
        return try await store.pool.read { db in
            return try wanted.flatMap { sql in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)").map {
                    $0["detail"] as String
                }
            }.filter { !Self.harmless.contains($0) }
        }
    }

    /// `head` and `agent` are small, and wanted whole; `looked` is the rows of one step, and `asked` are names that a client gave.
    private static let harmless: Set<String> = [
        "SCAN head", "SCAN CONSTANT ROW", "SCAN looked", "SCAN agent",
        "SCAN asked VIRTUAL TABLE INDEX 1:",
    ]

    private func expectNoScan(_ plans: [String]) {
        #expect(!plans.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(plans)")
    }

    @Test func `walks no table to find one domain now, then, or in its history`() async throws {
        let store = try await filledStore()
        let name = fqdn("old7.example")
        let start = folder.clock.value
        let plans = try await plans(of: store, writing: false) {
            _ = try await store.domain(name, at: Revision(1))
            _ = try await store.standing(of: name)
            _ = try await store.revision(at: start)
            for order in HistoryQuery.Order.allCases {
                _ = try await store.history(HistoryQuery(fqdn: name, order: order))
                _ = try await store.history(
                    HistoryQuery(
                        fqdn: name, since: start, until: start.adding(.seconds(9)), order: order,
                        after: .init(revision: Revision(1), position: 3)))
            }
            _ = try await store.domains(DomainQuery(prefix: "old7", after: name))
            _ = try await store.replay(
                of: IdempotencyKey(token: "t", key: "k", requestDigest: []))
            _ = try await store.changes(after: Revision(1), limit: 10)
        }
        expectNoScan(plans)
        #expect(plans.contains { $0.contains("change_log_by_domain (fqdn=? AND revision<?)") })
    }

    @Test func `goes straight to a late page of history, and sorts nothing`() async throws {
        let store = try await filledStore()
        let start = folder.clock.value
        for order in HistoryQuery.Order.allCases {
            let plans = try await plans(of: store, writing: false) {
                let place = HistoryQuery.Place(revision: Revision(1), position: 250)
                _ = try await store.history(HistoryQuery(order: order, after: place))
                _ = try await store.history(
                    HistoryQuery(actor: "t", order: order, after: place))
                _ = try await store.history(
                    HistoryQuery(since: start, until: start, order: order))
                _ = try await store.history(HistoryQuery(migration: "m", order: order))
                for after in [nil, place] {
                    _ = try await store.history(
                        HistoryQuery(
                            location: LocationName(canonical: "japan"), order: order, after: after))
                }
                _ = try await store.history(
                    HistoryQuery(
                        actor: "t", action: .registered, migration: "m",
                        location: LocationName(canonical: "japan"), order: order))
                _ = try await store.history(
                    HistoryQuery(
                        action: .registered, location: LocationName(canonical: "japan"),
                        order: order, after: place))
            }
            expectNoScan(plans)
            #expect(
                plans.contains {
                    $0.contains("USING PRIMARY KEY (facet=? AND revision>? AND revision<?)")
                })
        }
    }

    @Test func `walks no table to write`() async throws {
        let store = try await filledStore()
        let name = fqdn("old7.example")
        let plans = try await plans(of: store, writing: true) {
            let key = IdempotencyKey(
                token: "t", key: "k", requestDigest: Array(repeating: 1, count: 32))
            try await store.run(new("new.example"), key: key)
            try await store.run(.change(name, DomainPatch(mode: .reject), ifMatch: nil))
            try await store.run(.release(name, ifMatch: nil))
            try await store.run(.restore(name))
        }
        expectNoScan(plans)
    }

    /// A store in which every kind of read finds something, and has to walk for some of it.
    private func variedStore() async throws -> (SQLiteStore, Migration) {
        let store = try folder.open()
        try await store.run(batch("old", count: 6_000))
        try await store.run(new("tenants.example", tenant: "t"))
        try await store.run(.createToken(token("a")))
        let plan = MigrationPlan(
            id: "m-1", name: "m", from: LocationName(canonical: "japan"),
            to: LocationName(canonical: "aws"),
            selection: .names([fqdn("old7.example"), fqdn("old8.example"), fqdn("none.example")]))
        guard case .migration(let migration) = try await store.run(.planMigration(plan)).outcome
        else { throw RegistryError.inconsistent }
        return (store, migration)
    }

    @Test func `walks no table and sorts nothing, whatever a client reads`() async throws {
        let (store, migration) = try await variedStore()
        let japan = LocationName(canonical: "japan")
        let (name, head) = (fqdn("old7.example"), try await store.head().revision)
        let plans = try await plans(of: store, writing: false) {
            _ = try await store.head()
            _ = try await store.defaultLocation()
            _ = try await store.agents()
            _ = try await store.wavesDue()
            _ = try await store.locations(after: japan, limit: 10)
            _ = try await store.tokens(after: "a", limit: 10)
            _ = try await store.domains([name], at: head)
            _ = try await store.migration("m-1")
            for after in [nil, "m-1"] {
                for state in [nil, MigrationState.planned] {
                    _ = try await store.migrations(MigrationQuery(state: state, after: after))
                }
            }
            for status in [nil, .skipped, .moved, .planned] as [MigrationDomain.Status?] {
                for wave in [nil, 1] {
                    _ = try await store.domains(
                        of: MigrationDomainQuery(
                            migration: migration.id, wave: wave, status: status, after: 1))
                }
            }
            for after in [nil, name] {
                for prefix in [nil, "old"] {
                    for tenant in [nil, "t"] {
                        for query in [
                            DomainQuery(), DomainQuery(location: LocationName(canonical: "aws")),
                            DomainQuery(mode: .reject), DomainQuery(suffix: "none.example"),
                        ] {
                            var query = query
                            (query.after, query.prefix, query.tenant) = (after, prefix, tenant)
                            _ = try await store.domains(query)
                            for revision in [Revision(1), head] {
                                _ = try await store.domains(query, at: revision)
                            }
                        }
                    }
                }
            }
            _ = try await store.tableChanges(
                after: .init(revision: Revision(1), position: 5), through: head, limit: 10_000)
            _ = try await store.history(
                HistoryQuery(fqdn: name, actor: "t", action: .registered, location: japan))
        }
        expectNoScan(plans)
        #expect(plans.contains { $0.contains("domain_by_tenant (tenant=? AND fqdn>?") })
        #expect(plans.contains { $0.contains("migration_by_state (state=? AND number<?)") })
        #expect(plans.contains { $0.contains("token_live (id>?)") })
    }

    @Test func `walks no table to check the log`() async throws {
        let (store, _) = try await variedStore()
        let plans = try await plans(of: store, writing: false) {
            _ = try await store.verify(nil) { _ in }
        }
        // What stands beside the log is a page of names, or the schema's own; subjects are few, and have
        // an index of their own.
        let known = [
            "SCAN page", "SCAN next", "SCAN known", "SCAN sqlite_master", "SCAN location",
            "SCAN schema_",
        ]
        let walks = plans.filter { plan in
            plan.hasPrefix("SCAN") && !known.contains { plan.hasPrefix($0) }
                && !plan.contains("change_log_by_subject")
        }
        #expect(walks.isEmpty)
    }
}

extension SQLiteStore {
    /// Runs `body` on each reading connection that there may be.
    fileprivate func trace(_ body: @escaping @Sendable (Database) -> Void) async throws {
        let count = pool.configuration.maximumReaderCount
        let (arrived, all) = (Shared(0), DispatchSemaphore(value: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
                group.addTask {
                    try await self.pool.read { db in
                        body(db)
                        let isLast = arrived.change { number in
                            number += 1
                            return number == count
                        }
                        if isLast { for _ in 0..<count { all.signal() } }
                        all.wait()
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
