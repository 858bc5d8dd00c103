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

    /// Waits until this node's table has `revision`.
    /// - Throws: `revisionNotReached` after `limit`.
    public func wait(for revision: Revision, within limit: Duration) async throws(RegistryError) {
        guard await table.reaches(revision, within: limit) else {
            throw .revisionNotReached(revision, now: try position().revision)
        }
    }
}
