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
            try await store.pool.read { trace($0) }
        }
        try await body()
        // Lines with `--` are a trigger's or another statement's inner ones.
        let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE"]
        let wanted = statements.value.filter { sql in verbs.contains { sql.hasPrefix($0) } }
        #expect(!wanted.isEmpty, "nothing was seen")
        return try await store.pool.read { db in
            db.trace(nil)
            return try wanted.flatMap { sql in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)").map {
                    $0["detail"] as String
                }
            }.filter { $0 != "SCAN head" && $0 != "SCAN CONSTANT ROW" }
        }
    }

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
                _ = try await store.history(
                    HistoryQuery(
                        location: LocationName(canonical: "japan"), order: order, after: place))
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
                    $0.contains("revision_facet USING PRIMARY KEY (facet=? AND revision>? AND")
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
}
