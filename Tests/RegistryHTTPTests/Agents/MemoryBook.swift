import RegistryModel
import Synchronization

/// The agents of several nodes in memory, with a clock and failures of a test's own.
final class MemoryBook: SharedAgentBook {
    private struct State {
        var agents: [AgentName: AgentRecord] = [:]
        var failure: RegistryError?
        var losesAnswers = false
        var writes: [[AgentReport]] = []
        var gate: AsyncStream<Void>?
        var held = 0
        var refusals = 0
        var head = Revision(1)
    }

    let clock: SettableClock
    private let state = Mutex(State())

    init(_ clock: SettableClock) {
        self.clock = clock
    }

    /// What everything is answered with, until it's nil again.
    func fail(with error: RegistryError?) { state.withLock { $0.failure = error } }

    /// The next write is done, and fails all the same.
    func loseNextAnswer() { state.withLock { $0.losesAnswers = true } }

    /// The next write waits until the gate is finished.
    func holdNextWrite() -> AsyncStream<Void>.Continuation {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        state.withLock { $0.gate = gate }
        return open
    }

    /// Writes that wait.
    var held: Int { state.withLock { $0.held } }

    /// Writes that failed.
    var refusals: Int { state.withLock { $0.refusals } }

    var writes: [[AgentReport]] { state.withLock { $0.writes } }

    /// `edge 7`, `edge -` for nothing, by name.
    var texts: [String] {
        state.withLock { Array($0.agents.values) }.sorted { $0.name < $1.name }.map {
            "\($0.name) \($0.applied.map { "\($0.revision)" } ?? "-")"
                + ($0.isEvicted ? " evicted" : "")
        }
    }

    /// Where the log is from now on.
    func write(through revision: Int64) { state.withLock { $0.head = Revision(revision) } }

    func headOfPrimary() async throws(RegistryError) -> Head {
        Head(
            epoch: Epoch("e"), revision: state.withLock(\.head), digest: [],
            at: Timestamp(milliseconds: 0))
    }

    func agents() async throws(RegistryError) -> [AgentRecord] { try await agentRoll().agents }

    func agentRoll() async throws(RegistryError) -> AgentRoll {
        let (agents, failure) = state.withLock { ($0.agents, $0.failure) }
        if let failure { throw failure }
        return AgentRoll(
            agents: agents.values.sorted { $0.name < $1.name }, time: clock.now)
    }

    func convergence(
        at position: Position, lease: Duration
    ) async throws(RegistryError) -> Convergence {
        let roll = try await agentRoll()
        let agents = roll.agents.filter { !$0.isEvicted }
        let lagging = agents.filter { agent in
            guard let applied = agent.applied, applied.epoch == position.epoch else { return true }
            return applied.revision < position.revision
                || agent.isSilent(at: roll.time, lease: lease)
        }
        return Convergence(
            agents: agents.count, converged: agents.count - lagging.count,
            lagging: lagging.map(\.name))
    }

    func note(
        _ reports: [AgentReport], limit: Int
    ) async throws(RegistryError) -> [AgentName: Timestamp] {
        let gate = state.withLock { state in
            defer { state.gate = nil }
            if state.gate != nil { state.held += 1 }
            return state.gate
        }
        if let gate {
            for await _ in gate {}
            state.withLock { $0.held -= 1 }
        }
        let result: Result<[AgentName: Timestamp], RegistryError> = state.withLock { state in
            if let failure = state.failure {
                state.refusals += 1
                return .failure(failure)
            }
            state.writes.append(reports)
            var sightings: [AgentName: Timestamp] = [:]
            for report in reports {
                let seen = clock.now.adding(.zero - report.age())
                if var agent = state.agents[report.name] {
                    guard agent.take(report, seen: seen, now: clock.now) else { continue }
                    state.agents[report.name] = agent
                } else if report.follows == nil,
                    state.agents.values.count(where: { !$0.isEvicted }) < limit
                {
                    state.agents[report.name] = AgentRecord(
                        name: report.name, applied: report.applied, firstSeen: seen,
                        lastSeen: seen, ahead: report.ahead, fences: report.lease != nil,
                        leaseUntil: report.lease.map { seen.adding($0) })
                }
                sightings[report.name] = state.agents[report.name]?.lastSeen
            }
            defer { state.losesAnswers = false }
            return state.losesAnswers ? .failure(.storeUnavailable) : .success(sightings)
        }
        return try result.get()
    }

    func forgetAgents(
        silentFor silence: Duration
    ) async throws(RegistryError) -> [AgentName] {
        let before = clock.now.adding(.zero - silence)
        return state.withLock { state in
            let names = state.agents.values.filter {
                $0.isEvicted && ($0.eviction.map { $0.at < before } ?? false)
            }.map(\.name)
            for name in names { state.agents[name] = nil }
            return names
        }
    }

    func evict(
        _ agent: AgentName, by actor: Actor, _ note: Note, idempotency: IdempotencyKey?
    ) async throws(RegistryError) -> Eviction? {
        let now = clock.now
        let eviction = state.withLock { state -> Eviction? in
            guard let known = state.agents[agent], !known.isEvicted else { return nil }
            let eviction = Eviction(at: max(now, known.lastSeen), actor: actor, note: note)
            state.agents[agent]?.eviction = eviction
            state.agents[agent]?.ahead = nil
            return eviction
        }
        guard let eviction else { throw .unknownAgent(agent.text) }
        return eviction
    }
}
