import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import RegistryAPI
import RegistryModel
import RegistryService
import ServiceLifecycle

/// What the rules that hold for every endpoint ask of a node, a registry or an agent.
struct ServingNode: Sendable {
    let lookups: LookupService
    /// What an error looks like to a client.
    let problem: @Sendable (RegistryError) -> Problem
}

/// The HTTP side of the registry, as Hummingbird applications.
public struct RegistryServer: Sendable {
    private let node: ServingNode
    private let options: HTTPOptions
    private let endpoints: [Endpoint]
    private let powerDNS: [Endpoint]
    private let health: OperationsRoutes
    let admission: Admission
    private let eventLoops: (any EventLoopGroup)?
    private let logger: Logger

    /// - Parameters:
    ///   - drain: raised by whoever stops the service.
    ///   - metrics: renders the metrics, in Prometheus' text format.
    ///   - eventLoops: where connections live; NIO's own by default.
    public init(
        service: RegistryService, options: HTTPOptions, drain: DrainSignal,
        metrics: @escaping @Sendable () -> String,
        eventLoops: (any EventLoopGroup)? = nil, logger: Logger
    ) {
        let health = OperationsRoutes(
            drain: drain, metricsText: metrics, readiness: service.readiness)
        let node = ServingNode(lookups: service.lookups) {
            Problem($0, isPooled: service.storeFlaw != nil)
        }
        let routes = RegistryRoutes(service: service, options: options, operations: health)
        self.init(
            node, routes.all, powerDNS: routes.ofPowerDNS, health, options, eventLoops, logger)
    }

    /// A server for a node that has the table alone: an agent. It lets everyone read, whatever
    /// token they show; visitors' ones come with what proxies pass on.
    ///
    /// - Parameter readiness: more for `/readyz?verbose` to say.
    package init(
        agent lookups: LookupService, options: HTTPOptions, drain: DrainSignal,
        metrics: @escaping @Sendable () -> String,
        readiness: @escaping ReadinessReport,
        eventLoops: (any EventLoopGroup)? = nil, logger: Logger
    ) {
        var options = options
        options.ignoresTokens = true
        let health = OperationsRoutes(drain: drain, metricsText: metrics, readiness: readiness)
        let routes = EdgeRoutes(options: options, operations: health)
        self.init(
            ServingNode(lookups: lookups) { Problem($0) }, routes.all, health, options, eventLoops,
            logger)
    }

    private init(
        _ node: ServingNode, _ endpoints: [Endpoint], powerDNS: [Endpoint] = [],
        _ health: OperationsRoutes,
        _ options: HTTPOptions, _ eventLoops: (any EventLoopGroup)?, _ logger: Logger
    ) {
        self.node = node
        self.endpoints = endpoints
        self.powerDNS = powerDNS
        self.health = health
        self.options = options
        self.eventLoops = eventLoops
        self.logger = logger
        admission = Admission(options.load, logger: logger)
    }

    /// The whole API; of an agent, what it can answer.
    ///
    /// - Parameter kept: a socket that listens at `address` already, which is served in its place.
    public func application(
        listen address: BindAddress, on kept: NIOBSDSocket.Handle? = nil,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> any Service {
        application(endpoints, address, kept, onServerRunning)
    }

    /// Health and metrics only, for `--ops-listen`.
    public func opsApplication(
        listen address: BindAddress, on kept: NIOBSDSocket.Handle? = nil,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> any Service {
        application(health.endpoints, address, kept, onServerRunning)
    }

    /// What PowerDNS asks, without a token, for `--powerdns-listen`.
    public func powerDNSApplication(
        listen address: BindAddress, on kept: NIOBSDSocket.Handle? = nil,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> any Service {
        application(powerDNS, address, kept, onServerRunning)
    }

    private func application(
        _ endpoints: [Endpoint], _ address: BindAddress, _ kept: NIOBSDSocket.Handle?,
        _ onServerRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> any Service {
        let limits = options.limits
        let drain = health.drain
        let table = node.lookups.state.table
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = limits.headerBytes
        decoder.maxHeaderListSize = limits.headerBytes
        decoder.maxHeaderFieldCount = limits.headerCount
        let log = RequestLog(options)
        let router = RegistryRouter(
            node: node, options: options, log: log, admission: admission)
        let hasLookups = endpoints.contains { $0.isFrequent }
        let lookups =
            hasLookups && options.answersOnFastPath
            ? FastLookup(
                service: node.lookups, options: options, log: log, drain: drain, logger: logger)
            : nil
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(limits: limits, drain: drain) { table.position }
            ],
            httpDecoderConfiguration: decoder)
        let connection = { @Sendable (responder: @escaping HTTPChannelHandler.Responder) in
            RegistryChannel(
                base: HTTP1Channel(responder: responder, configuration: channel), lookups: lookups)
        }
        let onServerRunning = { @Sendable [logger] (channel: any Channel) in
            do {
                try await channel.setOption(.maxMessagesPerRead, value: limits.acceptedAtOnce)
                    .get()
                try await channel.eventLoop.submit {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptErrors(logger: logger), position: .first)
                }.get()
            } catch {
                logger.warning("a listener isn't guarded", metadata: ["error": "\(error)"])
            }
            await onServerRunning(channel)
        }
        let responder = router.build(endpoints)
        let group = eventLoops.map { EventLoopGroupProvider.shared($0) } ?? .singleton
        if let kept {
            return InheritedServer(
                socket: kept, responder: responder, connection: connection, limits: limits,
                eventLoops: group.eventLoopGroup, onServerRunning: onServerRunning, logger: logger)
        }
        return Application(
            responder: responder, server: HTTPServerBuilder(connection),
            configuration: ApplicationConfiguration(
                address: address, serverName: nil, backlog: limits.backlog,
                availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
            onServerRunning: onServerRunning, eventLoopGroupProvider: group, logger: logger)
    }

    /// Sets the gauges of requests under way, for who is about to read them.
    public func recordLoad() { admission.recordGauges() }

    /// Every operation of this node, for the test that compares them with `openapi.yaml`, and for `routes`.
    public var operations: [(method: String, path: String, permission: String)] {
        endpoints.flatMap { endpoint in
            let permission: String =
                switch endpoint.declaration.access {
                case .open: "none"
                case .needs(let permission): permission.rawValue
                }
            return endpoint.methods.map { ($0.rawValue, endpoint.path, permission) }
        }
    }
}

/// What an operator sets of the HTTP side.
public struct HTTPOptions: Sendable {
    /// Gives `reader` to requests without a token: for proxies on a private network.
    public var allowsAnonymousReads = false
    /// An agent's: everyone reads, and what they show as a token isn't looked at.
    var ignoresTokens = false
    /// `Cache-Control` of answers to proxies that know the host.
    public var routeCacheControl = "max-age=1, stale-while-revalidate=5, stale-if-error=86400"
    /// Seconds in `Retry-After`, where a domain's mode isn't `serve`.
    public var retryAfterSeconds = 30
    /// How long `min_revision` waits for this node.
    public var revisionWait = Duration.seconds(5)
    /// Time between two heartbeats of a stream of changes.
    public var heartbeat = Duration.seconds(10)
    public var accessLog = AccessLog.writes
    /// Where every request leaves a line: one of how many lookups does; 0 for none of them.
    public var lookupsPerLogLine = 1
    /// Whether lookups are answered before the HTTP parser sees them. Off only in tests, which
    /// compare.
    public var answersOnFastPath = true
    public var limits = ConnectionLimits()
    public var load = LoadLimits()
    /// What PowerDNS is answered for.
    public var zones: [LiveZoneOptions] = []

    public init() {}
}

/// Which requests leave a line in the log.
public enum AccessLog: String, Sendable, CaseIterable {
    case all
    /// Everything but GET, HEAD and lookups, and whatever failed on our side.
    case writes
    case off
}
