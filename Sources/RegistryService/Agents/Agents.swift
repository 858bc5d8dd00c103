import RegistryModel

/// An agent as a list shows it.
public struct AgentStanding: Sendable, Hashable {
    public var record: AgentRecord
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
    /// - Parameter applied: nil: nothing. One of another epoch, or beyond the head, counts as nothing.
    public func report(_ agent: AgentName, applied: Position?) async throws(RegistryError) {
        let head = try position()
        let counts = applied.map { $0.epoch == head.epoch && $0.revision <= head.revision } ?? false
        let urgent = try agents.report(agent, applied: counts ? applied : nil, at: now())
        guard let urgent else { return }
        do throws(RegistryError) {
            try await store.note([urgent])
        } catch {
            // It counts here all the same, and maintenance tries again.
            logger.warning(
                "an agent couldn't be written down",
                metadata: ["agent": "\(agent)", "error": "\(error.code)"])
        }
    }

    /// Takes an agent off those that count, until it reports again.
    /// - Throws: `unknownAgent` where none that counts has the name.
    public func evict(_ agent: AgentName, _ context: WriteContext) async throws(RegistryError) {
        guard let record = agents.record(of: agent), !record.isEvicted else {
            throw .unknownAgent(agent.text)
        }
        // Nothing was seen of it later than this.
        let eviction = Eviction(
            at: max(now(), record.lastSeen), actor: context.actor, note: context.note)
        // One that the store has never heard of, on a disk that was full, has to be there first.
        try await store.note([record])
        try await store.evict(agent, eviction)
        agents.evict(agent, eviction)
        logger.notice(
            "an agent was evicted",
            metadata: [
                "agent": "\(agent)", "actor": "\(context.actor.token)",
                "reason": "\(context.note.reason ?? "")", "ticket": "\(context.note.ticket ?? "")",
                "request_id": "\(context.requestID)",
            ])
    }

    /// Those that count, or those that are evicted, by name.
    public func agents(
        evicted: Bool, after: AgentName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<AgentStanding>> {
        try await countOthersAgents()
        let (head, now) = (try position(), now())
        let known = agents.agents(evicted: evicted).drop { agent in
            after.map { agent.record.name <= $0 } ?? false
        }
        let standings = known.prefix(limit).map { agent in
            let applied = agent.applied(in: head.epoch)
            return AgentStanding(
                record: agent.record, revision: applied,
                lag: max(0, head.revision.number - applied.number),
                isLagging: agent.isSilent(at: now, lease: agents.lease))
        }
        return Read(
            Page(items: standings, hasMore: known.count > limit), at: head.revision)
    }

    /// Tells the store what agents have reported since the last time.
    func saveAgents() async throws(RegistryError) {
        let unsaved = agents.takeUnsaved()
        do throws(RegistryError) {
            try await store.note(unsaved)
        } catch {
            agents.keepUnsaved(unsaved)
            throw error
        }
    }
}
