import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel

extension RegistryClient {
    /// - Parameter evicted: those that are evicted, instead of those that count.
    package func agents(
        evicted: Bool = false, cursor: String? = nil
    ) async throws -> ListPage<ListedAgent> {
        try await send(
            .listAgents,
            query: [
                ("evicted", evicted ? "true" : nil), ("limit", "1000"), ("cursor", cursor),
            ]
        ).decode()
    }

    /// Tells the registry what an agent has applied.
    ///
    /// - Parameters:
    ///   - applied: nil: nothing yet. From this report on the agent is waited for all the same.
    ///   - name: the agent's.
    package func report(_ applied: Position?, as name: String) async throws {
        _ = try await send(
            .reportAgent, name, body: ReportRequest(applied: applied),
            headers: [("Accept", "application/json")], atMost: .seconds(10))
    }

    package func evictAgent(
        _ name: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete(.evictAgent, name, note, idempotencyKey)
    }

    /// - Parameters:
    ///   - revision: nil: the head.
    ///   - waitSeconds: how long the answer may wait for every agent, 0–300.
    package func convergence(
        at revision: NamedRevision? = nil, waitSeconds: Int = 0
    ) async throws -> Received<Convergence> {
        try Received(
            await send(
                .getConvergence,
                query: [("revision", revision?.description), ("wait", String(waitSeconds))],
                timeout: .minutes(1) + .seconds(Int64(waitSeconds))))
    }
}
