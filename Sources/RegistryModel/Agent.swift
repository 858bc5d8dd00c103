/// What an agent, a copy of the routing table beside a proxy, calls itself: 1–100 of `A-Z`, `a-z`, `0-9`,
/// `.`, `_` and `-`.
public struct AgentName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let text: String

    /// `nil`: it isn't such a name.
    public init?(_ text: String) {
        guard (1...100).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.text = text
    }

    /// - Parameter text: a name that was one before.
    public init(canonical text: String) {
        self.text = text
    }

    /// `nil`: no agent takes this name any more, though one of before may have it.
    package init?(new text: String) {
        guard PathName.arrives(text) else { return nil }
        self.init(text)
    }

    /// What a new one is.
    package static let expected =
        "a name of 1 to 100 letters, digits, dots, dashes or underscores, not . or .."

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    public static func < (left: AgentName, right: AgentName) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    public var description: String { text }
}

/// What the registry keeps of an agent. Who was seen once counts until evicted, and is forgotten a
/// while after that.
public struct AgentRecord: Hashable, Sendable {
    public var name: AgentName
    /// What it said last to have applied; nil: nothing.
    public var applied: Position?
    public var firstSeen: Timestamp
    public var lastSeen: Timestamp
    /// The last one, also where the agent has come back since.
    public var eviction: Eviction?
    /// What it has said to have of the log's own epoch beyond its end: a sign that the store was put back. It stays,
    /// whatever the agent says later, until an eviction.
    public var ahead: Position?
    /// Whether it answers announced domains as frozen once its lease is over, as it said last.
    public var fences: Bool
    /// Until when a lease of it may run, by the clock that stamps sightings, whatever its own clock is like; nil: it never
    /// had one.
    public var leaseUntil: Timestamp?

    public init(
        name: AgentName, applied: Position?, firstSeen: Timestamp, lastSeen: Timestamp,
        eviction: Eviction? = nil, ahead: Position? = nil, fences: Bool = false,
        leaseUntil: Timestamp? = nil
    ) {
        self.name = name
        self.applied = applied
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.eviction = eviction
        self.ahead = ahead
        self.fences = fences
        self.leaseUntil = leaseUntil
    }

    /// Whether it was taken off, and hasn't been seen since.
    public var isEvicted: Bool { eviction.map { $0.at >= lastSeen } ?? false }
}

/// Who took an agent off those that count, and why.
public struct Eviction: Hashable, Sendable {
    /// Not before the agent's last sighting.
    public var at: Timestamp
    public var actor: Actor
    public var note: Note

    public init(at: Timestamp, actor: Actor, note: Note) {
        self.at = at
        self.actor = actor
        self.note = note
    }
}

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

    /// Where the log ends, by a server that takes writes: a standby may be behind.
    func headOfPrimary() async throws(RegistryError) -> Head

    /// Which of the agents of all nodes have applied `position`, judged at one moment: those that have said
    /// so, under the same epoch, and aren't silent past their lease.
    ///
    /// - Throws: `storeUnavailable`, too, where only a standby answers: it may be behind.
    func convergence(
        at position: Position, lease: Duration
    ) async throws(RegistryError) -> Convergence
}
