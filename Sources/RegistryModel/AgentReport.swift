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
    /// How long the lease that it's answered with may run, by anybody's clock; nil: it doesn't fence itself, and gets none.
    public var lease: Duration?

    public init(
        _ name: AgentName, applied: Position?, age: @escaping @Sendable () -> Duration = { .zero },
        follows: Timestamp? = nil, ahead: Position? = nil, lease: Duration? = nil
    ) {
        self.name = name
        self.applied = applied
        self.age = age
        self.follows = follows
        self.ahead = ahead
        self.lease = lease
    }
}

extension AgentRecord {
    /// Takes in a report, where it counts.
    ///
    /// A sighting is the report's number, too: two that follow one another are never equal. None is before the one before
    /// it, for a lease is judged by it, unless that one is still to come: then the clock was wrong.
    ///
    /// - Parameters:
    ///   - seen: when the agent said so, by the store's clock.
    ///   - now: that clock, read when nobody else could write the agent any more.
    /// - Returns: false where another node has heard it since, or it was evicted after it said so.
    public mutating func take(_ report: AgentReport, seen: Timestamp, now: Timestamp) -> Bool {
        if let follows = report.follows {
            guard follows == lastSeen else { return false }
            if isEvicted, let eviction, seen <= eviction.at { return false }
        }
        applied = report.applied
        if let found = report.ahead { ahead = found }
        var earliest = max(firstSeen, eviction?.at ?? firstSeen)
        if lastSeen <= now { earliest = max(earliest, lastSeen) }
        lastSeen =
            seen != lastSeen && seen > earliest
            ? seen : max(lastSeen, eviction?.at ?? lastSeen).adding(.milliseconds(1))
        fences = report.lease != nil
        if let lease = report.lease {
            let end = lastSeen.adding(lease)
            leaseUntil = leaseUntil.map { max($0, end) } ?? end
        }
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

/// What an agent that fences itself may do after a report: let writes through to announced domains, for a while.
public struct FenceLease: Sendable, Hashable {
    /// It counts once the agent has applied this.
    public var head: Revision
    /// From when the agent sent its report.
    public var length: Duration

    public init(head: Revision, length: Duration) {
        (self.head, self.length) = (head, length)
    }
}

/// How long leases last, and when one is over whatever the agent's clock is like.
public struct FenceRule: Sendable, Hashable {
    /// Of a lease.
    public var length: Duration

    public init(after length: Duration = .seconds(20)) {
        self.length = length
    }

    /// A clock may run two percent too slow, and what was answered a moment before the end is under way for half a second.
    public var bound: Duration { length + length / 50 + .milliseconds(500) }
}

/// Whether a write can still get to the domains of a frozen wave at its source, by what each agent has said.
public struct FenceSafety: Sendable, Hashable {
    /// Those that count: known, and not evicted.
    public var agents: Int
    /// Those that have the freeze.
    public var applied: Int
    /// Those that know the announcement, and whose lease is over: they answer its domains as frozen by themselves.
    public var fenced: Int
    /// The others, by name.
    public var unsafe: [AgentName]

    public init(agents: Int, applied: Int, fenced: Int, unsafe: [AgentName]) {
        (self.agents, self.applied, self.fenced) = (agents, applied, fenced)
        self.unsafe = unsafe
    }

    public var isSafe: Bool { unsafe.isEmpty }

    /// The same, where there may be agents that nobody has written down.
    package func withOthers(_ areThere: Bool) -> FenceSafety {
        guard areThere else { return self }
        return FenceSafety(
            agents: agents + 1, applied: applied, fenced: fenced,
            unsafe: [Convergence.others] + unsafe)
    }
}

/// What is asked of agents about a wave: whether they have its freeze, or know that it was announced.
public struct FenceQuestion: Sendable, Hashable {
    public var epoch: Epoch
    public var announcement: Revision
    public var freeze: Revision

    public init(epoch: Epoch, announcement: Revision, freeze: Revision) {
        (self.epoch, self.announcement, self.freeze) = (epoch, announcement, freeze)
    }
}

extension AgentRecord {
    package enum Standing: Hashable, Sendable {
        case applied
        case fenced
        case unsafe
    }

    /// - Parameter isLeaseOver: whether a lease that it may have had is.
    package func standing(to question: FenceQuestion, isLeaseOver: Bool) -> Standing {
        guard let applied, applied.epoch == question.epoch else { return .unsafe }
        if applied.revision >= question.freeze { return .applied }
        let knows = fences && applied.revision >= question.announcement
        return knows && isLeaseOver ? .fenced : .unsafe
    }
}

extension FenceSafety {
    package init(_ standings: [(AgentName, AgentRecord.Standing)]) {
        self.init(
            agents: standings.count, applied: standings.count { $0.1 == .applied },
            fenced: standings.count { $0.1 == .fenced },
            unsafe: standings.filter { $0.1 == .unsafe }.map(\.0).sorted())
    }
}

/// One agent, as far as a wave that is announced or frozen since is concerned.
public struct FenceStanding: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// It has the freeze.
        case applied
        /// It knows the announcement, and its lease is over.
        case fenced
        /// It knows the announcement of a wave that isn't frozen yet, and fences itself when it's cut off.
        case informed
        /// It may let a write through, or doesn't know of the wave.
        case unsafe
    }

    public var name: AgentName
    public var state: State
    /// The last revision that it's known to have applied, of this epoch.
    public var revision: Revision
    /// When it was heard last, or since when no lease of one that is fenced runs any more.
    public var since: Timestamp

    public init(name: AgentName, state: State, revision: Revision, since: Timestamp) {
        (self.name, self.state, self.revision, self.since) = (name, state, revision, since)
    }
}

/// Who is how far with a wave that was announced.
public struct WaveSafety: Sendable, Hashable {
    public var migration: String
    public var wave: Int
    public var state: WaveState
    public var announcement: Revision
    /// Nil: it isn't frozen yet.
    public var freeze: Revision?
    /// By name.
    public var agents: [FenceStanding]

    public init(
        _ name: WaveName, state: WaveState, announcement: Revision, freeze: Revision?,
        agents: [FenceStanding]
    ) {
        (migration, wave, self.state) = (name.migration, name.number, state)
        (self.announcement, self.freeze, self.agents) = (announcement, freeze, agents)
    }
}

extension FenceStanding {
    package init(
        _ agent: AgentRecord, _ question: FenceQuestion, isLeaseOver: Bool
    ) {
        let applied = agent.applied.flatMap { $0.epoch == question.epoch ? $0.revision : nil }
        let state: State =
            switch agent.standing(to: question, isLeaseOver: isLeaseOver) {
            case .applied: .applied
            case .fenced: .fenced
            case .unsafe:
                question.freeze == .never && agent.fences
                    && (applied ?? .zero) >= question.announcement
                    ? .informed : .unsafe
            }
        self.init(
            name: agent.name, state: state, revision: applied ?? .zero,
            since: state == .fenced ? agent.leaseUntil ?? agent.lastSeen : agent.lastSeen)
    }
}

extension Revision {
    /// Of what hasn't been done.
    package static let never = Revision(.max)
}
