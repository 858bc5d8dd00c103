/// Where one wave of a migration stands. The states and steps of API.md §5, and no others.
public enum WaveState: String, Hashable, Sendable, Codable, CaseIterable {
    case planned, frozen, moved
    case rolledBack = "rolled_back"
    case finalized, cancelled

    /// What can be done to a wave.
    public enum Event: String, Hashable, Sendable, CaseIterable {
        case freeze, cutOver, thaw, rollBack, finalize, cancel
    }

    /// A step that the state doesn't allow.
    public struct Illegal: Error, Hashable, Sendable {
        public let event: Event
        public let state: WaveState
    }

    /// - Parameter freezes: whether the migration freezes its waves: then a planned wave is frozen
    ///   before it moves, and otherwise it never is.
    /// - Throws: for everything that isn't written here.
    public func after(_ event: Event, freezes: Bool) throws(Illegal) -> WaveState {
        switch (self, event) {
        case (.planned, .freeze) where freezes: .frozen
        case (.planned, .cutOver) where !freezes: .moved
        case (.frozen, .cutOver): .moved
        case (.frozen, .thaw): .planned
        case (.moved, .rollBack): .rolledBack
        case (.moved, .finalize): .finalized
        case (.planned, .cancel), (.frozen, .cancel): .cancelled
        default: throw Illegal(event: event, state: self)
        }
    }

    /// Whether the wave may still move: its domains are spoken for.
    public var isOpen: Bool { self == .planned || self == .frozen }
}

/// Where a migration as a whole stands.
public enum MigrationState: String, Hashable, Sendable, Codable, CaseIterable {
    case planned, running, finalized, cancelled

    /// Whether anything can still happen to it.
    public var isOpen: Bool { self == .planned || self == .running }

    /// The state that a migration has once its waves are in these: what has moved keeps it running
    /// until it is finalized.
    ///
    /// - Parameter waves: after the step, which is neither finalizing nor a plan.
    public static func running(with waves: [WaveState]) -> MigrationState {
        let isOver = !waves.isEmpty && waves.allSatisfy { $0 == .cancelled }
        return isOver ? .cancelled : .running
    }
}
