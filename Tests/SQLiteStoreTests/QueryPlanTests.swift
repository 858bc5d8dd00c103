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

    /// What keeps tenants together, holds names and asks for frozen waves, while there are some of each.
    @Test func `walks no table to write of tenants, holds and frozen names`() async throws {
        let store = try await filledStore()
        let (japan, aws) = (LocationName(canonical: "japan"), LocationName(canonical: "aws"))
        let names = (0..<200).map { fqdn("t\($0).tenants.example") }
        try await store.run(
            .registerBatch(
                names.enumerated().map { index, name in
                    .wanted(NewDomain(fqdn: name, location: japan, tenant: "t\(index / 2)"))
                }))
        let plan = MigrationPlan(
            id: "m-1", name: "m", from: japan, to: aws, selection: .names([names[0]]),
            freeze: .readOnly)
        guard case .migration(let migration) = try await store.run(.planMigration(plan)).outcome
        else { throw RegistryError.inconsistent }
        let agreement = WaveAgreement(
            planDigest: migration.digestText, expectedCount: migration.waves[0].size)
        let freeze = WaveStep(
            .freeze(agreement, deadline: .seconds(600)), migration: "m-1", wave: 1)
        try await store.run(.waveStep(freeze))
        let hold = NewDomain(fqdn: fqdn("held.example"), tenant: "t50")
        let plans = try await plans(of: store, writing: true) {
            try await store.run(.register(NewDomain(fqdn: fqdn("new.example"), tenant: "t51")))
            try await store.run(.hold(hold, for: .seconds(60)))
            try await store.run(.activate(hold.fqdn))
            try await store.run(.change(names[9], DomainPatch(tenant: .set("t3")), ifMatch: nil))
            let split = DomainPatch(location: aws, allowsSplit: true)
            try await store.run(.change(names[20], split, ifMatch: nil))
            await #expect(throws: RegistryError.self) {
                try await store.run(
                    .register(NewDomain(fqdn: fqdn("late.example"), tenant: "t0")))
            }
        }
        // Frozen waves, which are sorted, and places that have just been left are few, and have indexes of their own.
        let few = [
            "SCAN w USING INDEX wave_by_deadline", "USE TEMP B-TREE FOR ORDER BY",
            "SCAN tenant_place USING INDEX tenant_place_empty",
        ]
        expectNoScan(plans.filter { plan in !few.contains { plan.hasPrefix($0) } })
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
        // an index of their own. So are approvals, each of which somebody has given by hand, and webhooks, a hundred at most.
        let known = [
            "SCAN page", "SCAN next", "SCAN known", "SCAN sqlite_master", "SCAN location",
            "SCAN schema_", "SCAN approval", "SCAN w",
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
