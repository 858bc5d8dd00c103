import RegistryModel
import ServiceLifecycle

/// An agent as a list shows it.
public struct AgentStanding: Sendable, Hashable {
    public var record: AgentRecord
    /// The one that there is.
    public var epoch: Epoch
    /// The last revision that it's known to have applied, of this epoch.
    public var revision: Revision
    /// How many revisions it's behind.
    public var lag: Int64
    /// Whether it's silent past its lease: nobody knows what it has.
    public var isLagging: Bool
}

extension RegistryService {
    /// An agent says what it has applied. It counts from its first report on, and the store knows it when
    /// this returns.
    ///
    /// - Parameters:
    ///   - applied: nil: nothing. One of another epoch, or beyond the head, counts as nothing; the latter is kept
    ///     beside that, as a sign that the store was put back.
    ///   - fences: the run of a process that answers announced domains as frozen once its lease is over; nil: it doesn't.
    ///   - caller: whose word it is. Nobody's isn't kept: it would make the next start ask.
    /// - Returns: the lease of one that fences itself; nil: it has none.
    /// - Throws: `tooManyAgents`; where nodes share the store and it must hear of this one first, what it
    ///   throws.
    @discardableResult
    public func report(
        _ agent: AgentName, applied: Position?, fences run: String? = nil, by caller: Caller
    ) async throws(RegistryError) -> FenceLease? {
        let head = try position()
        let isOfEpoch = applied.map { $0.epoch == head.epoch } ?? false
        let counts = isOfEpoch && applied.map { $0.revision <= head.revision } ?? false
        let counted = counts ? applied : nil
        var ahead: Position?
        if isOfEpoch, !counts, case .token = caller, let applied {
            ahead = try await beyondLog(applied)
        }
        if let ahead { sayOnce(that: agent, has: ahead, head) }
        if let shared {
            return try await shared.report(agent, applied: counted, ahead: ahead, fences: run)
        }
        let isUrgent = try agents.report(
            agent, applied: counted, ahead: ahead, fences: run != nil, at: now())
        // The head is read after the agent was heard: who judges it by a later one knows that it was.
        let lease = try run.map { _ throws(RegistryError) in
            FenceLease(head: try position().revision, length: agents.fence.length)
        }
        guard isUrgent else { return lease }
        do throws(RegistryError) {
            try await saveAgents(agents.takeUnsaved(of: agent))
        } catch {
            // It counts here all the same, and maintenance tries again.
            logger.warning(
                "an agent couldn't be written down",
                metadata: ["agent": "\(agent)", "error": "\(error.code)"])
            // After a start nobody would know how long its lease may run.
            return nil
        }
        return lease
    }

    /// Takes an agent off those that count, until it reports again.
    /// - Throws: `unknownAgent` where none that counts has the name.
    /// - Returns: whether the request's key was used for it before.
    public func evict(
        _ agent: AgentName, _ context: WriteContext
    ) async throws(RegistryError) -> Bool {
        guard try await evicting(agent, context) != nil else { return true }
        logger.notice(
            "an agent was evicted",
            metadata: [
                "agent": "\(agent)", "actor": "\(context.actor.token)",
                "reason": "\(context.note.reason ?? "")", "ticket": "\(context.note.ticket ?? "")",
                "request_id": "\(context.requestID)",
            ])
        aheadTold.forget(agent)
        return false
    }

    private func evicting(
        _ agent: AgentName, _ context: WriteContext
    ) async throws(RegistryError) -> Eviction? {
        let key = context.idempotency
        if let shared {
            return try await shared.evict(
                agent, by: context.actor, context.note, idempotency: key)
        }
        guard let record = agents.record(of: agent), !record.isEvicted else {
            // By the same request, perhaps, a moment ago.
            if let key, try await store.replay(of: key) != nil { return nil }
            throw .unknownAgent(agent.text)
        }
        // One that the store has never heard of, on a disk that was full, has to be there first.
        try await saveAgents(agents.takeUnsaved(of: agent))
        let eviction = try await store.evict(
            agent, by: context.actor, context.note, idempotency: key)
        if let eviction { agents.evict(agent, eviction) }
        return eviction
    }

    /// Those that count, or those that are evicted, by name.
    public func agents(
        evicted: Bool, after: AgentName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<AgentStanding>> {
        let known = try await standings(evicted: evicted).drop { agent in
            after.map { agent.record.name <= $0 } ?? false
        }
        return Read(
            Page(items: Array(known.prefix(limit)), hasMore: known.count > limit),
            at: try position().revision)
    }

    private func standings(evicted: Bool) async throws(RegistryError) -> [AgentStanding] {
        let lease = agents.lease
        guard let shared else {
            let (head, now) = (try position(), agents.uptime())
            return agents.agents(evicted: evicted).map { agent in
                AgentStanding(
                    agent.record, at: head, isLagging: agent.isSilent(at: now, lease: lease))
            }
        }
        let roll = try await shared.roll()
        let head = try position()
        return roll.agents.filter { $0.isEvicted == evicted }.map { record in
            AgentStanding(
                record, at: head, isLagging: record.isSilent(at: roll.time, lease: lease))
        }
    }

    /// How many agents count, and how many of those are silent past their lease.
    public func agentCounts() -> (agents: Int, silent: Int) {
        shared?.counts() ?? agents.counts()
    }

    /// Tells the store what agents have reported since the last time.
    func saveAgents() async throws(RegistryError) {
        if let shared { return try await shared.save() }
        try await saveAgents(agents.takeUnsaved())
    }

    /// Forgets agents that were evicted, and not heard of since, so long ago that nobody asks any more.
    func forgetAgents() async throws(RegistryError) {
        let names = try await store.forgetAgents(silentFor: Self.agentMemory)
        agents.forget(names)
    }

    private static let agentMemory = Duration.seconds(7 * 24 * 3600)

    private func saveAgents(_ reports: [AgentReport]) async throws(RegistryError) {
        do throws(RegistryError) {
            agents.saved(reports, try await store.note(reports, limit: agents.limit))
        } catch {
            agents.keepUnsaved(reports)
            throw error
        }
    }
}

extension AgentStanding {
    fileprivate init(_ record: AgentRecord, at head: Position, isLagging: Bool) {
        self.record = record
        epoch = head.epoch
        self.isLagging = isLagging
        revision = .zero
        // One of another epoch is none.
        if let applied = record.applied, applied.epoch == head.epoch { revision = applied.revision }
        lag = max(0, head.revision.number - revision.number)
    }
}

extension RegistryService {
    /// Waits until every agent has applied `revision`, `limit` has passed, or the service stops.
    ///
    /// - Returns: how far they are then.
    /// - Throws: where nodes share the store, what it throws: no word is better than a wrong one.
    public func convergence(
        at revision: Revision, within limit: Duration
    ) async throws(RegistryError) -> Convergence {
        let position = Position(epoch: try position().epoch, revision: revision)
        return try await waiting { agents in
            await agents.wait(for: position, within: limit)
        } together: { (shared) async throws(RegistryError) in
            try await shared.convergence(at: position, within: limit)
        }
    }

    /// Waits for agents, no longer than the service runs.
    ///
    /// - Parameters:
    ///   - alone: waits for those that this node hears, which are all.
    ///   - together: waits for those that all nodes hear.
    func waiting<Answer: Sendable>(
        _ alone: @escaping @Sendable (AgentDirectory) async -> Answer,
        together: @escaping @Sendable (SharedAgents) async throws(RegistryError) -> Answer
    ) async throws(RegistryError) -> Answer {
        let (agents, shared) = (agents, shared)
        let waited = await cancelWhenGracefulShutdown {
            () async -> Result<Answer, RegistryError> in
            guard let shared else { return .success(await alone(agents)) }
            do throws(RegistryError) {
                return .success(try await together(shared))
            } catch {
                return .failure(error)
            }
        }
        return try waited.get()
    }

    /// The same for a revision that somebody names; nil: the head.
    /// - Throws: `unknownRevision` beyond the head; `resync` for one of another epoch.
    public func convergence(
        atKnown revision: NamedRevision?, within limit: Duration
    ) async throws(RegistryError) -> Convergence {
        let position = try position()
        let head = position.revision
        let asked = try revision?.checked(in: position.epoch) ?? head
        guard asked <= head else { throw .unknownRevision(asked, head: head) }
        return try await convergence(at: asked, within: limit)
    }

    /// Looks whether every agent has applied the freeze of a wave.
    ///
    /// What else speaks against a cutover, the transaction says: another plan than the one that was
    /// reviewed comes first.
    ///
    /// - Returns: the freeze that the cutover must find; zero where there is none.
    /// - Throws: `notConverged`, with those that haven't.
    func appliedFreeze(
        of wave: WaveName, _ agreement: WaveAgreement
    ) async throws(RegistryError) -> Revision {
        guard let migration = try await store.migration(wave.migration).value,
            let found = migration.waves.first(where: { $0.number == wave.number }),
            found.state == .frozen, let freeze = found.revision
        else { return .zero }
        let convergence = try await convergence(at: freeze, within: .zero)
        let isReviewed =
            agreement.planDigest == migration.digestText && agreement.expectedCount == found.size
        guard convergence.isWhole || !isReviewed else {
            throw .notConverged(lagging: convergence.lagging, agents: convergence.agents)
        }
        return freeze
    }
}
