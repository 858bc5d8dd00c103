import RegistryModel
import Synchronization

/// Requests that wait for an engine's one writer. Those that arrive while a commit is under way share
/// the next one.
///
/// The queue only groups and bounds; the engine runs one group after the other, and answers its jobs.
package final class CommitQueue: Sendable {
    package struct Job: Sendable {
        package var request: CommitRequest
        package var answer: CheckedContinuation<Result<Committed, RegistryError>, Never>
        /// When it was begun first, where it comes back.
        package var triedSince: ContinuousClock.Instant?
    }

    private struct State {
        var waiting: [Job] = []
        var isRunning = false
        /// What every request is told from now on.
        var end: RegistryError?
    }

    /// Requests in one transaction, at most.
    package static let maximumGroup = 512
    /// Rows in one transaction, unless a single request has more.
    package static let maximumRows = 2000
    /// Requests that wait for the writer, at most; the next one is told to come back.
    package static let maximumWaiting = 16_384

    private let state = Mutex(State())
    private let mayShare: @Sendable (Command) -> Bool

    /// - Parameter mayShare: whether a command may stand with others in one transaction.
    package init(mayShare: @escaping @Sendable (Command) -> Bool = { _ in true }) {
        self.mayShare = mayShare
    }

    /// Waits for a request's answer.
    /// - Parameter start: called where nobody runs groups: the engine begins to.
    package func answer(
        to request: CommitRequest, start: @Sendable () -> Void
    ) async throws(RegistryError) -> Committed {
        try await withCheckedContinuation { answer in
            enqueue(Job(request: request, answer: answer), start)
        }.get()
    }

    private func enqueue(_ job: Job, _ start: () -> Void) {
        enum Admission { case start, wait, refuse(RegistryError) }
        let admission = state.withLock { state -> Admission in
            if let end = state.end { return .refuse(end) }
            guard state.waiting.count < Self.maximumWaiting else { return .refuse(.overloaded) }
            state.waiting.append(job)
            guard !state.isRunning else { return .wait }
            state.isRunning = true
            return .start
        }
        switch admission {
        case .start: start()
        case .wait: break
        case .refuse(let error): job.answer.resume(returning: .failure(error))
        }
    }

    /// The jobs of the next transaction. Bounded by rows too: a signup must not wait for a queue of
    /// large batches.
    package func nextGroup() -> [Job] {
        state.withLock { state in
            var rows = 0
            var isAlone = false
            let jobs = Array(
                state.waiting.prefix(Self.maximumGroup).prefix { job in
                    let command = job.request.command
                    guard rows > 0 else {
                        isAlone = !mayShare(command)
                        rows = max(1, command.rowCount)
                        return true
                    }
                    rows += command.rowCount
                    return !isAlone && mayShare(command) && rows <= Self.maximumRows
                })
            state.waiting.removeFirst(jobs.count)
            return jobs
        }
    }

    /// Ends the turn of one group.
    /// - Returns: whether more wait: then the engine goes on with the next group.
    package func hasMore() -> Bool {
        state.withLock { state in
            state.isRunning = !state.waiting.isEmpty
            return state.isRunning
        }
    }

    /// Puts jobs that surely weren't done before all others that wait.
    ///
    /// - Parameter start: when they were begun.
    /// - Returns: whether nobody runs groups: the engine has to begin.
    package func takeBack(_ jobs: [Job], begunAt start: ContinuousClock.Instant) -> Bool {
        let jobs = jobs.map { job in
            var job = job
            job.triedSince = job.triedSince ?? start
            return job
        }
        let (mayWait, starts) = state.withLock { state in
            guard state.end == nil else { return (false, false) }
            state.waiting = jobs + state.waiting
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if !mayWait {
            for job in jobs { job.answer.resume(returning: .failure(.storeUnavailable)) }
        }
        return starts
    }

    package var isIdle: Bool { state.withLock { !$0.isRunning && $0.waiting.isEmpty } }

    package var hasEnded: Bool { state.withLock { $0.end != nil } }

    /// Answers all that wait with `error`; what comes after is taken again.
    package func refuseWaiting(with error: RegistryError) {
        let refused = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for job in refused { job.answer.resume(returning: .failure(error)) }
    }

    /// Answers all that wait with `error`, and each that comes after.
    package func end(with error: RegistryError) {
        let abandoned = state.withLock { state in
            state.end = error
            defer { state.waiting = [] }
            return state.waiting
        }
        for job in abandoned { job.answer.resume(returning: .failure(error)) }
    }
}
