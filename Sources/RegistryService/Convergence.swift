import RegistryModel

/// Which agents have applied a revision.
public struct Convergence: Sendable, Hashable {
    public var agents: Int
    public var converged: Int
    /// By name.
    public var lagging: [String]
}

extension RegistryService {
    /// Waits until every live agent has applied `revision`.
    ///
    /// No agent can report to this version of the service: there is nobody to wait for.
    public func convergence(
        at revision: Revision, within limit: Duration
    ) async -> Convergence {
        Convergence(agents: 0, converged: 0, lagging: [])
    }
}
