import RegistryModel

/// An agent as this process knows it.
struct KnownAgent: Sendable {
    var record: AgentRecord
    /// Whether it has reported to this process. What the store remembers of it isn't proof: the agent may
    /// have started again since, from an older copy.
    var hasReported: Bool
    /// Whether the store has yet to hear of its last report.
    var isUnsaved: Bool

    var isEvicted: Bool { record.isEvicted }

    /// Silent past its lease, or not heard of since this process started: what it has is anybody's guess.
    func isSilent(at now: Timestamp, lease: Duration) -> Bool {
        !hasReported || record.lastSeen.adding(lease) < now
    }

    /// The last revision that it's known to have applied. One of another epoch is none.
    func applied(in epoch: Epoch) -> Revision {
        guard let applied = record.applied, applied.epoch == epoch else { return .zero }
        return applied.revision
    }

    /// Whether it has applied `position`, and it can be relied on now.
    func has(_ position: Position, at now: Timestamp, lease: Duration) -> Bool {
        guard !isSilent(at: now, lease: lease), let applied = record.applied else { return false }
        return applied.epoch == position.epoch && applied.revision >= position.revision
    }
}
