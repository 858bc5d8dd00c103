import RegistryModel
import Synchronization

/// Which agents there are, and what each has applied, in memory.
///
/// An agent counts from its first report on until it's evicted. It has a revision when it has said so to
/// this process within its lease: after a restart everybody lags until heard of again.
public final class AgentDirectory: Sendable {
    /// How long an agent's word counts.
    public let lease: Duration
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var agents: [AgentName: KnownAgent] = [:]
        var watches: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextWatch = 0

        var watchers: [AsyncStream<Void>.Continuation] { Array(watches.values) }
    }

    /// Agents at most, evicted ones too: whoever may read may report, under any name.
    public static let maximumAgents = 10_000

    public init(lease: Duration = .seconds(60), limit: Int = maximumAgents) {
        self.lease = lease
        self.limit = limit
    }

    /// Takes in what the store remembers of those that aren't known here, and evictions by other nodes.
    func load(_ records: [AgentRecord]) {
        state.withLock { state in
            for record in records {
                if let known = state.agents[record.name] {
                    guard let eviction = record.eviction, eviction.at >= known.record.lastSeen
                    else { continue }
                }
                state.agents[record.name] = KnownAgent(
                    record: record, hasReported: false, isUnsaved: false)
            }
        }
    }

    /// An agent says what it has applied.
    ///
    /// - Parameter applied: nil: nothing.
    /// - Returns: its record where the store must hear of it before the agent is answered: it's new, or
    ///   back from an eviction.
    /// - Throws: `tooManyAgents`.
    func report(
        _ name: AgentName, applied: Position?, at now: Timestamp
    ) throws(RegistryError) -> AgentRecord? {
        let (urgent, watches) = try state.withLock { state throws(RegistryError) in
            guard var agent = state.agents[name] else {
                guard state.agents.count < limit else { throw .tooManyAgents(limit: limit) }
                let record = AgentRecord(
                    name: name, applied: applied, firstSeen: now, lastSeen: now)
                state.agents[name] = KnownAgent(record: record, hasReported: true, isUnsaved: true)
                return (record as AgentRecord?, state.watchers)
            }
            let wasEvicted = agent.isEvicted
            // Later than its eviction, whatever the clock says: it's here.
            let back = agent.record.eviction.map { $0.at.adding(.milliseconds(1)) } ?? now
            agent.record.lastSeen = max(now, agent.record.lastSeen, back)
            agent.record.applied = applied
            agent.hasReported = true
            agent.isUnsaved = true
            state.agents[name] = agent
            return (wasEvicted ? agent.record : nil, state.watchers)
        }
        for watch in watches { watch.yield() }
        return urgent
    }

    /// The store has evicted it. Who waits for it waits no longer.
    func evict(_ name: AgentName, _ eviction: Eviction) {
        let watches = state.withLock { state in
            state.agents[name]?.record.eviction = eviction
            state.agents[name]?.isUnsaved = false
            return state.watchers
        }
        for watch in watches { watch.yield() }
    }

    func record(of name: AgentName) -> AgentRecord? {
        state.withLock { $0.agents[name]?.record }
    }

    /// Those that count, or those that are evicted, by name.
    func agents(evicted: Bool) -> [KnownAgent] {
        state.withLock { state in state.agents.values.filter { $0.isEvicted == evicted } }
            .sorted { $0.record.name < $1.record.name }
    }

    /// Who has `position` now.
    public func convergence(at position: Position, now: Timestamp) -> Convergence {
        let agents = agents(evicted: false)
        let lagging = agents.filter { !$0.has(position, at: now, lease: lease) }
        return Convergence(
            agents: agents.count, converged: agents.count - lagging.count,
            lagging: lagging.map(\.record.name))
    }

    /// How many count, and how many of those are silent.
    public func counts(at now: Timestamp) -> (agents: Int, silent: Int) {
        let agents = agents(evicted: false)
        return (agents.count, agents.count { $0.isSilent(at: now, lease: lease) })
    }

    /// Records that the store hasn't heard of yet.
    func takeUnsaved() -> [AgentRecord] {
        state.withLock { state in
            let unsaved = state.agents.values.filter(\.isUnsaved).map(\.record)
            for record in unsaved { state.agents[record.name]?.isUnsaved = false }
            return unsaved
        }
    }

    /// Puts records back that the store couldn't take.
    func keepUnsaved(_ records: [AgentRecord]) {
        state.withLock { state in
            for record in records { state.agents[record.name]?.isUnsaved = true }
        }
    }
}

extension AgentDirectory {
    /// Waits until every agent that counts has `position`, or `limit` has passed.
    ///
    /// Woken by reports and evictions. That an agent falls silent wakes nobody: it doesn't make anything
    /// whole.
    func wait(
        for position: Position, within limit: Duration, now: @escaping @Sendable () -> Timestamp
    ) async -> Convergence {
        guard limit > .zero else { return convergence(at: position, now: now()) }
        let (changes, change) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let watch = state.withLock { state in
            state.nextWatch += 1
            state.watches[state.nextWatch] = change
            return state.nextWatch
        }
        defer { state.withLock { _ = $0.watches.removeValue(forKey: watch) } }
        // What has changed before the watch began.
        change.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                change.finish()
            }
            for await _ in changes {
                if convergence(at: position, now: now()).isWhole { break }
            }
            group.cancelAll()
        }
        return convergence(at: position, now: now())
    }

    /// How many waits are under way.
    public var waits: Int { state.withLock { $0.watches.count } }
}
