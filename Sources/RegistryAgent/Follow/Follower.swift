import RegistryModel
import RoutingTable

/// Keeps a table at the head of a log: reads a snapshot where it has to, applies every revision after
/// it in order, and begins anew where something is missing. Readers see whole revisions only, and keep
/// the last good table whatever happens to the source.
package struct Follower: Sendable {
    package struct Settings: Sendable {
        package var backoff = Backoff()
        package var admission = SnapshotGuard()
        /// How often the table is read whole although nothing seems to be missing.
        package var refresh = Duration.seconds(3600)

        package init() {}
    }

    /// What has happened, for whoever keeps others informed.
    package enum Progress: Sendable, Hashable {
        case opened
        case loaded(Position, count: Int)
        case applied(Position, head: Revision)
        case heartbeat(head: Revision)
        /// Tried again after `wait`.
        case failed(FollowError, wait: Duration)
    }

    private let log: any FollowedLog
    private let table: any RoutingTable
    private let settings: Settings
    private let tell: @Sendable (Progress) -> Void
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - tell: called in order, and waited for.
    ///   - sleep: throws where the task is cancelled.
    package init(
        _ log: any FollowedLog, into table: any RoutingTable, _ settings: Settings = Settings(),
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        },
        tell: @escaping @Sendable (Progress) -> Void = { _ in }
    ) {
        self.log = log
        self.table = table
        self.settings = settings
        self.sleep = sleep
        self.tell = tell
    }

    /// What a turn of the loop leaves to the next one.
    private struct LoopState {
        /// Whether the table has to be read whole first.
        var mustLoad: Bool
        /// Whether the table can go on without that.
        var isUsable: Bool
        var failures = 0
        var refreshAt: ContinuousClock.Instant
    }

    /// Until the task is cancelled.
    package func run() async {
        let isEmpty = table.position == nil
        var loop = LoopState(mustLoad: isEmpty, isUsable: !isEmpty, refreshAt: nextRefresh)
        while !Task.isCancelled {
            do throws(FollowError) {
                if loop.mustLoad { try await load(&loop) }
                try await follow(&loop)
            } catch {
                guard error != .cancelled, !Task.isCancelled else { return }
                guard await rest(after: error, &loop) else { return }
            }
        }
    }

    private var nextRefresh: ContinuousClock.Instant { .now + settings.refresh }

    /// - Returns: false where the task is cancelled.
    private func rest(after error: FollowError, _ loop: inout LoopState) async -> Bool {
        switch error {
        case .resync:
            loop.mustLoad = true
            loop.isUsable = false
        case .refused, .unavailable:
            // A refresh that came to nothing isn't a reason to stop following.
            if loop.mustLoad, loop.isUsable { loop.refreshAt = nextRefresh }
            loop.mustLoad = !loop.isUsable
        case .cancelled: break
        }
        let wait = settings.backoff.wait(
            after: loop.failures, chance: Double.random(in: 0...1))
        loop.failures += 1
        tell(.failed(error, wait: wait))
        return (try? await sleep(wait)) != nil
    }

    private func load(_ loop: inout LoopState) async throws(FollowError) {
        let load = table.beginLoad()
        let now = try? table.statistics()
        let current: SnapshotFacts?
        if let now, let position = table.position {
            current = SnapshotFacts(position: position, count: now.value.total)
        } else {
            current = nil
        }
        let facts = try await log.snapshot(into: load) { facts throws(FollowError) in
            do throws(SnapshotRefusal) {
                try settings.admission.admit(facts, before: current)
            } catch {
                throw .refused(error)
            }
        }
        guard load.finish(at: facts.position) else { throw .refused(.tooLarge) }
        loop.mustLoad = false
        loop.isUsable = true
        loop.refreshAt = nextRefresh
        tell(.loaded(facts.position, count: facts.count))
    }

    private func follow(_ loop: inout LoopState) async throws(FollowError) {
        guard let position = table.position else { throw .resync("there is no table yet") }
        var isDue = false
        do throws(FollowError) {
            try await log.follow(after: position, staging: { table.beginStage() }) {
                event throws(FollowError) in
                try take(event)
                // What came was good: the next failure is a first one.
                if case .opened = event { return }
                loop.failures = 0
                isDue = ContinuousClock.now >= loop.refreshAt
                if isDue { throw .cancelled }
            }
        } catch {
            guard isDue, error == .cancelled else { throw error }
            loop.mustLoad = true
            return
        }
        throw .unavailable("the feed ended")
    }

    private func take(_ event: FollowEvent) throws(FollowError) {
        switch event {
        case .opened: tell(.opened)
        case .revisions(let stage, let first, let last, let epoch, let head):
            guard epoch == table.position?.epoch else {
                throw .resync("the registry's epoch is \(epoch) now")
            }
            guard stage.apply(after: first, through: last) else {
                let position = table.position?.revision ?? .zero
                throw .resync("something is missing between revisions \(position) and \(last)")
            }
            if let position = table.position { tell(.applied(position, head: head)) }
        case .heartbeat(let head, let digest):
            try compare(digest, at: head)
            tell(.heartbeat(head: head))
        }
    }

    private func compare(_ digest: String, at head: Revision) throws(FollowError) {
        guard let position = table.position else { return }
        // Revisions come before the heartbeat that counts them.
        guard head <= position.revision else {
            throw .resync("the registry is at \(head), and didn't send what follows \(position)")
        }
        guard let own = try? table.digest(), own.revision == head,
            own.value.0.description != digest
        else { return }
        throw .resync("the table differs from the registry's at revision \(head)")
    }
}

/// How long to wait before the next attempt: twice as long each time, up to a limit, and never all
/// copies at once.
package struct Backoff: Sendable, Hashable {
    package var first: Duration
    package var longest: Duration

    package init(first: Duration = .milliseconds(200), longest: Duration = .seconds(30)) {
        self.first = first
        self.longest = longest
    }

    /// - Parameters:
    ///   - failures: in a row, 1 or more; for none there's no wait.
    ///   - chance: 0 to 1. Half of the wait is fixed, half is by chance.
    package func wait(after failures: Int, chance: Double) -> Duration {
        guard failures > 0 else { return .zero }
        // 2^40 times any first wait is beyond any limit.
        let doubled = first * (1 << min(failures - 1, 40))
        let whole = min(longest, doubled)
        return whole / 2 + whole / 2 * max(0, min(1, chance))
    }
}
