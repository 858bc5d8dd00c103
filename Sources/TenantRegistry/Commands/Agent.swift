import ArgumentParser
import Foundation
import RegistryAgent
import RegistryModel
import RoutingTable

/// `tenant-registry agent`
struct Agent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a copy of the routing table beside a proxy.",
        discussion: """
            An agent follows the registry's changes, answers lookups and the endpoints for proxies \
            without a token, and goes on answering while the registry is away. It may write map files \
            for nginx and HAProxy and a file for Traefik as well. It needs a token with the role reader.
            """)

    @Option(help: "The registry: an http or https URL. (required)")
    var upstream: String?

    @Option(
        help: "What the registry calls this agent: 1-100 of A-Z a-z 0-9 . _ -. (default: host name)"
    )
    var name: String?

    @Option(
        help:
            "Where to listen: HOST:PORT, * for every address, port 0 for any free one. (default: 127.0.0.1:8090)"
    )
    var listen: String?

    @Option(
        help:
            "A Unix socket to listen at too: a proxy on this machine asks there for less. Whoever reaches its folder may."
    )
    var socket: String?

    @Option(
        help:
            "A file in which other processes on this machine find the table, without a request: libtenantroutes reads it. Best in memory: /run/tenant-registry/routes."
    )
    var share: String?

    @Option(help: "The folder in which the table is kept for the next start. (default: agent)")
    var stateDir: String?

    @Option(help: "The access token. Better in TENANT_REGISTRY_TOKEN or a file: others see flags.")
    var token: String?

    @Option(
        help: "A file that holds the access token. (default: <data-dir>/admin-token, if it's there)"
    )
    var tokenFile: String?

    @Option(
        help:
            "PEM file of the authorities that the registry's certificate may come from. (default: SSL_CERT_FILE and SSL_CERT_DIR, the system's)"
    )
    var caFile: String?

    @Option(help: "A service's data folder on this machine, to find its first admin token.")
    var dataDir: String?

    @Option(
        help:
            "A file to keep: nginx-map:PATH or haproxy-map:PATH, nginx-map:mode:PATH for another value than the location (mode, upstream, placement); traefik-file:PATH, a configuration of Traefik's. Repeatable."
    )
    var write: [String] = []

    @Option(help: "A command, run by sh -c after maps have changed; it must end with 0.")
    var onChange: String?

    @Option(
        help:
            "A command, run by sh -c after that one and before a revision is reported: it must end with 0, when nothing serves by maps of before. The next maps are written meanwhile."
    )
    var confirm: String?

    @Option(
        help: "HAProxy's runtime socket: the haproxy-maps are put there too, after their files.")
    var haproxySocket: String?

    @Option(
        help:
            "Bytes in the longest name that the maps may hold: as many as nginx's map_hash_bucket_size has room for, 4-253. (default: 253)"
    )
    var maxMapKey: Int?

    @Option(
        help:
            "The rest between two writings of the maps: what changes meanwhile goes along. (default: as long as the last one took, 200ms at most)"
    )
    var debounce: String?

    @Option(
        help:
            "From having applied a revision to saying so: as long as a proxy may still use an answer. (default: 0ms)"
    )
    var settle: String?

    @Option(help: "How much smaller a snapshot may be than the table, in percent. (default: 30)")
    var maxShrink: Int?

    @Flag(help: "Take a smaller or empty snapshot all the same, from this start to its end.")
    var acceptShrink = false

    @Option(help: "How often the table is read whole although nothing is missing. (default: 1h)")
    var refresh: String?

    @Option(help: "From a change to the file in the state folder. (default: 5s)")
    var saveDelay: String?

    @Option(help: "Without a heartbeat for so long the connection is made anew. (default: 30s)")
    var heartbeatTimeout: String?

    @Option(help: "The longest pause between attempts to reach the registry. (default: 30s)")
    var maxBackoff: String?

    @Option(help: "Which requests to log: all, writes, off. (default: writes)")
    var accessLog: String?

    @OptionGroup var serving: ServingFlags

    func run() async throws {
        let settings = try await Settings(file: serving.config)
        try await RunningAgent.run(options(settings))
    }

    private func options(_ settings: Settings) throws -> AgentOptions {
        guard let address = try settings.text(upstream, "upstream") else {
            throw CommandFailure.usage("--upstream: the registry's URL is required")
        }
        var options = AgentOptions(
            upstream: try ServiceAddress.read(address, "upstream"),
            token: try AccessToken(flag: token, file: tokenFile, folder: dataDir).find(settings),
            listen: try ListenAddress.read(
                settings.text(listen, "listen", default: "127.0.0.1:8090"), "listen"),
            folder: URL(
                fileURLWithPath: try settings.text(stateDir, "state-dir", default: "agent"),
                isDirectory: true),
            agent: AgentSettings(name: try agentName(settings)))
        options.socket = try settings.text(socket, "socket").map { path in
            guard let address = ListenAddress(socket: path) else {
                throw CommandFailure.usage(
                    "--socket: a path of at most 107 bytes is expected, not \(path)")
            }
            return address
        }
        options.share = try settings.text(share, "share")
        options.trust = try TrustedAuthorities.configuration(
            caFile, settings, for: options.upstream)
        try readMaps(settings, &options.agent)
        try readPace(settings, &options)
        try readServer(settings, &options)
        return options
    }

    private func agentName(_ settings: Settings) throws -> String {
        let name = try settings.text(
            name, "name", default: ProcessInfo.processInfo.hostName)
        guard AgentName(new: name) != nil else {
            throw CommandFailure.usage("--name: \(AgentName.expected) is expected, not \(name)")
        }
        return name
    }

    private func readMaps(_ settings: Settings, _ agent: inout AgentSettings) throws {
        agent.maps = try settings.list(write, "write").map { text in
            guard let target = MapTarget(text) else {
                let values = MapTarget.Value.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandFailure.usage(
                    "--write: nginx-map:PATH, haproxy-map:PATH, traefik-file:PATH, or nginx-map:VALUE:PATH with one of \(values) is expected, not \(text)"
                )
            }
            if let fault = target.fault { throw CommandFailure.usage("--write: \(fault)") }
            return target
        }
        let places = agent.maps.map { URL(fileURLWithPath: $0.path).resolvingSymlinksInPath().path }
        guard Set(places).count == places.count else {
            throw CommandFailure.usage("--write: each map needs a file of its own")
        }
        if let command = try settings.text(onChange, "on-change") {
            agent.onChange = OnChangeCommand(text: command).run
        }
        if let command = try settings.text(confirm, "confirm") {
            agent.confirm = OnChangeCommand(text: command).run
        }
        agent.haproxySocket = try settings.text(haproxySocket, "haproxy-socket")
        guard agent.haproxySocket == nil || agent.maps.contains(where: { $0.format == .haproxy })
        else {
            throw CommandFailure.usage(
                "--haproxy-socket needs a --write haproxy-map:PATH: what is put into the socket is gone when HAProxy starts anew"
            )
        }
        guard agent.onChange == nil || !agent.maps.isEmpty else {
            throw CommandFailure.usage("--on-change needs a --write")
        }
        guard agent.confirm == nil || agent.onChange != nil else {
            throw CommandFailure.usage("--confirm needs an --on-change")
        }
        agent.longestMapKey = try settings.integer(
            maxMapKey, "max-map-key", default: FQDN.maximumBytes, in: 4...FQDN.maximumBytes)
        agent.debounce = try settings.text(debounce, "debounce").map {
            try span(of: $0, "debounce")
        }
        agent.settle = try span(settings, settle, "settle", "0ms")
    }

    private func readPace(_ settings: Settings, _ options: inout AgentOptions) throws {
        var follower = options.agent.follower
        follower.admission = SnapshotGuard(
            maximumShrinkPercent: try settings.integer(
                maxShrink, "max-shrink", default: 30, in: 0...100),
            acceptsShrink: try settings.bool(acceptShrink, "accept-shrink"))
        follower.refresh = try span(settings, refresh, "refresh", "1h", least: .seconds(1))
        follower.backoff.longest = try span(
            settings, maxBackoff, "max-backoff", "30s", least: .milliseconds(10))
        options.agent.follower = follower
        options.agent.saveDelay = try span(settings, saveDelay, "save-delay", "5s")
        options.heartbeatTimeout = try span(
            settings, heartbeatTimeout, "heartbeat-timeout", "30s", least: .milliseconds(100))
    }

    private func readServer(_ settings: Settings, _ options: inout AgentOptions) throws {
        try serving.read(settings, into: &options.http)
        options.http.accessLog = try settings.choice(
            accessLog, "access-log", default: .writes)
        options.logLevel = try serving.level(settings)
        options.eventLoops = try serving.loops(settings, default: options.eventLoops)
        options.drain = try serving.drain(settings)
        options.shutdown = try serving.shutdown(settings)
    }

    private func span(
        _ settings: Settings, _ flag: String?, _ name: String, _ fallback: String,
        least: Duration = .zero
    ) throws -> Duration {
        try span(of: try settings.text(flag, name, default: fallback), name, least: least)
    }

    /// - Parameter least: below it the agent would do nothing else.
    private func span(
        of text: String, _ name: String, least: Duration = .zero
    ) throws -> Duration {
        guard let span = Self.span(text) else {
            throw CommandFailure.usage(
                "--\(name): a time such as 200ms, 30s or 1h is expected, not \(text)")
        }
        guard span >= least else {
            throw CommandFailure.usage(
                "--\(name): at least \(Int(least / .milliseconds(1)))ms is expected, not \(text)")
        }
        return span
    }

    private static func span(_ text: String) -> Duration? {
        if text.hasSuffix("ms"), let number = Int(text.dropLast(2)),
            (0...86_400_000).contains(number)
        {
            return .milliseconds(number)
        }
        return TimeSpan(argument: text)?.duration
    }
}
