import RegistryLedger
import RegistryModel
import StoreCore

/// Plans of which only what they would be is asked: each on a snapshot of its own, on one session that
/// only they use. Neither a writer nor another reader waits for them, however many names they look at;
/// they wait for one another.
final class PostgresDryRuns: Sendable {
    let threads: ConnectionThreads
    private let ledger: Ledger
    private let clock: DatabaseClock
    private let counts: DomainCounts?
    let line = DryRunLine()

    init(
        _ settings: ConnectionSettings, current: CurrentServer, health: DatabaseHealth,
        ledger: Ledger,
        clock: DatabaseClock, counts: DomainCounts?
    ) {
        threads = ConnectionThreads(
            "store-planner", count: 1, settings: settings, health: health
        ) { connection in
            try PostgresSession.prepare(connection, current: current)
            // A million names are one statement.
            connection.patience = .seconds(600)
        }
        self.ledger = ledger
        self.clock = clock
        self.counts = counts
    }

    func run(
        _ request: CommitRequest, _ plan: MigrationPlan
    ) async throws(RegistryError) -> Result<Committed, any Error> {
        try await line.run { await planned(request, plan) }
    }

    private func planned(
        _ request: CommitRequest, _ plan: MigrationPlan
    ) async -> Result<Committed, any Error> {
        do {
            return .success(
                try await threads.run { [self] slot in
                    do {
                        return try run(request, plan, slot.connection())
                    } catch PostgresFailure.lost {
                        slot.drop()
                        return try run(request, plan, slot.connection())
                    }
                })
        } catch {
            return .failure(error)
        }
    }

    private func run(
        _ request: CommitRequest, _ plan: MigrationPlan, _ connection: PostgresConnection
    ) throws -> Committed {
        // Before the snapshot begins: memory isn't ahead of it.
        let known = counts?()
        return try connection.transaction("REPEATABLE READ") {
            // What it writes is gone at its end: nobody waits for a disk or a standby.
            try connection.query("SET LOCAL synchronous_commit = off")
            return try request.dryRun(
                plan, by: ledger, on: connection, counts: { known }, now: clock.read)
        }
    }

    func close() async { await threads.close() }
}
