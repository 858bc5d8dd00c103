/// How far the agents have got.
package struct ConvergenceResource: Decodable, Sendable, Equatable {
    package var agents: Int
    package var converged: Int
    /// The names of the others.
    package var lagging: [String]
}

/// An agent, and what it's known to have applied.
package struct AgentResource: Decodable, Sendable, Equatable {
    package struct Eviction: Decodable, Sendable, Equatable {
        package struct Actor: Decodable, Sendable, Equatable {
            package var token: String
            package var name: String
            package var role: String
        }

        package var at: String
        package var actor: Actor
        package var reason: String?
        package var ticket: String?
    }

    package var name: String
    /// A registry that is older than this client doesn't say it.
    package var epoch: String?
    package var revision: Int64
    package var lag: Int64
    package var lastSeen: String
    package var lagging: Bool
    /// A revision beyond the log's end that it has said to have.
    package var ahead: Int64?
    /// The last one, also where the agent is back.
    package var evicted: Eviction?

    enum CodingKeys: String, CodingKey {
        case name, epoch, revision, lag, lagging, ahead, evicted
        case lastSeen = "last_seen"
    }
}
