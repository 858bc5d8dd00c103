import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import RegistryAPI
import RegistryModel
import RegistryService

/// Who answers: a registry, or an agent that has only its table.
struct ServingNode: Sendable {
    let lookups: LookupService
    let registry: RegistryService?
}

/// Adds members to the answer of `/readyz?verbose`; throws where the node isn't ready.
package typealias ReadinessReport = @Sendable () throws(RegistryError) -> [JSONValue.Member]

/// The HTTP side of the registry, as Hummingbird applications.
public struct RegistryServer: Sendable {
    private let node: ServingNode
    private let options: HTTPOptions
    private let routes: Routes
    private let drain: DrainSignal
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
        self.init(
            ServingNode(lookups: service.lookups, registry: service), options, drain, metrics,
            readiness: nil, eventLoops, logger)
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
        self.init(
            ServingNode(lookups: lookups, registry: nil), options, drain, metrics,
            readiness: readiness, eventLoops, logger)
    }

    private init(
        _ node: ServingNode, _ options: HTTPOptions, _ drain: DrainSignal,
        _ metrics: @escaping @Sendable () -> String, readiness: ReadinessReport?,
        _ eventLoops: (any EventLoopGroup)?, _ logger: Logger
    ) {
        self.node = node
        self.options = options
        self.drain = drain
        self.eventLoops = eventLoops
        self.logger = logger
        admission = Admission(options.load, logger: logger)
        routes = Routes(
            options: options,
            operations: OperationsRoutes(
                drain: drain, metricsText: metrics, readiness: readiness))
    }

    /// The whole API; of an agent, what it can answer.
    public func application(
        listen address: BindAddress,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<RouterResponder<RegistryRequestContext>> {
        application(
            node.registry == nil ? routes.edge : routes.all, address, onServerRunning)
    }

    /// Health and metrics only, for `--ops-listen`.
    public func opsApplication(
        listen address: BindAddress,
        onServerRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<RouterResponder<RegistryRequestContext>> {
        application(routes.opsOnly, address, onServerRunning)
    }

    private func application(
        _ endpoints: [Endpoint], _ address: BindAddress,
        _ onServerRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<RouterResponder<RegistryRequestContext>> {
        let limits = options.limits
        let drain = drain
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
            hasLookups && options.answersEarly
            ? FastLookup(
                service: node.lookups, options: options, log: log, drain: drain, logger: logger)
            : nil
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(limits: limits, drain: drain) { table.position }
            ],
            httpDecoderConfiguration: decoder)
        return Application(
            responder: router.build(endpoints),
            server: HTTPServerBuilder { responder in
                RegistryChannel(
                    base: HTTP1Channel(responder: responder, configuration: channel),
                    lookups: lookups)
            },
            configuration: ApplicationConfiguration(
                address: address, serverName: nil, backlog: limits.backlog,
                availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
            onServerRunning: { [logger] channel in
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
            },
            eventLoopGroupProvider: eventLoops.map { .shared($0) } ?? .singleton, logger: logger)
    }

    /// Sets the gauges of requests under way, for who is about to read them.
    public func recordLoad() { admission.recordGauges() }

    /// Every operation, for the test that compares them with `openapi.yaml`, and for `routes`.
    public var operations: [(method: String, path: String, permission: String)] {
        routes.all.flatMap { endpoint in
            let permission: String =
                switch endpoint.declaration.access {
                case .open: "none"
                case .needs(let permission): permission.rawValue
                }
            return endpoint.methods.map { ($0.rawValue, endpoint.path, permission) }
        }
    }
}
