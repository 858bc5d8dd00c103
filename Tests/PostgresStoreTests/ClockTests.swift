import Foundation
import PostgresServer
import PostgresStore
import RegistryModel
import Testing

/// Several nodes have one clock: the database's. What a node's own says concerns nobody.
@Suite("The clock of several nodes", .timeLimit(.minutes(15))) struct ClockTests {
    private static let from = LocationName(canonical: "japan")
    private static let to = LocationName(canonical: "aws")

    /// Two nodes by the database's clock, and how far apart two times of it may be here.
    private static func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        let database = try await TestDatabase()
        let one = try await Node(database.url) { $0.now = nil }
        let two = try await Node(database.url) { $0.now = nil }
        try await body(one, two)
        await one.store.close()
        await two.store.close()
        try await database.drop()
    }

    @Test func `is the database's, for stamps, deadlines and quarantines`() async throws {
        try await Self.withNodes { one, two in
            let before = try await two.store.clocks().now
            try await one.run(new("a.example"))
            try await two.run(new("b.example"))
            let plan = MigrationPlan(
                id: "m-1", name: "n", from: Self.from, to: Self.to,
                selection: .names([FQDN(canonical: "a.example")]), freeze: .reject)
            guard case .migration(let migration) = try await one.run(.planMigration(plan)).outcome
            else { throw RegistryError.inconsistent }
            let agreement = WaveAgreement(planDigest: migration.digestText, expectedCount: 1)
            let frozen = try await two.run(
                .waveStep(
                    WaveStep(
                        .freeze(agreement, deadline: .seconds(3_600)), migration: "m-1", wave: 1)))
            let after = try await one.store.clocks().now
            guard case .wave(let outcome) = frozen.outcome, let deadline = outcome.deadline
            else { throw RegistryError.inconsistent }
            #expect(
                (before.adding(.seconds(3_600))...after.adding(.seconds(3_600))).contains(deadline))
            let head = try await one.store.head()
            #expect((before...after).contains(head.at))
            #expect(try await one.store.wavesDue().isEmpty)
            try await one.run(.release(FQDN(canonical: "b.example"), ifMatch: nil))
            let standing = try await two.store.standing(of: FQDN(canonical: "b.example")).value
            guard case .quarantined(let until) = standing else { throw RegistryError.inconsistent }
            // The nodes of these tests have a quarantine of a minute.
            #expect(until >= before.adding(.seconds(60)))
            #expect(until <= (try await one.store.clocks().now).adding(.seconds(60)))
        }
    }

    /// The database counts a deadline as passed by its clock, whatever stands in the log.
    @Test func `thaws what is due, with a log whose stamps are of hours to come`() async throws {
        let database = try await TestDatabase()
        let hours = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            .adding(.seconds(9 * 3_600))
        let ahead = try await Node(database.url) { $0.now = { hours } }
        try await ahead.run(new("a.example"))
        await ahead.store.close()
        let node = try await Node(database.url) { $0.now = nil }
        #expect(try await node.store.clocks().ahead > .seconds(8 * 3_600))
        let plan = MigrationPlan(
            id: "m-1", name: "n", from: Self.from, to: Self.to,
            selection: .names([FQDN(canonical: "a.example")]), freeze: .reject)
        guard case .migration(let migration) = try await node.run(.planMigration(plan)).outcome
        else { throw RegistryError.inconsistent }
        try await node.run(
            .waveStep(
                WaveStep(
                    .freeze(
                        WaveAgreement(planDigest: migration.digestText, expectedCount: 1),
                        deadline: .milliseconds(100)), migration: "m-1", wave: 1)))
        try await poll("the deadline") { try await !node.store.wavesDue().isEmpty }
        try await node.run(.waveStep(WaveStep(.thawWhenDue, migration: "m-1", wave: 1)))
        await node.store.close()
        try await database.drop()
    }

    /// What memory counted, and what another node has written since.
    @Test func `doesn't matter to a count that another node has changed`() async throws {
        let database = try await TestDatabase()
        let known = Read([Self.from: 0, Self.to: 0], at: Revision.zero)
        let one = try await Node(database.url, follows: false) {
            $0.counts = { known }
            $0.blastRadius = BlastRadius(minimumRemaining: 2)
        }
        let two = try await Node(database.url)
        for name in ["a.example", "b.example", "c.example"] { try await two.run(new(name)) }
        func warnings(_ name: String, isDryRun: Bool) async throws -> Int {
            let plan = MigrationPlan(
                id: MigrationPlan.newID(), name: "n", from: Self.from, to: Self.to,
                selection: .names([FQDN(canonical: name)]), isDryRun: isDryRun)
            guard case .migration(let migration) = try await one.run(.planMigration(plan)).outcome
            else { throw RegistryError.inconsistent }
            return migration.warnings.count
        }
        #expect(try await warnings("a.example", isDryRun: true) == 0)
        #expect(try await warnings("a.example", isDryRun: false) == 0)
        try await two.run(.release(FQDN(canonical: "c.example"), ifMatch: nil))
        #expect(try await warnings("b.example", isDryRun: true) == 1)
        #expect(try await warnings("b.example", isDryRun: false) == 1)
        await one.store.close()
        await two.store.close()
        try await database.drop()
    }
}
