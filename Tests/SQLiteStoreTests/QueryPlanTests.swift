import Dispatch
import GRDB
import RegistryModel
import StoreCore
import Testing

@testable import SQLiteStore

/// What SQLite plans to do for the statements that the store really runs to write and to verify. Those of reads are
/// planned on both engines, in the contract.
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

    /// `head` has one row.
    private static let harmless: Set<String> = ["SCAN head", "SCAN CONSTANT ROW"]

    private func expectNoScan(_ plans: [String]) {
        #expect(!plans.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(plans)")
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

    @Test func `walks no table to check the log`() async throws {
        let store = try folder.open()
        try await store.run(batch("old", count: 6_000))
        try await store.run(.createToken(token("a")))
        let plan = MigrationPlan(
            id: "m-1", name: "m", from: LocationName(canonical: "japan"),
            to: LocationName(canonical: "aws"),
            selection: .names([fqdn("old7.example"), fqdn("none.example")]))
        try await store.run(.planMigration(plan))
        let plans = try await plans(of: store, writing: false) {
            _ = try await store.verify(nil) { _ in }
        }
        // What stands beside the log is a page of names, or the schema's own; subjects are few, and have
        // an index of their own. So are approvals, each of which somebody has given by hand.
        let known = [
            "SCAN page", "SCAN next", "SCAN known", "SCAN sqlite_master", "SCAN location",
            "SCAN schema_", "SCAN approval",
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
