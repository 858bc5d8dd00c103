import RegistryModel

/// An agent as this process knows it.
struct KnownAgent: Sendable {
    var record: AgentRecord
    /// Whether it has reported to this process. What the store remembers of it isn't proof: the agent may
    /// have started again since, from an older copy.
    var hasReported: Bool
    /// Whether the store has yet to hear of its last report, and when that came, of the process's life.
    var isUnsaved: Bool
    var heardAt: Duration
    /// The sighting that the store has; nil where that isn't known.
    var sighting: Timestamp?

    /// One that the store remembers.
    init(stored record: AgentRecord) {
        self.record = record
        hasReported = false
        isUnsaved = false
        heardAt = .zero
        sighting = record.lastSeen
    }

    /// One that was never heard of.
    init(new record: AgentRecord, heardAt: Duration) {
        self.record = record
        hasReported = true
        isUnsaved = true
        self.heardAt = heardAt
    }

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
