/// What a store keeps of agents. Not in the log: whether a copy is up to date is nobody's change.
public protocol AgentBook: Sendable {
    /// Every agent that was ever seen, evicted ones too, by name.
    func agents() async throws(RegistryError) -> [AgentRecord]

    /// Writes down what agents have said, each as seen its `age` ago by the store's clock, by the rules of
    /// `AgentRecord.take`. An agent that is seen after its eviction counts again.
    ///
    /// - Parameters:
    ///   - reports: no two of the same agent.
    ///   - limit: agents that count, at most: a new one beyond isn't taken in. One that was here before always is.
    /// - Returns: the sightings as they are now, without those of reports that changed nothing.
    func note(_ reports: [AgentReport], limit: Int) async throws(RegistryError)
        -> [AgentName: Timestamp]

    /// Takes an agent off those that count, until it's seen later, at the store's time.
    /// - Parameter key: remembered with the answer, in the same transaction.
    /// - Throws: `unknownAgent` where none has the name, or it's evicted already;
    ///   `idempotencyKeyReused`.
    /// - Returns: nil where the key's request was carried out before.
    func evict(
        _ agent: AgentName, by actor: Actor, _ note: Note, idempotency key: IdempotencyKey?
    ) async throws(RegistryError) -> Eviction?

    /// Forgets agents that are evicted, and were neither seen nor evicted within `silence`, by the store's
    /// clock.
    /// - Returns: their names.
    func forgetAgents(silentFor silence: Duration) async throws(RegistryError) -> [AgentName]
}

/// The agents of several nodes. One clock stamps them and judges their leases: the database's.
public protocol SharedAgentBook: AgentBook {
    /// Every agent of all nodes, and the time of the reading.
    func agentRoll() async throws(RegistryError) -> AgentRoll

    /// Which of the agents of all nodes have applied `position`, judged at one moment: those that have said
    /// so, under the same epoch, and aren't silent past their lease.
    ///
    /// - Throws: `storeUnavailable`, too, where only a standby answers: it may be behind.
    func convergence(
        at position: Position, lease: Duration
    ) async throws(RegistryError) -> Convergence
}
