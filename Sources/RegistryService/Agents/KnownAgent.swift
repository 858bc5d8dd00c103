import RegistryModel

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
