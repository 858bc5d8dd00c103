import RegistryModel
import Synchronization

/// An agent as this process knows it.
struct KnownAgent: Sendable {
    var record: AgentRecord
    /// Whether it has reported to this process. What the store remembers of it isn't proof: the agent may
    /// have started again since, from an older copy.
    var hasReported: Bool
    /// Whether the store has yet to hear of its last report.
    var isUnsaved: Bool
    /// When that came, of the process's life.
    var heardAt: Duration
    /// The sighting that the store has; nil where that isn't known.
    var sighting: Timestamp?
    /// When no lease of it runs any more, of the process's life. After a start that's later than need be: what was answered
    /// before is as old as the process at least.
    private(set) var leaseEnd = Duration.zero
    /// The longest time, of those that the store knows, that a lease may run.
    private(set) var bound = Duration.zero

    /// One that the store remembers.
    init(stored record: AgentRecord) {
        self.record = record
        hasReported = false
        isUnsaved = false
        heardAt = .zero
        sighting = record.lastSeen
        bound = Self.bound(of: record)
        leaseEnd = bound
    }

    /// One that was never heard of.
    init(new record: AgentRecord, heardAt: Duration) {
        self.record = record
        hasReported = true
        isUnsaved = true
        self.heardAt = heardAt
        bound = Self.bound(of: record)
        leaseEnd = heardAt + bound
    }

    /// It's answered with a lease that may run for so long, or with none.
    ///
    /// - Returns: whether the store must know of it first.
    mutating func take(fences: Bool, bound: Duration, at now: Duration) -> Bool {
        let isNew = record.fences != fences || fences && self.bound < bound
        record.fences = fences
        guard fences else { return isNew }
        self.bound = max(self.bound, bound)
        leaseEnd = max(leaseEnd, now + bound)
        record.leaseUntil = record.lastSeen.adding(self.bound)
        return isNew
    }

    private static func bound(of record: AgentRecord) -> Duration {
        guard let end = record.leaseUntil else { return .zero }
        return .milliseconds(end.milliseconds - record.lastSeen.milliseconds)
    }

    var isEvicted: Bool { record.isEvicted }

    /// Silent past its lease, or not heard of since this process started: what it has is anybody's guess.
    ///
    /// - Parameter uptime: how long the process has been running. A clock on the wall that is set back would
    ///   lengthen the lease of an agent that has died.
    func isSilent(at uptime: Duration, lease: Duration) -> Bool {
        !hasReported || heardAt + lease < uptime
    }

    /// The last revision that it's known to have applied. One of another epoch is none.
    func applied(in epoch: Epoch) -> Revision {
        guard let applied = record.applied, applied.epoch == epoch else { return .zero }
        return applied.revision
    }

    /// Whether it has applied `position`, and it can be relied on now.
    func has(_ position: Position, at uptime: Duration, lease: Duration) -> Bool {
        guard !isSilent(at: uptime, lease: lease), let applied = record.applied else {
            return false
        }
        return applied.epoch == position.epoch && applied.revision >= position.revision
    }
}

/// Agents that have revisions which the log hasn't, under the log's own epoch: the store was put back, and its
/// numbers now mean other changes than they meant before.
///
/// The node goes on serving: whoever may read may say anything, and must not be able to stop a registry with it.
/// The store keeps what was said with a token, and the next start asks (`Rewind`): a request without one proves
/// nothing, and whoever sent it can't be told apart.
extension RegistryService {
    /// How many agents have said so under the epoch that there is, and aren't evicted.
    public func agentsAhead() -> Int {
        guard let epoch = try? position().epoch else { return 0 }
        return (shared?.ahead(of: epoch) ?? agents.ahead(of: epoch)).count
    }

    /// - Parameter applied: beyond this node's table.
    /// - Returns: nil where the log has it, and this node is only behind.
    func beyondLog(_ applied: Position) async throws(RegistryError) -> Position? {
        let head =
            if let shared = store as? any SharedStore {
                try await shared.headOfPrimary()
            } else {
                try await store.head()
            }
        return head.epoch == applied.epoch && applied.revision > head.revision ? applied : nil
    }

    func sayOnce(that agent: AgentName, has applied: Position, _ head: Position) {
        guard aheadTold.isFirst(agent) else { return }
        logger.error(
            "an agent has a revision that the log hasn't: the store was put back, or the report is wrong; the next start asks",
            metadata: [
                "agent": "\(agent)", "agent_revision": "\(applied.revision)",
                "revision": "\(head.revision)", "epoch": "\(head.epoch)",
            ])
    }
}

extension AgentRecord {
    /// Whether it counts, and has said to have a revision of this epoch that the log hadn't.
    func isAhead(in epoch: Epoch) -> Bool { !isEvicted && ahead?.epoch == epoch }
}

/// Which agents the operator has been told of.
final class AheadNotices: Sendable {
    private let names = Mutex<Set<AgentName>>([])

    /// Not without end: whoever may read may report under any name.
    func isFirst(_ name: AgentName) -> Bool {
        names.withLock { names in
            guard names.count < AgentDirectory.maximumAgents else { return false }
            return names.insert(name).inserted
        }
    }

    func forget(_ name: AgentName) { names.withLock { _ = $0.remove(name) } }
}
