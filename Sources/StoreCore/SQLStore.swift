import RegistryLedger
import RegistryModel

/// An engine: it gives sessions to reads, and everything that is read is written down once, here.
package protocol SQLStore: Store, LanedStore {
    associatedtype Session: SQLSession

    /// Parents below which tenants stand side by side.
    var suffixes: [FQDN] { get }

    /// Which waves need two people.
    var approval: ApprovalRule { get }

    /// Runs `read` on one snapshot, on a connection of the lane.
    ///
    /// - Parameter isRepeatable: whether `read` may run twice, on another connection.
    func reading<Value: Sendable>(
        _ lane: ReadLane, isRepeatable: Bool,
        _ read: @escaping @Sendable (Session) throws -> Value
    ) async throws(RegistryError) -> Value

    /// Runs `ask` on a connection of the lane, for one statement or several that needn't agree.
    func asking<Value: Sendable>(
        _ lane: ReadLane, _ ask: @escaping @Sendable (Session) throws -> Value
    ) async throws(RegistryError) -> Value

    /// Runs `write` in a transaction of its own, for what is written beside the log.
    ///
    /// - Parameter isRepeatable: whether `write` may run twice, where it isn't known how the first time ended.
    func writing<Value: Sendable>(
        isRepeatable: Bool, _ write: @escaping @Sendable (Session) throws -> Value
    ) async throws(RegistryError) -> Value

    /// The time by which deadlines and ages are judged.
    func time(_ session: Session) throws -> Timestamp

    /// The same for `SQLDialect.time`.
    var timeValue: SQLValue { get }

    /// The same for sightings of agents and their evictions.
    var agentTime: SQLValue { get }
}

extension SQLStore {
    package func reading<Value: Sendable>(
        _ lane: ReadLane, _ read: @escaping @Sendable (Session) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await reading(lane, isRepeatable: true, read)
    }

    /// Walks to the end, each step on a snapshot of its own.
    ///
    /// - Parameter isPage: whether a client waits for one page.
    package func walking<Walk: ReadWalk>(
        _ walk: Walk, isPage: Bool
    ) async throws(RegistryError) -> Walk where Walk.Source == Session {
        try await lanes.walk(walk, isPage: isPage) {
            lane, walk, budget async throws(RegistryError) in
            try await reading(lane) { session in
                var (walk, budget) = (walk, budget)
                try walk.advance(session, &budget)
                return walk
            }
        }
    }

    /// A page of a short list, along an index.
    ///
    /// - Parameter sql: a statement without its limit.
    func page<Item: Sendable>(
        _ sql: String, _ filter: SQLFilter, limit: Int,
        _ item: @escaping @Sendable (SQLRow) throws -> Item
    ) async throws(RegistryError) -> Read<Page<Item>> {
        var filter = filter
        // One row more than asked for tells whether there is a next page.
        let place = filter.bind(.number(limit == .max ? .max : limit + 1))
        let values = filter.values
        return try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            var items = try session.rows("\(sql) LIMIT \(place)", values, item)
            return Read(Page(first: limit, takenFrom: &items), at: revision)
        }
    }
}
