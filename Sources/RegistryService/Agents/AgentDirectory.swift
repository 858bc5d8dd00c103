import AsyncWaiting
import RegistryModel
import Synchronization

/// Which agents there are, and what each has applied, in memory: of a store that is one node's own.
/// Where several nodes share one, `SharedAgents` asks the store.
///
/// An agent counts from its first report on until it's evicted. It has a revision when it has said so to
/// this process within its lease: after a restart everybody lags until heard of again.
public final class AgentDirectory: Sendable {
    /// How long an agent's word counts.
    public let lease: Duration
    let fence: FenceRule
    let limit: Int
    /// How long the process has been running: what ages are measured by.
    let uptime: @Sendable () -> Duration
    /// Those who wait for agents to get on.
    let watches = Waiters<Void>()
    private let state = Mutex(State())

    private struct State {
        var agents: [AgentName: KnownAgent] = [:]
        /// Those that count.
        var living = 0
        /// When a new one was last turned away.
        var refusedAt: Duration?
    }

    /// Agents that count, at most: whoever may read may report, under any name.
    public static let maximumAgents = 10_000

    public init(
        lease: Duration = .seconds(60), fence: FenceRule = FenceRule(), limit: Int = maximumAgents,
        uptime: @escaping @Sendable () -> Duration = monotonic()
    ) {
        self.lease = lease
        self.fence = fence
        self.limit = limit
        self.uptime = uptime
    }

    /// The time since now, whatever the clocks on the wall say.
    public static func monotonic() -> @Sendable () -> Duration {
        let start = ContinuousClock.now
        return { start.duration(to: .now) }
    }

    /// Takes in what the store remembers.
    func load(_ records: [AgentRecord]) {
        state.withLock { state in
            for record in records where state.agents[record.name] == nil {
                state.agents[record.name] = KnownAgent(stored: record)
                if !record.isEvicted { state.living += 1 }
            }
        }
    }

    /// An agent says what it has applied.
    ///
    /// - Parameters:
    ///   - applied: nil: nothing.
    ///   - ahead: what it has beyond the log's end.
    ///   - fences: whether it's to have a lease.
    /// - Returns: whether the store must hear of it before the agent is answered: it's new, or back from an
    ///   eviction, or has more than the log, or gets a longer lease than ever before.
    /// - Throws: `tooManyAgents`.
    func report(
        _ name: AgentName, applied: Position?, ahead: Position? = nil, fences: Bool = false,
        at now: Timestamp
    ) throws(RegistryError) -> Bool {
        let heardAt = uptime()
        let bound = fence.bound
        let isUrgent = try state.withLock { state throws(RegistryError) in
            guard var agent = state.agents[name] else {
                guard state.living < limit else {
                    state.refusedAt = heardAt
                    throw .tooManyAgents(limit: limit)
                }
                state.living += 1
                let record = AgentRecord(
                    name: name, applied: applied, firstSeen: now, lastSeen: now, ahead: ahead,
                    fences: fences, leaseUntil: fences ? now.adding(bound) : nil)
                state.agents[name] = KnownAgent(new: record, heardAt: heardAt)
                return true
            }
            let wasEvicted = agent.isEvicted
            // Later than its eviction, whatever the clock says: it's here.
            let back = agent.record.eviction.map { $0.at.adding(.milliseconds(1)) } ?? now
            agent.record.lastSeen = max(now, agent.record.lastSeen, back)
            agent.record.applied = applied
            let isAhead = ahead != nil && agent.record.ahead != ahead
            let fencesAnew = agent.take(fences: fences, bound: bound, at: heardAt)
            if let ahead { agent.record.ahead = ahead }
            agent.hasReported = true
            agent.heardAt = heardAt
            agent.isUnsaved = true
            if wasEvicted {
                agent.sighting = nil
                state.living += 1
            }
            state.agents[name] = agent
            return wasEvicted || isAhead || fencesAnew
        }
        watches.wakeAll()
        return isUrgent
    }

    /// The store has evicted it. Who waits for it waits no longer.
    func evict(_ name: AgentName, _ eviction: Eviction) {
        state.withLock { state in
            guard var agent = state.agents[name] else { return }
            if !agent.isEvicted { state.living -= 1 }
            agent.record.eviction = eviction
            agent.record.eviction?.at = max(eviction.at, agent.record.lastSeen)
            agent.record.ahead = nil
            agent.isUnsaved = false
            state.agents[name] = agent
        }
        watches.wakeAll()
    }

    /// The store has forgotten them.
    func forget(_ names: [AgentName]) {
        state.withLock { state in
            for name in names where state.agents[name]?.isEvicted == true {
                state.agents[name] = nil
            }
        }
    }

    func record(of name: AgentName) -> AgentRecord? {
        state.withLock { $0.agents[name]?.record }
    }

    /// Those that count, or those that are evicted, by name.
    func agents(evicted: Bool) -> [KnownAgent] {
        state.withLock { state in state.agents.values.filter { $0.isEvicted == evicted } }
            .sorted { $0.record.name < $1.record.name }
    }

    /// Those that have said to have revisions of this epoch which the log hasn't.
    func ahead(of epoch: Epoch) -> [AgentRecord] {
        state.withLock { $0.agents.values.map(\.record).filter { $0.isAhead(in: epoch) } }
    }

    /// Who has `position` now.
    func convergence(at position: Position) -> Convergence {
        let (agents, now) = (agents(evicted: false), uptime())
        let lagging = agents.filter { !$0.has(position, at: now, lease: lease) }
        let convergence = Convergence(
            agents: agents.count, converged: agents.count - lagging.count,
            lagging: lagging.map(\.record.name))
        let refusedAt = state.withLock(\.refusedAt)
        return convergence.withOthers(
            agents.count >= limit || (refusedAt.map { $0 + lease >= now } ?? false))
    }

    /// Each that counts, by name.
    func standings(to question: FenceQuestion) -> [FenceStanding] {
        let now = uptime()
        return agents(evicted: false).map {
            FenceStanding($0.record, question, isLeaseOver: $0.leaseEnd <= now)
        }
    }

    /// Who has the freeze of a wave, and who lets nothing through without it.
    func safety(of question: FenceQuestion) -> FenceSafety {
        let (agents, now) = (agents(evicted: false), uptime())
        let safety = FenceSafety(
            agents.map { agent in
                let isLeaseOver = agent.leaseEnd <= now
                return (
                    agent.record.name,
                    agent.record.standing(to: question, isLeaseOver: isLeaseOver)
                )
            })
        let refusedAt = state.withLock(\.refusedAt)
        return safety.withOthers(
            agents.count >= limit || (refusedAt.map { $0 + lease >= now } ?? false))
    }

    /// How many count, and how many of those are silent.
    func counts() -> (agents: Int, silent: Int) {
        let (agents, now) = (agents(evicted: false), uptime())
        return (agents.count, agents.count { $0.isSilent(at: now, lease: lease) })
    }

    /// What the store hasn't heard of yet, of all or of one.
    func takeUnsaved(of name: AgentName? = nil) -> [AgentReport] {
        let uptime = uptime
        return state.withLock { state in
            let unsaved = state.agents.values.filter {
                $0.isUnsaved && name.map { [own = $0.record.name] in $0 == own } ?? true
            }
            return unsaved.map { agent in
                state.agents[agent.record.name]?.isUnsaved = false
                return AgentReport(
                    agent.record.name, applied: agent.record.applied,
                    age: { uptime() - agent.heardAt }, follows: agent.sighting,
                    ahead: agent.record.ahead, lease: agent.record.fences ? agent.bound : nil)
            }
        }
    }

    /// The store has heard of them. Where one changed nothing, the next begins anew.
    func saved(_ reports: [AgentReport], _ sightings: [AgentName: Timestamp]) {
        state.withLock { state in
            for report in reports { state.agents[report.name]?.sighting = sightings[report.name] }
        }
    }

    /// Puts back what the store couldn't take.
    func keepUnsaved(_ reports: [AgentReport]) {
        state.withLock { state in
            for report in reports { state.agents[report.name]?.isUnsaved = true }
        }
    }
}

extension AgentDirectory {
    /// Waits until every agent that counts has `position`, or `limit` has passed.
    ///
    /// Woken by reports and evictions. That an agent falls silent wakes nobody: it doesn't make anything
    /// whole.
    func wait(for position: Position, within limit: Duration) async -> Convergence {
        if limit > .zero {
            await watches.look(within: limit) { convergence(at: position).isWhole }
        }
        return convergence(at: position)
    }

    /// Waits until the wave is safe, or `limit` has passed. That a lease is over wakes nobody: it's looked at now and then.
    func wait(until question: FenceQuestion, within limit: Duration) async -> FenceSafety {
        if limit > .zero {
            await watches.look(within: limit, every: Self.interval) {
                safety(of: question).isSafe
            }
        }
        return safety(of: question)
    }

    private static let interval = Duration.milliseconds(50)

    /// How many waits are under way.
    public var waits: Int { watches.lookers }
}
