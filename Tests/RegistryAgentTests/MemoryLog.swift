import RegistryModel
import RoutingTable
import Synchronization
import TableSamples

@testable import RegistryAgent

/// A log in memory, with everything that can go wrong with a real one.
final class MemoryLog: FollowedLog {
    struct State {
        var epoch = Epoch("epoch")
        var domains: [FQDN: Domain] = [:]
        var locations: [LocationName] = [japan, aws]
        var revisions: [RevisionChanges] = []
        /// Revisions up to this one are forgotten.
        var oldest: Int64 = 0
        /// Revisions that the stream leaves out.
        var lost: Set<Int64> = []
        var isAway = false
        var hasSnapshots = true
        /// Ends each reading after so many events.
        var breaksAfter = Int.max
        var digest: String?
        /// What the snapshot says instead of how many domains it has.
        var claims: Int?
        var snapshots = 0
        var connections = 0

        var head: Revision { revisions.last?.revision ?? .zero }
    }

    let state = Mutex(State())

    func change<Result: Sendable>(_ body: @Sendable (inout State) -> Result) -> Result {
        state.withLock { body(&$0) }
    }

    func snapshot(
        into load: any TableLoad, admit: (SnapshotFacts) throws(FollowError) -> Void
    ) async throws(FollowError) -> SnapshotFacts {
        let state = change { state in
            state.snapshots += 1
            return state
        }
        guard !state.isAway, state.hasSnapshots else { throw .unavailable("away") }
        let facts = SnapshotFacts(
            position: Position(epoch: state.epoch, revision: state.head),
            count: state.claims ?? state.domains.count)
        try admit(facts)
        load.add(state.locations.map { location($0) })
        load.add(Array(state.domains.values))
        guard facts.count == state.domains.count else {
            throw .refused(.corrupt("a wrong count"))
        }
        return facts
    }

    func follow(
        after position: Position, staging stage: () -> any TableStage,
        _ receive: (FollowEvent) async throws(FollowError) -> Void
    ) async throws(FollowError) {
        change { $0.connections += 1 }
        guard !state.withLock(\.isAway) else { throw .unavailable("away") }
        try await receive(.opened)
        var last = position.revision
        var events = 0
        while !Task.isCancelled {
            let state = state.withLock { $0 }
            guard !state.isAway else { throw .unavailable("away") }
            guard state.epoch == position.epoch, last.number >= state.oldest, last <= state.head
            else { throw .resync("410") }
            // What one event says has no gaps: a revision that is lost ends it.
            let rest = state.revisions.filter {
                $0.revision > last && !state.lost.contains($0.revision.number)
            }
            var more: [RevisionChanges] = []
            for next in rest.prefix(3)
            where more.last.map({ $0.revision.next == next.revision }) ?? true {
                more.append(next)
            }
            if more.isEmpty {
                if let digest = state.digest {
                    try await receive(.heartbeat(head: state.head, digest: digest))
                }
                await Task.yield()
            } else {
                let staged = stage()
                for revision in more { staged.add(revision) }
                let first = Revision((more.first?.revision.number ?? 1) - 1)
                last = more.last?.revision ?? last
                try await receive(
                    .revisions(
                        staged, after: first, through: last, epoch: state.epoch, head: state.head)
                )
            }
            events += 1
            if events >= state.breaksAfter { throw .unavailable("broken off") }
        }
        throw .cancelled
    }

    /// Makes the next revision of a model's.
    func add(_ changes: RevisionChanges, _ domains: [FQDN: Domain], _ places: [LocationName]) {
        change { state in
            state.revisions.append(changes)
            state.domains = domains
            state.locations = places
        }
    }
}

/// Runs a follower around `body`.
func following(
    _ log: MemoryLog, into table: some RoutingTable,
    _ settings: Follower.Settings = .quick,
    tell: @escaping @Sendable (Follower.Progress) -> Void = { _ in },
    _ body: () async throws -> Void
) async throws {
    let follower = Follower(log, into: table, settings, tell: tell)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await follower.run() }
        try await body()
        group.cancelAll()
    }
}

extension Follower.Settings {
    static var quick: Follower.Settings {
        var settings = Follower.Settings()
        settings.backoff = Backoff(first: .microseconds(100), longest: .milliseconds(2))
        return settings
    }
}
