import Foundation
import Testing

/// A proxy of one release with the configuration that comes with the service.
enum EdgeKind: String, CaseIterable, Sendable {
    case nginx, newestNginx, nginxBesideAgent, newestNginxBesideAgent
    case haproxy, newestHAProxy, caddy, newestCaddy, envoy, traefik

    private var release: ProxyRelease {
        rawValue.hasPrefix("newest") ? .newest : .debian
    }

    /// - Parameter agent: beside the proxy; nginx with its cache asks the registry itself.
    func start(
        _ registry: ServerProcess, agent: AgentProcess
    ) async throws -> any FrontProxy {
        let token = try await registry.succeed(
            "tokens", "create", "proxy", "--role", "reader"
        ).output.trimmingCharacters(in: .newlines)
        return switch self {
        case .nginx, .newestNginx:
            try await NginxBeforeSides.start(
                "tenant-registry.conf", before: registry.port, token: token, release)
        case .nginxBesideAgent, .newestNginxBesideAgent:
            try await NginxBeforeSides.start(
                "agent.conf", before: agent.port, token: token, release)
        case .haproxy, .newestHAProxy: try await HAProxyProcess.start(before: registry, release)
        case .caddy, .newestCaddy:
            try await CaddyProcess.start(before: agent.port, token: token, release)
        case .envoy: try await EnvoyProcess.start(before: agent.port, token: token)
        case .traefik: try await TraefikProcess.start(before: agent.port, token: token)
        }
    }

    /// Where a visitor on this machine comes from, as the proxy says it.
    var addresses: [String] {
        // Envoy takes one of the machine's for a visitor who comes by loopback.
        self == .envoy ? Self.machine : ["127.0.0.1"]
    }

    private static let machine: [String] = {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        return sequence(first: first, next: { $0?.pointee.ifa_next }).compactMap { entry in
            guard let address = entry?.pointee.ifa_addr, address.pointee.sa_family == AF_INET else {
                return nil
            }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard
                getnameinfo(
                    address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { return nil }
            return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        }
    }()

    /// Why a row of requests can't be right here; docs/proxies.md says it too.
    func exception(_ row: String) -> String? {
        switch self {
        case .nginx, .newestNginx, .nginxBesideAgent, .newestNginxBesideAgent:
            row.lowercased().hasPrefix("x-tenant-other")
                ? "nginx removes by whole names alone: the registry's" : nil
        case .envoy:
            row.hasPrefix("Connection: ") ? "Envoy refuses it by itself" : nil
        case .caddy, .newestCaddy:
            row == "a body of a GET" ? "forward_auth takes it, and the side gets none" : nil
        case .haproxy, .newestHAProxy, .traefik: nil
        }
    }
}

/// A registry with some tenants, an agent, a proxy, and the two sides.
final class Edge: Sendable {
    let kind: EdgeKind
    let registry: ServerProcess
    let agent: AgentProcess
    let proxy: any FrontProxy

    var visitor: Visitor { proxy.visitor }

    static func start(_ kind: EdgeKind) async throws -> Edge {
        let registry = try await ServerProcess.startOpen()
        let lines =
            ["fqdn,location,mode"]
            + VisitorRow.tenants.map { "\($0.host),\($0.location),\($0.mode)" }
        let file = try registry.folder.write(lines.joined(separator: "\n"), to: "tenants.csv")
        _ = try await registry.succeed("import", file.path)
        let agent = try await AgentProcess.start(in: TestFolder(), upstream: registry.url)
        try await agent.reaches(registry.revision())
        return try await Edge(kind, registry, agent, kind.start(registry, agent: agent))
    }

    private init(
        _ kind: EdgeKind, _ registry: ServerProcess, _ agent: AgentProcess, _ proxy: any FrontProxy
    ) {
        self.kind = kind
        self.registry = registry
        self.agent = agent
        self.proxy = proxy
    }

    func stop() async throws {
        try await proxy.stop()
        try await agent.process.crash()
        try await registry.crash()
    }
}
