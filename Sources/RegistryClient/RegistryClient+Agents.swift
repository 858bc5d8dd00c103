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
            .GET, "/v1/agents",
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
        let body = Self.object { writer in
            guard let applied else { return }
            writer.field("epoch", applied.epoch.text)
            writer.field("revision", applied.revision.number)
        }
        _ = try await send(
            .PUT, "/v1/agents/\(Self.escape(name))", body: body,
            headers: [("Accept", "application/json")], atMost: .seconds(10))
    }

    package func evictAgent(
        _ name: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete("/v1/agents/\(Self.escape(name))", note, idempotencyKey)
    }

    /// - Parameters:
    ///   - revision: nil: the head.
    ///   - waitSeconds: how long the answer may wait for every agent, 0–300.
    package func convergence(
        at revision: NamedRevision? = nil, waitSeconds: Int = 0
    ) async throws -> Received<Convergence> {
        try Received(
            await send(
                .GET, "/v1/convergence",
                query: [("revision", revision?.description), ("wait", String(waitSeconds))],
                timeout: .minutes(1) + .seconds(Int64(waitSeconds))))
    }
}
