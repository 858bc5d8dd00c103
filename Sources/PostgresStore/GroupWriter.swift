import Foundation
import Logging
import Metrics
import RegistryLedger
import RegistryModel
import StoreCore

/// This node's one writer. Requests that arrive while a commit is under way share the next one: one
/// transaction, one wait for the head's lock and for the disk, and two ways to the server and back,
/// however many they are.
///
/// Nothing is answered before the commit is known: where its answer is lost with the connection, the
/// log is asked whether it's there (`CommitLookup`), and the next group doesn't wait for that. What surely isn't
/// there is tried again, for a while.
final class GroupWriter: Sendable {
    let threads: ConnectionThreads
    private let queue = CommitQueue(mayShare: \.isOrdinary)
    private let ledger: Ledger
    private let clock: DatabaseClock
    private let counts: DomainCounts?
    private let logger: Logger
    private let delivery: LogDelivery
    private let grace: Duration
    private let health: DatabaseHealth
    private let commitLookup: CommitLookup
    private let onShared: @Sendable (PostgresFailure) -> Void
    private let onBreak: @Sendable (LogBroken) -> Void

    private let commits = Counter(label: "registry_commits_total")
    private let groupSize = Recorder(label: "registry_commit_group_size")
    private let commitTime = Timer(label: "registry_commit_duration_seconds")
    private let repeats = Counter(label: "registry_commit_repeats_total")

    /// - Parameters:
    ///   - grace: how long a group tries to get a connection, unless the database was away already.
    ///   - onShared: told where the writer's session isn't its own.
    ///   - onBreak: told where the database's log isn't the one that memory is of.
    init(
        _ settings: ConnectionSettings, current: CurrentServer, health: DatabaseHealth,
        ledger: Ledger,
        delivery: LogDelivery, grace: Duration, clock: DatabaseClock, counts: DomainCounts?,
        logger: Logger, onShared: @escaping @Sendable (PostgresFailure) -> Void,
        onBreak: @escaping @Sendable (LogBroken) -> Void
    ) {
        threads = ConnectionThreads(
            "store-writer", count: 1, settings: settings, health: health
        ) { connection in
            try PostgresSession.prepare(connection, current: current)
            try PostgresSession.prefersIndexes(connection)
            // A wave of a million rows is one statement.
            connection.patience = .seconds(600)
        }
        commitLookup = CommitLookup(settings, health: health, current: current)
        self.health = health
        self.onShared = onShared
        self.ledger = ledger
        self.delivery = delivery
        self.grace = grace
        self.clock = clock
        self.counts = counts
        self.logger = logger
        self.onBreak = onBreak
    }

    func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed {
        try await queue.answer(to: request) { startNextGroup() }
    }

    func end() { queue.end(with: .storeFailed) }

    func close() async {
        await threads.close()
        await commitLookup.close()
    }

    private func startNextGroup() {
        let isTaken = threads.submit { [self] slot in
            var jobs = queue.nextGroup()
            while !jobs.isEmpty {
                write(jobs, slot)
                jobs = queue.hasMore() ? queue.nextGroup() : []
            }
        }
        if !isTaken { queue.end(with: .storeFailed) }
    }

    private func write(_ jobs: [CommitQueue.Job], _ slot: ConnectionSlot) {
        let started = ContinuousClock.now
        let deadline = (jobs.compactMap(\.triedSince).min() ?? started) + grace
        let attempt = GroupAttempt(
            requests: jobs.map(\.request), ledger: ledger, clock: clock, counts: counts,
            delivery: delivery, logger: logger)
        var limits: [String] = []
        while true {
            switch attempt.run(slot) {
            case .written(let results, let head):
                return conclude(jobs, results, head, slot, since: started)
            case .limited(let setting, let failure):
                return jobs.count == 1
                    ? refuse(jobs[0], because: setting, failure) : eachAlone(jobs, slot)
            case .apart where jobs.count > 1:
                // One of them is refused by the schema: each by itself, it concerns no other.
                return eachAlone(jobs, slot)
            case .apart: return refuse(jobs, .inconsistent)
            case .refused(let error): return refuse(jobs, error)
            case .locked:
                // Each of those that wait would wait as long again, one after the other.
                return refuseAll(jobs, .overloaded)
            case .lost(let commit, let results):
                return ask(about: commit, jobs, results, since: started, until: deadline)
            case .shared(let failure):
                onShared(failure)
                return refuseAll(jobs, .storeUnavailable)
            case .broken(let broken):
                onBreak(broken)
                return refuse(jobs, .storeFailed)
            case .again(let failure, let limit):
                repeats.increment()
                // Once may be this process's own fault: it was stopped, or had no turn.
                if let limit {
                    limits.append(limit)
                    guard limits.count < 2 else {
                        return jobs.count == 1
                            ? refuse(jobs[0], because: limit, failure) : eachAlone(jobs, slot)
                    }
                }
                logger.debug("a commit is tried again", metadata: ["error": "\(failure)"])
                guard ContinuousClock.now < deadline, !health.isInVain else {
                    logger.error("writes are refused", metadata: ["error": "\(failure)"])
                    return failure.isConflict
                        ? refuse(jobs, .overloaded) : refuseAll(jobs, .storeUnavailable)
                }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
    }

    private func eachAlone(_ jobs: [CommitQueue.Job], _ slot: ConnectionSlot) {
        for job in jobs { write([job], slot) }
    }

    private func refuse(
        _ job: CommitQueue.Job, because setting: String, _ failure: PostgresFailure
    ) {
        logger.error(
            "the database's settings don't allow a write",
            metadata: [
                "setting": "\(setting)", "error": "\(failure)",
                "request_id": "\(job.request.requestID)",
            ])
        refuse([job], .storeLimit(setting))
    }

    /// What they wait for isn't there: those behind them would wait for it, too.
    private func refuseAll(_ jobs: [CommitQueue.Job], _ error: RegistryError) {
        refuse(jobs, error)
        queue.refuseWaiting(with: error)
    }

    private func conclude(
        _ jobs: [CommitQueue.Job], _ results: [Result<Ledger.CommandResult, RegistryError>],
        _ head: Head?, _ slot: ConnectionSlot, since started: ContinuousClock.Instant
    ) {
        tell(results, head, slot)
        commitTime.record(duration: started.duration(to: .now))
        groupSize.record(jobs.count)
        commits.increment()
        answer(jobs, results.map { $0.map(\.committed) })
    }

    private func ask(
        about commit: Commit, _ jobs: [CommitQueue.Job],
        _ results: [Result<Ledger.CommandResult, RegistryError>],
        since started: ContinuousClock.Instant,
        until deadline: ContinuousClock.Instant
    ) {
        let isTaken = commitLookup.ask(about: commit) { [self] isThere, slot in
            switch isThere {
            case true?: conclude(jobs, results, commit.head, slot, since: started)
            // It isn't asked for ever: some connections are lost each time.
            case false? where ContinuousClock.now > deadline + CommitLookup.limit:
                refuse(jobs, .storeUnavailable)
            case false?:
                repeats.increment()
                if queue.takeBack(jobs, begunAt: started) { startNextGroup() }
            case nil:
                logger.critical(
                    "a commit's fate isn't known", metadata: ["requests": "\(jobs.count)"])
                refuse(jobs, .outcomeUnknown)
            }
        }
        if !isTaken { refuse(jobs, .outcomeUnknown) }
    }

    private func tell(
        _ results: [Result<Ledger.CommandResult, RegistryError>], _ head: Head?,
        _ slot: ConnectionSlot
    ) {
        let changes = results.compactMap { try? $0.get().changes }
        do {
            try delivery.bring(changes, digest: head?.digest) { now, before in
                // Others have written since; perhaps on another server.
                let connection = try slot.connection()
                try now.compare(connection)
                return try LogReader.changes(
                    connection, after: now.revision, through: Revision(before.number - 1),
                    limit: .max)
            }
        } catch let broken as LogBroken {
            onBreak(broken)
        } catch {
            // The commit is there; the follower will bring it, and whoever wrote waits for that.
            logger.warning(
                "what others have written can't be read now", metadata: ["error": "\(error)"])
        }
    }

    private func answer(
        _ jobs: [CommitQueue.Job], _ results: [Result<Committed, RegistryError>]
    ) {
        for (job, result) in zip(jobs, results) { job.answer.resume(returning: result) }
    }

    private func refuse(_ jobs: [CommitQueue.Job], _ error: RegistryError) {
        for job in jobs { job.answer.resume(returning: .failure(error)) }
    }
}

extension Command {
    /// Whether it reads and writes single names only, so that others may stand in its transaction.
    fileprivate var isOrdinary: Bool {
        switch self {
        case .register, .registerBatch, .change, .release, .restore, .hold, .activate: true
        // Without names it looks for them in the table.
        case .expireHolds(let names): names != nil
        case .changeTenant, .putLocation, .deleteLocation, .createToken, .revokeToken,
            .planMigration, .waveStep, .finalizeMigration, .cancelMigration, .approveWave,
            .putWebhook, .deleteWebhook:
            false
        }
    }
}
