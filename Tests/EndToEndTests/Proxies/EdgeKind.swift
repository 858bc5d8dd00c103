import Foundation
import Testing

/// A proxy of one release with the configuration that comes with the service.
enum EdgeKind: String, CaseIterable, Sendable {
    case nginx, newestNginx, nginxBesideAgent, newestNginxBesideAgent
    case nginxMaps, newestNginxMaps, nginxShared
    case haproxy, newestHAProxy, haproxyShared, newestHAProxyShared
    case caddy, newestCaddy, envoy, envoyShared, traefik, traefikFile

    private var release: ProxyRelease {
        rawValue.hasPrefix("newest") ? .newest : .debian
    }

    /// Those that look into what an agent has written, and ask nobody.
    static let ofFiles = allCases.filter { $0.asks == .nobody }

    enum Asked { case registry, agent, nobody }

    /// Whom it asks on each request; nginx with its cache asks the registry itself.
    var asks: Asked {
        switch self {
        case .nginx, .newestNginx: .registry
        case .nginxBesideAgent, .newestNginxBesideAgent, .caddy, .newestCaddy, .envoy, .traefik:
            .agent
        case .nginxMaps, .newestNginxMaps, .nginxShared, .haproxy, .newestHAProxy, .haproxyShared,
            .newestHAProxyShared, .envoyShared, .traefikFile:
            .nobody
        }
    }

    /// An agent that keeps, in a folder, what the proxy looks into, and tells it of changes.
    func startAgent(
        of registry: ServerProcess, _ files: TestFolder
    ) async throws -> AgentProcess {
        let map = files.file("placement.map").path
        var environment: [String: String] = [:]
        var arguments: [String] = []
        switch self {
        case .nginxMaps, .newestNginxMaps:
            let workers = Repository.root.appendingPathComponent("deploy/nginx/workers").path
            let pid = files.file("nginx.pid").path
            arguments = [
                "--write", "nginx-map:placement:\(map)", "--on-change",
                "\(workers) reload \(pid) 50 -e stderr -p \(files.url.path) -c nginx.conf",
                "--confirm", "\(workers) drained \(pid) 50",
            ]
            let program = try await release.program("nginx", files)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/bin"
            environment["PATH"] = "\((program as NSString).deletingLastPathComponent):\(path)"
        case .haproxy, .newestHAProxy:
            // The order of deploy/haproxy/README.md.
            arguments = [
                "--write", "haproxy-map:placement:\(map)", "--haproxy-socket",
                files.file("s").path,
            ]
        case .nginxShared, .haproxyShared, .newestHAProxyShared, .envoyShared:
            arguments = ["--share", files.file("routes").path]
        case .traefikFile:
            arguments = ["--write", "traefik-file:\(files.file("tenants.yaml").path)"]
        case .nginx, .newestNginx, .nginxBesideAgent, .newestNginxBesideAgent, .caddy,
            .newestCaddy, .envoy, .traefik:
            break
        }
        return try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url, arguments: arguments,
            environment: environment)
    }

    /// - Parameters:
    ///   - agent: beside the proxy.
    ///   - files: that it keeps.
    func start(
        _ registry: ServerProcess, agent: AgentProcess, _ files: TestFolder
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
                "agent.conf", before: agent.port, socket: agent.socket, token: token, release)
        case .nginxMaps, .newestNginxMaps:
            try await NginxBeforeSides.start(withMapsIn: files, release)
        case .nginxShared: try await NginxBeforeSides.start(withRoutesIn: files)
        case .haproxy, .newestHAProxy: try await HAProxyProcess.start(in: files, release)
        case .haproxyShared, .newestHAProxyShared:
            try await HAProxyProcess.start(withRoutesIn: files, release)
        case .caddy, .newestCaddy:
            try await CaddyProcess.start(before: agent.port, token: token, release)
        case .envoy: try await EnvoyProcess.start(before: agent.port, token: token)
        case .envoyShared:
            try await EnvoyProcess.start(withRoutesAt: files.file("routes").path)
        case .traefik: try await TraefikProcess.start(before: agent.port, token: token)
        case .traefikFile:
            try await TraefikProcess.start(
                fileIn: files, of: registry, servingAtLast: VisitorRow.tenants[0].host)
        }
    }

    /// Where a visitor on this machine comes from, as the proxy says it.
    var addresses: [String] {
        // Envoy takes one of the machine's for a visitor who comes by loopback.
        self == .envoy || self == .envoyShared ? Self.machine : ["127.0.0.1"]
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
        case .nginx, .newestNginx, .nginxBesideAgent, .newestNginxBesideAgent, .nginxMaps,
            .newestNginxMaps, .nginxShared:
            row.lowercased().hasPrefix("x-tenant-other")
                ? "nginx removes by whole names alone: the registry's" : nil
        case .envoy, .envoyShared:
            row.hasPrefix("Connection: ") ? "Envoy refuses it by itself" : nil
        case .caddy:
            row == "a body of a GET" ? "forward_auth takes it, and the side gets none" : nil
        case .traefikFile:
            row.hasPrefix("X-Tenant-Other")
                ? "Traefik removes by whole names alone: the registry's" : nil
        case .haproxy, .newestHAProxy, .haproxyShared, .newestHAProxyShared, .newestCaddy, .traefik:
            nil
        }
    }
}
