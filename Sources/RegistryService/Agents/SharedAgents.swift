import AsyncWaiting
import RegistryModel
import Synchronization

/// The agents of all nodes that share a store. The store knows them: this node tells it what it hears, and
/// asks it who has what. No memory of this node's own answers that, and no clock of its own.
final class SharedAgents: Sendable {
    private let store: any SharedAgentBook
    private let lease: Duration
    private let limit: Int
    private let uptime: @Sendable () -> Duration
    private let watches: Waiters<Void>
    private let report = Mutex(ReportedAgents())
    /// One write at a time: what comes meanwhile goes with the next.
    private let writing = AsyncLock()
    /// Says that an agent has made progress which the store hasn't heard of.
    let progress = Wakeup()
    /// For metrics, which can't ask.
    private let refusedAt = Mutex<Duration?>(nil)
    private let last = Mutex<(roll: AgentRoll, at: Duration)?>(nil)
    private let fence: FenceRule
    /// Since when each agent is as it was seen last, of the process's life: the database's clock may be set.
    private let unchanged = Mutex<[AgentName: (sighting: Timestamp, since: Duration)]>([:])

    /// How often the store is asked while somebody waits, where nothing is heard here.
    private static let interval = Duration.milliseconds(50)

    init(_ store: any SharedAgentBook, _ directory: AgentDirectory) {
        self.store = store
        lease = directory.lease
        fence = directory.fence
        limit = directory.limit
        uptime = directory.uptime
        watches = directory.watches
    }

    // MARK: - What agents say

    /// An agent says what it has applied.
    ///
    /// - Parameters:
    ///   - ahead: what it has beyond the log's end.
    ///   - fences: the run of the process that is to have a lease; nil: it doesn't fence itself.
    /// - Returns: its lease; nil: it has none.
    /// - Throws: `tooManyAgents`; what the store throws where it has to hear of it first. The agent hasn't
    ///   been heard then.
    @discardableResult
    func report(
        _ name: AgentName, applied: Position?, ahead: Position? = nil, fences run: String? = nil
    ) async throws(RegistryError) -> FenceLease? {
        try await hear(name, applied: applied, ahead: ahead, run)
        guard run != nil else { return nil }
        return report.withLock { $0.lease(of: name, run: run, fence, at: uptime()) }
    }

    private func hear(
        _ name: AgentName, applied: Position?, ahead: Position?, _ run: String?
    ) async throws(RegistryError) {
        let bound = run == nil ? nil : fence.bound
        let urgency = report.withLock {
            $0.hear(name, applied: applied, ahead: ahead, run: run, lease: bound, at: uptime())
        }
        switch urgency {
        case .beat: return
        case .progress: progress.wake()
        case .urgent(let number):
            let refusal = try await writing.withLock { () async throws(RegistryError) in
                // Whoever had the turn before may have written this one, too.
                if let outcome = outcome(of: number) { return outcome }
                try? await write()
                return outcome(of: number) ?? .storeUnavailable
            }
            if let refusal {
                if case .tooManyAgents = refusal { refusedAt.withLock { $0 = uptime() } }
                throw refusal
            }
            if let ahead { seen(name, ahead: ahead) }
        }
    }

    /// Reports that aren't answered before the next write.
    var waiting: Int { report.withLock(\.waiting) }

    func speaks(for name: AgentName) -> Bool { report.withLock { $0.speaks(for: name) } }

    private func outcome(of number: Int) -> RegistryError?? {
        report.withLock { $0.outcome(of: number) }
    }

    /// Tells the store what it hasn't heard of, in one go.
    func save() async throws(RegistryError) {
        guard report.withLock(\.hasUnsaved) else { return }
        try await writing.withLock(write)
    }

    private func write() async throws(RegistryError) {
        let taken = report.withLock { $0.take(uptime) }
        guard !taken.isEmpty else { return }
        let began = uptime()
        do throws(RegistryError) {
            let sightings = try await store.note(taken.map(\.report), limit: limit)
            let fences = taken.contains { $0.report.lease != nil }
            let head = fences ? try? await store.headOfPrimary() : nil
            report.withLock {
                $0.saved(taken, sightings, head: head, began: began, limit: limit, at: uptime())
            }
        } catch {
            report.withLock { $0.failed(taken, error) }
            throw error
        }
        watches.wakeAll()
    }

    /// Looks which agents other nodes have heard since.
    func refresh() async throws(RegistryError) {
        try await writing.withLock { () async throws(RegistryError) in
            try await write()
            let roll = try await store.agentRoll()
            report.withLock { $0.compare(with: roll, at: uptime()) }
            observe(roll)
            last.withLock { $0 = (roll, uptime()) }
        }
    }

    func evict(
        _ agent: AgentName, by actor: Actor, _ note: Note, idempotency key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> Eviction? {
        // Before it: a report that comes meanwhile brings the agent back, in the same millisecond too.
        report.withLock { $0.forget(agent) }
        let eviction = try await store.evict(agent, by: actor, note, idempotency: key)
        seen(agent, ahead: nil)
        watches.wakeAll()
        return eviction
    }

    // MARK: - Who has what

    func roll() async throws(RegistryError) -> AgentRoll {
        try await save()
        return try await store.agentRoll()
    }

    /// Waits until every agent that counts has `position`, or `limit` has passed.
    ///
    /// - Throws: what the store throws where it can't be asked at the end of that time.
    func convergence(
        at position: Position, within limit: Duration
    ) async throws(RegistryError) -> Convergence {
        if limit > .zero {
            var whole: Convergence?
            // Many who wait don't ask oftener than a few.
            let interval = Self.interval * (1 + watches.lookers / 8)
            await watches.look(within: limit, every: interval) {
                // A database that's away may be back in time.
                let now = try? await look(at: position)
                if let now, now.isWhole { whole = now }
                return whole != nil
            }
            if let whole { return whole }
        }
        return try await look(at: position)
    }

    // MARK: Who is fenced

    /// Waits until nobody lets a write through to a frozen wave, or `limit` has passed.
    func safety(
        of question: FenceQuestion, within limit: Duration
    ) async throws(RegistryError) -> FenceSafety {
        if limit > .zero {
            var safe: FenceSafety?
            let interval = Self.interval * (1 + watches.lookers / 8)
            await watches.look(within: limit, every: interval) {
                if let now = try? await look(at: question), now.isSafe { safe = now }
                return safe != nil
            }
            if let safe { return safe }
        }
        return try await look(at: question)
    }

    private func look(at question: FenceQuestion) async throws(RegistryError) -> FenceSafety {
        let roll = try await roll()
        observe(roll)
        let standings = roll.agents.filter { !$0.isEvicted }.map { agent in
            (
                agent.name,
                agent.standing(to: question, isLeaseOver: isLeaseOver(agent, at: roll.time))
            )
        }
        let refused = refusedAt.withLock { $0.map { $0 + lease >= uptime() } ?? false }
        return FenceSafety(standings).withOthers(refused || standings.count >= limit)
    }

    /// Each that counts, by name.
    func standings(to question: FenceQuestion) async throws(RegistryError) -> [FenceStanding] {
        let roll = try await roll()
        observe(roll)
        return roll.agents.filter { !$0.isEvicted }.map {
            FenceStanding($0, question, isLeaseOver: isLeaseOver($0, at: roll.time))
        }
    }

    private func observe(_ roll: AgentRoll) {
        let now = uptime()
        unchanged.withLock { unchanged in
            let before = unchanged
            unchanged = [:]
            for agent in roll.agents {
                let known = before[agent.name].flatMap {
                    $0.sighting == agent.lastSeen ? $0 : nil
                }
                unchanged[agent.name] = known ?? (agent.lastSeen, now)
            }
        }
    }

    /// By the database's clock, and by this node's too, which nobody sets: both must say so.
    private func isLeaseOver(_ agent: AgentRecord, at time: Timestamp) -> Bool {
        guard agent.leaseUntil.map({ $0 < time }) ?? true else { return false }
        let known = unchanged.withLock { $0[agent.name] }
        guard let known, known.sighting == agent.lastSeen else { return false }
        return known.since + fence.bound <= uptime()
    }

    private func look(at position: Position) async throws(RegistryError) -> Convergence {
        try await save()
        let convergence = try await store.convergence(at: position, lease: lease)
        let refused = refusedAt.withLock { $0.map { $0 + lease >= uptime() } ?? false }
        return convergence.withOthers(refused || convergence.agents >= limit)
    }

    /// Those that have said to have revisions of this epoch which the log hasn't, as of the last time that this node
    /// looked.
    func ahead(of epoch: Epoch) -> [AgentRecord] {
        last.withLock { $0?.roll.agents.filter { $0.isAhead(in: epoch) } ?? [] }
    }

    /// The other nodes see it at their next look, this one at once: without asking for all of them again, which
    /// whoever makes up names could bring about.
    private func seen(_ name: AgentName, ahead: Position?) {
        last.withLock { last in
            guard let time = last?.roll.time else { return }
            if let index = last?.roll.agents.firstIndex(where: { $0.name == name }) {
                last?.roll.agents[index].ahead = ahead
                if ahead != nil { last?.roll.agents[index].eviction = nil }
            } else if ahead != nil {
                last?.roll.agents.append(
                    AgentRecord(
                        name: name, applied: nil, firstSeen: time, lastSeen: time, ahead: ahead))
            }
        }
    }

    /// How many count, and how many of those are silent, as of the last time that this node looked.
    func counts() -> (agents: Int, silent: Int) {
        guard let (roll, at) = last.withLock({ $0 }) else { return (0, 0) }
        let now = roll.time.adding(uptime() - at)
        let agents = roll.agents.filter { !$0.isEvicted }
        return (agents.count, agents.count { $0.isSilent(at: now, lease: lease) })
    }
}
