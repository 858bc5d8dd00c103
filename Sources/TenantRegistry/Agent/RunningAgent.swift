import AsyncHTTPClient
import Foundation
import Logging
import Metrics
import NIOCore
import NIOPosix
import PrometheusMetrics
import RegistryAPI
import RegistryAgent
import RegistryClient
import RegistryHTTP
import RegistryModel
import RegistryService
import RoutingTable
import ServiceLifecycle
import SharedRoutes

/// The agent, wired. Start: the table from the disk → listener and feed. Stop, on SIGTERM or SIGINT:
/// not ready, drain, listener, feed, the table to the disk.
enum RunningAgent {
    static func run(_ options: AgentOptions) async throws {
        // Before anything asks for the loops.
        NIOSingletons.groupLoopCountSuggestion = options.eventLoops
        let registry = PrometheusRegistry.standard()
        MetricsSystem.bootstrap(registry)
        let log = ServiceLog.start()
        defer { log.flush() }
        var logger = Logger(label: "tenant-registry-agent")
        logger.logLevel = options.logLevel
        var options = options
        options.http.limits.connections = FileDescriptors.connections(
            wanted: options.http.limits.connections, logger)

        let folder: StateFolder
        do throws(StateFolder.UnusableFolder) {
            folder = try StateFolder(options.folder)
        } catch {
            throw CommandFailure.failed("--state-dir: \(error)")
        }
        let memory = CompactRoutingTable()
        let shared = try options.share.map { path in
            do throws(SharedRoutesFailure) {
                return try SharedTable(memory, path: path, logger: logger)
            } catch {
                throw CommandFailure.failed("--share: \(error)")
            }
        }
        let table: any RoutingTable = shared ?? memory
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: configuration(options))
        let lease = TableLease(clock: RoutesHandle.now) { shared?.lease(until: $0) }
        let agent = EdgeAgent(
            RegistryClient(base: options.upstream, token: options.token, http: http),
            into: table, shared: shared, lease: lease, folder: folder, options.agent,
            now: SystemClock.now, logger: logger)
        await agent.start()
        let lookups = LookupService(
            state: NodeState(table: table), lease: options.agent.maps.isEmpty ? lease : nil,
            now: SystemClock.now)
        registry.observe(agent.status, lookups, shared, lease)

        let drain = DrainSignal()
        let server = RegistryServer(
            agent: lookups, options: options.http, drain: drain, metrics: { registry.render() },
            readiness: { try agent.status.readiness() }, logger: logger)
        let limit = StopLimit(options.drain + options.shutdown + StopLimit.closing, logger)
        defer { withExtendedLifetime(limit) {} }
        let ended: Result<Void, any Error>
        do {
            ended = .success(try await serve(server, agent, lookups, options, drain, logger))
        } catch {
            ended = .failure(error)
        }
        // Whatever the end, a port that another one has for example: it ends the process if it's left open.
        try? await http.shutdown()
        try ended.get()
        logger.info("stopped")
    }

    private static func configuration(_ options: AgentOptions) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        configuration.tlsConfiguration = options.trust
        configuration.timeout.connect = .seconds(5)
        // Without a heartbeat there's nobody at the other end, whatever TCP believes.
        configuration.timeout.read = .nanoseconds(
            Int64(options.heartbeatTimeout / .nanoseconds(1)))
        return configuration
    }

    /// One that was killed leaves its socket behind, and the next agent puts its own there. One that lives must keep it: two
    /// that are started alike would take it from each other, and away when they end.
    private static func checkUnused(_ socket: ListenAddress) async throws {
        let other = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: socket.description).get()
        guard let other else { return }
        try? await other.close()
        throw CommandFailure.failed("--socket: somebody listens at \(socket) already")
    }

    private static func serve(
        _ server: RegistryServer, _ agent: EdgeAgent, _ lookups: LookupService,
        _ options: AgentOptions, _ drain: DrainSignal, _ logger: Logger
    ) async throws {
        let manager = ServiceManager()
        let kept = KeptSockets(manager)
        let listeners = OpenListeners()
        // The listeners, and the table.
        let start = StartNotice(manager, parts: options.socket == nil ? 2 : 3)
        // Stopped in the reverse order: unready, listener, then the feed.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [.init(service: agent)]
        if let socket = options.socket {
            let inherited = kept.take("socket", at: socket)
            if inherited == nil { try await checkUnused(socket) }
            services.append(
                .init(
                    service: Listener(
                        address: socket,
                        application: server.application(listen: socket.bind, on: inherited) {
                            // As on loopback: whoever gets there may ask.
                            chmod(socket.description, 0o666)
                            listeners.add($0)
                            await kept.keep("socket", $0)
                            start.done()
                        })))
        }
        if let watchdog = Watchdog(manager, asks: { _ = try? lookups.statistics() }) {
            services.append(.init(service: watchdog))
        }
        services += [
            .init(
                service: Listener(
                    address: options.listen,
                    application: server.application(
                        listen: options.listen.bind, on: kept.take("api", at: options.listen)
                    ) {
                        RunningService.announce("api", $0, logger)
                        listeners.add($0)
                        await kept.keep("api", $0)
                        start.done()
                    })),
            .init(service: FirstTable(status: agent.status, start: start)),
            .init(
                service: Drain(
                    signal: drain, listeners: listeners, delay: options.drain,
                    limit: options.drain + options.shutdown + StopLimit.closing, manager: manager,
                    logger: logger)),
        ]
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = options.drain + options.shutdown
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch is CancellationError where drain.isDraining {
            logger.warning("requests that didn't end were cut off")
        }
    }
}

/// Waits for the table without which an agent isn't ready.
private struct FirstTable: Service {
    let status: AgentStatus
    let start: StartNotice

    func run() async {
        let isThere = await cancelWhenGracefulShutdown { await status.waitUntilWritten() }
        if isThere { start.done() }
        // Whatever service ends first would end the others.
        try? await gracefulShutdown()
    }
}

extension AgentStatus {
    /// For `/readyz?verbose`.
    ///
    /// - Throws: while the first table isn't on the disk: one that is killed as soon as it's ready starts from there,
    ///   and a proxy that is started then finds its maps.
    fileprivate func readiness() throws(RegistryError) -> [JSONValue.Member] {
        guard summary.unwritten.isEmpty else { throw .notReady }
        var members = [
            JSONValue.Member(key: "connected", value: .bool(summary.isConnected))
        ]
        if let age { members.append(.init(key: "age_ms", value: .integer(age))) }
        if let code = summary.reportsRefused {
            members.append(.init(key: "reports_refused", value: .string(code)))
        }
        if let lag { members.append(.init(key: "lag", value: .integer(lag))) }
        return members
    }
}

extension PrometheusRegistry {
    /// Values that are read when somebody asks.
    fileprivate func observe(
        _ status: AgentStatus, _ lookups: LookupService, _ shared: SharedTable?,
        _ lease: TableLease
    ) {
        let leaseTime = Gauge(label: "registry_agent_lease_seconds")
        let domains = Gauge(label: "registry_table_domains")
        let revision = Gauge(label: "registry_revision")
        let connected = Gauge(label: "registry_agent_connected")
        let age = Gauge(label: "registry_agent_age_seconds")
        let lag = Gauge(label: "registry_agent_lag_revisions")
        let sharedRevision = shared.map { _ in Gauge(label: "registry_agent_shared_revision") }
        register(collector: {
            leaseTime.record(Double(lease.milliseconds) / 1_000)
            if let revision = shared?.shared?.revision { sharedRevision?.record(revision.number) }
            if let statistics = try? lookups.statistics() {
                domains.record(statistics.value.total)
                revision.record(statistics.revision.number)
            }
            connected.record(status.summary.isConnected ? 1 : 0)
            if let milliseconds = status.age { age.record(Double(milliseconds) / 1000) }
            if let revisions = status.lag { lag.record(revisions) }
        })
    }
}
