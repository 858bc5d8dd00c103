import RegistryModel
import RoutingTable
import Testing

@testable import RegistryService

extension TokenRecord {
    /// Whom agents speak for.
    static let reader = TokenRecord(
        id: "t", name: "t", role: .reader, secretDigest: [], createdAt: Timestamp(milliseconds: 0))
}

extension RunningRegistry {
    var position: Position {
        get throws { try service.position() }
    }

    /// An agent says that it has a revision of this epoch; nil: the last one.
    func report(_ name: String, applied revision: Int64? = nil) async throws {
        var applied = try position
        if let revision { applied.revision = Revision(revision) }
        try await service.report(
            try #require(AgentName(name)), applied: applied, by: .token(.reader))
    }

    /// The same of one that fences itself.
    ///
    /// - Returns: `1.5 s to 7`: how long its lease lasts, and from which revision on; `none`.
    @discardableResult
    func reportFenced(
        _ name: String, applied revision: Int64? = nil, run: String = "run"
    ) async throws -> String {
        var applied = try position
        if let revision { applied.revision = Revision(revision) }
        let lease = try await service.report(
            try #require(AgentName(name)), applied: applied, fences: run, by: .token(.reader))
        return lease.map { "\($0.length / .seconds(1)) s to \($0.head)" } ?? "none"
    }

    /// `2 of 3; edge-c`, of the last revision or another one.
    func converged(at revision: Int64? = nil) async throws -> String {
        let target = revision.map { "?revision=\($0)" } ?? ""
        return try await get("/v1/convergence\(target)", as: .role(.auditor)).convergence
    }

    /// The service as it is after a restart: everything in memory is gone.
    func restarted() async throws -> RegistryService {
        let again = RegistryService(
            store: service.store, state: NodeState(table: CompactRoutingTable()),
            names: NamePolicy(reserved: "", suffixes: []), now: { [clock] in clock.now })
        try await again.loadTable()
        return again
    }

    /// Returns when so many requests wait for agents.
    func waitUntilWaiting(_ count: Int = 1) async throws {
        while service.agents.waits != count { try await Task.sleep(for: .milliseconds(5)) }
    }
}

extension Answer {
    /// Of a convergence, or of a step that waited for it: `2 of 3; edge-c`.
    var convergence: String {
        let found = self["convergence"] ?? (try? json)
        let lagging = found?["lagging"]?.array.compactMap(\.text) ?? ["?"]
        let rest = lagging.isEmpty ? "" : "; \(lagging.joined(separator: " "))"
        return "\(found?["converged"]?.number ?? -1) of \(found?["agents"]?.number ?? -1)\(rest)"
    }

    /// Of a list of agents: `edge-a 7 0`, with `lagging` where it is.
    var agents: [String] {
        items.map { item in
            let words = [
                item["name"]?.text, item["revision"]?.number.map { "\($0)" },
                item["lag"]?.number.map { "\($0)" },
                item["lagging"]?.flag == true ? "lagging" : nil,
            ]
            return words.compactMap(\.self).joined(separator: " ")
        }
    }
}
