import RegistryModel
import RoutingTable

/// What a node answers from its memory alone: where a domain lives now. A registry has it, and so has
/// an agent, which holds the same table and neither a store nor a log.
public struct LookupService: Sendable {
    public let state: NodeState
    let now: @Sendable () -> Timestamp

    public init(state: NodeState, now: @escaping @Sendable () -> Timestamp) {
        self.state = state
        self.now = now
    }

    var table: any RoutingTable { state.table }

    /// The node's clock.
    public var time: Timestamp { now() }

    /// What this node's answers are read at.
    /// - Throws: `notReady` until the table has been loaded.
    public func position() throws(RegistryError) -> Position {
        guard let position = table.position else { throw .notReady }
        return position
    }

    /// Waits until this node's table has a revision that a client names.
    /// - Throws: `revisionNotReached` after `limit`; `resync` where it's of another epoch than the table is,
    ///   or has come to be meanwhile.
    public func wait(
        for asked: NamedRevision, within limit: Duration
    ) async throws(RegistryError) {
        let revision = try asked.checked(in: position().epoch)
        let isReached = await table.reaches(revision, within: limit)
        let position = try position()
        _ = try asked.checked(in: position.epoch)
        guard isReached else { throw .revisionNotReached(revision, now: position.revision) }
    }
}
