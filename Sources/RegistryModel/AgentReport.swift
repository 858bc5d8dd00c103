/// What an agent has said to a node, on its way to the store.
public struct AgentReport: Sendable {
    public var name: AgentName
    /// What it has applied; nil: nothing.
    public var applied: Position?
    /// How long ago it said so. Asked when it's written, because a report may wait until then.
    public var age: @Sendable () -> Duration
    /// The sighting that this node wrote down last. Where the store has another one by now, another node
    /// has heard the agent since, and this report changes nothing. Nil: it comes after whatever is there.
    public var follows: Timestamp?
    /// What it has beyond the log's end, where it has said so.
    public var ahead: Position?

    public init(
        _ name: AgentName, applied: Position?, age: @escaping @Sendable () -> Duration = { .zero },
        follows: Timestamp? = nil, ahead: Position? = nil
    ) {
        self.name = name
        self.applied = applied
        self.age = age
        self.follows = follows
        self.ahead = ahead
    }
}

extension AgentRecord {
    /// Takes in a report, where it counts.
    ///
    /// A sighting is the report's number, too: two that follow one another are never equal.
    ///
    /// - Parameter seen: when the agent said so, by the store's clock.
    /// - Returns: false where another node has heard it since, or it was evicted after it said so.
    public mutating func take(_ report: AgentReport, seen: Timestamp) -> Bool {
        if let follows = report.follows {
            guard follows == lastSeen else { return false }
            if isEvicted, let eviction, seen <= eviction.at { return false }
        }
        applied = report.applied
        if let found = report.ahead { ahead = found }
        let earliest = max(firstSeen, eviction?.at ?? firstSeen)
        lastSeen =
            seen != lastSeen && seen > earliest
            ? seen : max(lastSeen, eviction?.at ?? lastSeen).adding(.milliseconds(1))
        return true
    }

    /// Whether what it has can't be told at `now`, because it said nothing for longer than its lease. A
    /// sighting that's as far ahead is of a clock that was wrong.
    public func isSilent(at now: Timestamp, lease: Duration) -> Bool {
        lastSeen.adding(lease) < now || now.adding(lease) < lastSeen
    }
}

/// Every agent as a store knows them.
public struct AgentRoll: Sendable {
    /// Evicted ones too, by name.
    public var agents: [AgentRecord]
    /// When it was read, by the store's clock.
    public var time: Timestamp

    public init(agents: [AgentRecord], time: Timestamp) {
        self.agents = agents
        self.time = time
    }
}

/// Which agents have applied a revision.
public struct Convergence: Sendable, Hashable {
    /// Those that count: known, and not evicted.
    public var agents: Int
    public var converged: Int
    /// By name.
    public var lagging: [AgentName]

    public init(agents: Int, converged: Int, lagging: [AgentName]) {
        self.agents = agents
        self.converged = converged
        self.lagging = lagging
    }

    /// Stands for agents that there is no room for. No agent can have the name.
    public static let others = AgentName(canonical: "*")

    /// The same, where there may be agents that nobody has written down: they answer their proxies, and
    /// nobody knows what they have.
    public func withOthers(_ areThere: Bool) -> Convergence {
        guard areThere else { return self }
        return Convergence(
            agents: agents + 1, converged: converged, lagging: [Self.others] + lagging)
    }

    public var isWhole: Bool { lagging.isEmpty }
}

/// Tells whether whoever is to get what a task reads is still there: long reads ask between two steps, and end
/// with their reader.
///
/// It's a class, for with a task-local value of a function's type a release build of Swift 6.3.1 crashed: the
/// second `withValue` was given no type.
public final class ReaderPresence: Sendable {
    /// Nil: nobody in particular reads.
    @TaskLocal public static var current: ReaderPresence?

    private let answer: @Sendable () -> Bool

    public init(_ answer: @escaping @Sendable () -> Bool) {
        self.answer = answer
    }

    public func isThere() -> Bool { answer() }
}
