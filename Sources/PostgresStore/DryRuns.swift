import RegistryLedger
import RegistryModel
import StoreCore

/// Plans of which only what they would be is asked: each on a snapshot of its own, on one session that
/// only they use. Neither a writer nor another reader waits for them, however many names they look at;
/// they wait for one another.
final class DryRuns: Sendable {
    let threads: ConnectionThreads
    private let ledger: Ledger
    private let clock: DatabaseClock
    private let counts: DomainCounts?
    let line = DryRunLine()

    init(
        _ settings: ConnectionSettings, current: CurrentServer, contact: Contact, ledger: Ledger,
        clock: DatabaseClock, counts: DomainCounts?
    ) {
        threads = ConnectionThreads(
            "store-planner", count: 1, settings: settings, contact: contact
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
        await withCheckedContinuation { answer in
            let isTaken = threads.submit { [self] slot in
                let first = Result { try run(request, plan, slot.connection()) }
                if case .failure(PostgresFailure.lost) = first {
                    slot.drop()
                    return answer.resume(
                        returning: Result { try run(request, plan, slot.connection()) })
                }
                answer.resume(returning: first)
            }
            if !isTaken { answer.resume(returning: .failure(RegistryError.storeFailed)) }
        }
    }

    private func run(
        _ request: CommitRequest, _ plan: MigrationPlan, _ connection: PostgresConnection
    ) throws -> Committed {
        try PlanStage.makeTables(connection)
        // Before the snapshot begins: memory isn't ahead of it.
        let known = counts?()
        try connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        do {
            // What it writes is gone at its end: nobody waits for a disk or a standby.
            try connection.query("SET LOCAL synchronous_commit = off")
            let transaction = DryRunTransaction(
                connection: connection, head: try Head.read(connection), counts: { known })
            let committed = try ledger.dryRun(
                request, plan, in: transaction, at: transaction.head,
                record: try transaction.record(of: request.idempotency),
                now: try clock.read(connection))
            try connection.query("COMMIT")
            return committed
        } catch {
            if connection.isAlive { try connection.query("ROLLBACK") }
            throw error
        }
    }

    func close() async { await threads.close() }
}

/// What a plan is made of, without the head's lock.
private struct DryRunTransaction: PlanningTransaction {
    let connection: PostgresConnection
    let head: Head
    let counts: DomainCounts?

    private var staging: PlanStage { PlanStage(connection) }

    func record(of key: IdempotencyKey?) throws -> IdempotencyRecord? {
        guard let key else { return nil }
        return try IdempotencyRecord.read(connection, token: key.token, key: key.key)
    }

    func location(_ name: LocationName) throws -> Location? {
        try connection.first(
            "\(Location.select) WHERE name = $1", [.text(name.text)], Location.init(row:))
    }

    func domainCount(at location: LocationName) throws -> Int {
        try location.domainCount(by: counts, through: head.revision, connection)
    }

    func stage(_ selection: Selection, from: LocationName) throws -> PlanCounts {
        try staging.stage(selection, from: from)
    }

    func addStagedPlan(of waves: [Wave], to hash: inout NetstringHash) throws {
        try staging.addPlan(of: waves, to: &hash)
    }

    func stagedSkippedNames(limit: Int) throws -> [SkippedName] {
        try staging.skippedNames(limit: limit)
    }
}
