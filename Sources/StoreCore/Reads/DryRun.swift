import RegistryLedger
import RegistryModel
import Synchronization

/// Lets an engine's dry runs in one after the other: they have one connection of their own.
///
/// A place is waited for as long as a read waits, and no longer than the task that waits for it. Between two
/// runs there is as much time as the one before took, up to a tenth of a second: a dry run is never urgent, and
/// clients that make them in a loop would otherwise keep a core from whoever writes.
package final class DryRunLine: Sendable {
    private static let longestRest = Duration.milliseconds(100)

    /// Dry runs stand in the lane of walks.
    package let lanes = ReadLanes(ReadLanes.Limits(own: 1, quick: 1, walk: 1))
    private let resumes = Mutex(ContinuousClock.now)

    package init() {}

    /// - Throws: `overloaded` where its turn didn't come in time, or the task was cancelled before it came.
    package func run<Value: Sendable>(
        _ body: () async throws(RegistryError) -> Value
    ) async throws(RegistryError) -> Value {
        try await lanes.run(.walk) { () async throws(RegistryError) in
            do {
                try await Task.sleep(until: resumes.withLock { $0 }, clock: .continuous)
            } catch {
                throw .overloaded
            }
            let started = ContinuousClock.now
            defer {
                let now = ContinuousClock.now
                resumes.withLock { $0 = now + min(started.duration(to: now), Self.longestRest) }
            }
            return try await body()
        }
    }
}

extension CommitRequest {
    /// Decides a plan that isn't kept, on a snapshot.
    ///
    /// - Parameters:
    ///   - counts: what memory had counted before the snapshot began.
    ///   - now: tells the time that it is.
    package func dryRun<Session: SQLSession>(
        _ plan: MigrationPlan, by ledger: Ledger, on session: Session, counts: DomainCounts?,
        now: (Session) throws -> Timestamp
    ) throws -> Committed {
        let planning = DryRunTransaction(
            session: session, head: try Head.read(session), counts: counts)
        let record = try idempotency.flatMap {
            try IdempotencyRecord.read(session, token: $0.token, key: $0.key)
        }
        var committed = try ledger.dryRun(
            self, plan, in: planning, at: planning.head, record: record, now: now(session))
        if let query = plan.listing, case .migration(let migration) = committed.outcome,
            !committed.isReplay
        {
            committed.listed = try PlanStage(session).page(query, of: migration.waves)
        }
        return committed
    }
}

/// What a plan is made of, without the head's lock.
private struct DryRunTransaction<Session: SQLSession>: PlanningTransaction {
    let session: Session
    let head: Head
    let counts: DomainCounts?

    private var staging: PlanStage<Session> { PlanStage(session) }

    func location(_ name: LocationName) throws -> Location? { try Location.read(session, name) }

    func domainCount(at location: LocationName) throws -> Int {
        try location.domainCount(by: counts, through: head.revision, session)
    }

    func stage(_ plan: MigrationPlan) throws -> PlanCounts { try staging.stage(plan) }

    func stagedTenantSizes() throws -> [Int]? { try staging.tenantSizes() }

    func addStagedPlan(of waves: [Wave], to hash: inout NetstringHash) throws {
        try staging.add(waves, to: &hash)
    }

    func stagedSkippedNames(limit: Int) throws -> [SkippedName] {
        try staging.skippedNames(limit: limit)
    }
}
