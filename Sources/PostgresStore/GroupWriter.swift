import Foundation
import Logging
import Metrics
import RegistryLedger
import RegistryModel

/// This node's one writer. Requests that arrive while a commit is under way share the next one: one
/// transaction, one wait for the head's lock and for the disk, and two ways to the server and back,
/// however many they are.
///
/// Nothing is answered before the commit is known: where its answer is lost with the connection, the
/// log is asked whether it's there. What surely isn't there is tried again, for a while.
final class GroupWriter: Sendable {
    /// How long the fate of a commit is looked for.
    static let inquest = Duration.seconds(20)

    let threads: ConnectionThreads
    private let queue = CommitQueue(mayShare: \.isOrdinary)
    private let ledger: Ledger
    private let clock: DatabaseClock
    private let counts: DomainCounts?
    private let logger: Logger
    private let delivery: LogDelivery
    private let grace: Duration
    private let away = AwayMark()
    private let onBreak: @Sendable (LogBroken) -> Void

    private let commits = Counter(label: "registry_commits_total")
    private let groupSize = Recorder(label: "registry_commit_group_size")
    private let commitTime = Timer(label: "registry_commit_duration_seconds")
    private let repeats = Counter(label: "registry_commit_repeats_total")

    /// - Parameters:
    ///   - grace: how long a group tries to get a connection, unless the database was away already.
    ///   - onBreak: told where the database's log isn't the one that memory is of.
    init(
        _ settings: ConnectionSettings, current: CurrentServer, ledger: Ledger,
        delivery: LogDelivery, grace: Duration, clock: DatabaseClock, counts: DomainCounts?,
        logger: Logger,
        onBreak: @escaping @Sendable (LogBroken) -> Void
    ) {
        threads = ConnectionThreads("store-writer", count: 1, settings: settings) { connection in
            try Session.prepare(connection, current: current)
            try Session.prefersIndexes(connection)
            // A wave of a million rows is one statement.
            connection.patience = .seconds(600)
        }
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

    func close() async { await threads.close() }

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
        let deadline = started + (away.isSet ? .zero : grace)
        let attempt = GroupAttempt(
            requests: jobs.map(\.request), ledger: ledger, clock: clock, counts: counts,
            delivery: delivery, logger: logger)
        while true {
            switch attempt.run(slot) {
            case .written(let results, let head):
                away.clear()
                tell(results, head, slot)
                commitTime.record(duration: started.duration(to: .now))
                groupSize.record(jobs.count)
                commits.increment()
                return answer(jobs, results.map { $0.map(\.committed) })
            case .apart where jobs.count > 1:
                // One of them is refused by the schema: each by itself, it concerns no other.
                for job in jobs { write([job], slot) }
                return
            case .apart: return refuse(jobs, .inconsistent)
            case .refused(let error): return refuse(jobs, error)
            case .locked:
                // Each of those that wait would wait as long again, one after the other.
                refuse(jobs, .overloaded)
                return queue.refuseWaiting(with: .overloaded)
            case .lost:
                logger.critical(
                    "a commit's fate isn't known", metadata: ["requests": "\(jobs.count)"])
                return refuse(jobs, .outcomeUnknown)
            case .broken(let broken):
                onBreak(broken)
                return refuse(jobs, .storeFailed)
            case .again(let failure):
                repeats.increment()
                logger.debug("a commit is tried again", metadata: ["error": "\(failure)"])
                guard ContinuousClock.now < deadline else {
                    logger.error("writes are refused", metadata: ["error": "\(failure)"])
                    if failure.kind == .conflict { return refuse(jobs, .overloaded) }
                    away.set()
                    refuse(jobs, .storeUnavailable)
                    return queue.refuseWaiting(with: .storeUnavailable)
                }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
    }

    private func tell(
        _ results: [Result<Ledger.Written, RegistryError>], _ head: Head?, _ slot: ConnectionSlot
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
        case .register, .registerBatch, .change, .release, .restore: true
        case .putLocation, .deleteLocation, .createToken, .revokeToken, .planMigration, .waveStep,
            .finalizeMigration, .cancelMigration:
            false
        }
    }
}
