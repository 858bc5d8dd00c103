import Foundation
import Testing

/// A registry with some tenants, an agent, a proxy, and the two sides.
final class Edge: Sendable {
    let kind: EdgeKind
    let registry: ServerProcess
    let agent: AgentProcess
    let proxy: any FrontProxy
    /// What the agent keeps for the proxy.
    private let files: TestFolder

    var visitor: Visitor { proxy.visitor }

    static func start(_ kind: EdgeKind) async throws -> Edge {
        let registry = try await ServerProcess.startOpen()
        let lines =
            ["fqdn,location,mode"]
            + VisitorRow.tenants.map { "\($0.host),\($0.location),\($0.mode)" }
        let file = try registry.folder.write(lines.joined(separator: "\n"), to: "tenants.csv")
        _ = try await registry.succeed("import", file.path)
        let files = try TestFolder()
        let agent = try await kind.startAgent(of: registry, files)
        try await agent.reaches(registry.revision())
        let proxy = try await kind.start(registry, agent: agent, files)
        return Edge(kind, registry, agent, proxy, files)
    }

    private init(
        _ kind: EdgeKind, _ registry: ServerProcess, _ agent: AgentProcess,
        _ proxy: any FrontProxy, _ files: TestFolder
    ) {
        self.files = files
        self.kind = kind
        self.registry = registry
        self.agent = agent
        self.proxy = proxy
    }

    /// The power was gone, and the registry isn't back: the proxy is started anew, and the agent that it asks.
    func restartedWithoutRegistry() async throws -> Edge {
        try await registry.crash()
        try await agent.crash()
        let proxy = try await proxy.restarted()
        guard kind.asks == .agent else { return Edge(kind, registry, agent, proxy, files) }
        let next = try await AgentProcess.start(
            in: agent.folder, upstream: registry.url, port: agent.port)
        return Edge(kind, registry, next, proxy, files)
    }

    /// Sends each row, and compares. A cell that can't be right is left out.
    func check(_ rows: [VisitorRow]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<3 {
                group.addTask { [self] in
                    for index in stride(from: part, to: rows.count, by: 3) {
                        try await check(rows[index])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func check(_ row: VisitorRow) async throws {
        guard kind.exception(row.name) == nil else { return }
        let fault = row.fault(try await visitor.send(row), from: kind.addresses)
        #expect(fault == nil, "\(row.name): \(fault ?? "")")
    }

    /// Waits until a row is as it should be.
    func reaches(_ row: VisitorRow) async throws {
        _ = try await poll("\(kind): \(row.name) \(row.answers)") {
            row.fault(try await visitor.send(row), from: kind.addresses) == nil ? true : nil
        }
    }

    func stop() async throws {
        try await proxy.stop()
        try await agent.process.crash()
        try await registry.crash()
    }
}
