import Dispatch
import Foundation
import Hummingbird
import Logging
import Metrics
import NIOCore
import NIOPosix
import PrometheusMetrics
import RegistryHTTP
import RegistryModel
import RegistryService
import RoutingTable
import ServiceLifecycle
import Webhooks

/// The service, wired: the one place where parts meet and lifetimes are decided.
///
/// Start: store → table → first token → listener. Stop, on SIGTERM or SIGINT: not ready, drain,
/// listener, requests, maintenance, store. All of that has a bound (`StopLimit`), whatever hangs.
enum RunningService {
    static func run(_ options: ServeOptions) async throws {
        // Before anything asks for the loops.
        NIOSingletons.groupLoopCountSuggestion = options.eventLoops
        let registry = PrometheusRegistry.standard()
        MetricsSystem.bootstrap(registry)
        let log = ServiceLog.start()
        defer { log.flush() }
        var logger = Logger(label: "tenant-registry")
        logger.logLevel = options.logLevel
        var options = options
        options.http.limits.connections = FileDescriptors.connections(
            wanted: options.http.limits.connections, logger)

        let state = NodeState(
            table: CompactRoutingTable(),
            zones: ZoneNames(zones: options.http.zones.map(\.zone)), logger: logger)
        let store = try await OpenStore.open(options, state: state, logger: logger)
        let service = RegistryService(
            store: store, state: state,
            names: NamePolicy(
                reserved: options.reservedNames, suffixes: options.suffixes,
                maximumBytes: options.maximumNameBytes),
            agents: AgentDirectory(lease: options.agentLease, fence: options.fence),
            allowsPlainWebhooks: options.allowsPlainWebhooks, logger: logger,
            now: SystemClock.now)
        try await load(service, logger)
        try service.followOthers()
        try await makeFirstToken(service, folder: options.folder, logger)
        let clocks = ClockWatch(service, logger: logger)
        await clocks.look()
        let drain = DrainSignal()
        registry.observe(service, store, folder: options.folder, drain)
        let backups = BackupGauges()
        let server = RegistryServer(
            service: service, options: options.http, drain: drain,
            metrics: { registry.render() }, logger: logger)
        registry.register(collector: { server.recordLoad() })
        try await serve(
            server, options, service: service, store: store, clocks: clocks, backups: backups,
            drain: drain, logger)
    }

    private static func load(_ service: RegistryService, _ logger: Logger) async throws {
        let started = ContinuousClock.now
        try await service.loadTable()
        let statistics = try service.statistics()
        let position = try service.position()
        logger.info(
            "table loaded",
            metadata: [
                "domains": "\(statistics.value.total)", "position": "\(position)",
                "seconds": "\(started.duration(to: .now) / .seconds(1))",
            ])
    }

    private static func makeFirstToken(
        _ service: RegistryService, folder: URL, _ logger: Logger
    ) async throws {
        let file = folder.appendingPathComponent(AdminTokenFile.name)
        var isWritten = false
        let isNew = try await service.makeFirstToken { secret in
            try AdminTokenFile.write(secret.text, to: file)
            isWritten = true
        }
        if isNew {
            logger.notice(
                "first start: an admin token was written", metadata: ["file": "\(file.path)"])
        } else if isWritten {
            // Another node was quicker: its token is the one, and this text opens nothing.
            try? FileManager.default.removeItem(at: file)
        }
    }

    private static func serve(
        _ server: RegistryServer, _ options: ServeOptions, service: RegistryService,
        store: any Store, clocks: ClockWatch, backups: BackupGauges, drain: DrainSignal,
        _ logger: Logger
    ) async throws {
        let manager = ServiceManager()
        let kept = KeptSockets(manager)
        let listeners = OpenListeners()
        let start = StartNotice(
            manager,
            parts: [options.listen, options.opsListen, options.powerDNSListen].count { $0 != nil })
        let open = { @Sendable (name: String, channel: any Channel) in
            announce(name, channel, logger)
            listeners.add(channel)
            await kept.keep(name, channel)
            start.done()
        }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: StoreWatch(store: store)),
            .init(service: Maintenance(service, logger: logger)),
            .init(service: Deadlines(service, logger: logger)),
            .init(service: clocks),
            .init(service: FreezeWatch(service, logger: logger)),
            .init(
                service: WebhookDeliveries(service, tls: options.webhookTLS, logger: logger)),
        ]
        VerificationSchedule.note(options.verifyEvery)
        if let interval = options.verifyEvery {
            services.append(
                .init(service: VerificationSchedule(service, every: interval, logger: logger)))
        }
        if let plan = options.backups {
            services.append(
                .init(
                    service: BackupSchedule(
                        plan, store, gauges: backups, now: SystemClock.now, logger: logger)))
        }
        if let reports = AgentReports(service, logger: logger) {
            services.append(.init(service: reports))
        }
        if let address = options.opsListen {
            services.append(
                .init(
                    service: Listener(
                        address: address,
                        application: server.opsApplication(
                            listen: address.bind, on: kept.take("ops", at: address)
                        ) { await open("ops", $0) })))
        }
        if let address = options.powerDNSListen {
            services.append(
                .init(
                    service: Listener(
                        address: address,
                        application: server.powerDNSApplication(
                            listen: address.bind, on: kept.take("powerdns", at: address)
                        ) { await open("powerdns", $0) })))
        }
        services.append(
            .init(
                service: Listener(
                    address: options.listen,
                    application: server.application(
                        listen: options.listen.bind, on: kept.take("api", at: options.listen)
                    ) { await open("api", $0) })))
        if let watchdog = Watchdog(manager, asks: { _ = try? service.statistics() }) {
            services.append(.init(service: watchdog))
        }
        // Stopped first, because services stop in the reverse order: unready, then the rest.
        let stopTime = options.drain + options.shutdown + StopLimit.closing
        services.append(
            .init(
                service: Drain(
                    signal: drain, listeners: listeners, delay: options.drain, limit: stopTime,
                    manager: manager, logger: logger)))

        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // A client that never finishes its request must not hold up the one that takes over.
        configuration.maximumGracefulShutdownDuration = options.drain + options.shutdown
        let limit = StopLimit(stopTime, logger)
        defer { withExtendedLifetime(limit) {} }
        let group = ServiceGroup(configuration: configuration)
        do {
            try await group.run()
        } catch is StoreWatch.StoreFailed {
            throw CommandFailure.failed("the store failed; start again to recover")
        } catch is CancellationError where drain.isDraining {
            logger.warning("requests that didn't end were cut off")
        }
        await store.close()
        logger.info("stopped")
    }

    /// A line that scripts wait for; the port is the real one, also where 0 was asked for.
    static func announce(_ name: String, _ channel: any Channel, _ logger: Logger) {
        guard let address = channel.localAddress, let port = address.port else { return }
        logger.notice(
            "listening",
            metadata: ["api": "\(name)", "host": "\(address.ipAddress ?? "")", "port": "\(port)"])
    }
}

/// Bounds a stop, whatever hangs: a database, a disk, a reload, a client.
///
/// The first SIGTERM or SIGINT asks for an orderly stop, which others see to; this one watches the time. A
/// second one doesn't wait. What is cut off is as after `kill -9`: the next start has every
/// acknowledged write.
final class StopLimit: Sendable {
    /// What a stop may take beyond its requests: closing the store, or writing the table down.
    static let closing = Duration.seconds(5)
    /// The exit code where the time was over.
    private static let overdue: Int32 = 1

    private let limit: Duration
    private let logger: Logger
    private let queue = DispatchQueue(label: "stop-limit")
    /// Touched on the queue only.
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []
    private nonisolated(unsafe) var isStopping = false

    /// - Parameter limit: for all of the stop, from the first signal on.
    init(_ limit: Duration, _ logger: Logger) {
        self.limit = limit
        self.logger = logger
        queue.sync {
            sources = [SIGTERM, SIGINT].map { signal in
                let source = DispatchSource.makeSignalSource(signal: signal, queue: queue)
                source.setEventHandler { [self] in hear(signal) }
                source.resume()
                return source
            }
        }
    }

    private func hear(_ signal: Int32) {
        guard !isStopping else {
            // As shells say it of a process that a signal ended.
            return end(128 + signal, "a second signal: the stop isn't waited for")
        }
        isStopping = true
        let seconds = limit / .seconds(1)
        queue.asyncAfter(deadline: .now() + seconds) { [self] in
            end(Self.overdue, "the stop took longer than it may, and isn't waited for")
        }
    }

    /// No `atexit`, no destructors: they might wait for what hangs. Nor does it wait for its own words.
    private func end(_ code: Int32, _ why: Logger.Message) {
        Thread.detachNewThread { [logger] in logger.critical(why, metadata: ["code": "\(code)"]) }
        usleep(100_000)
        _exit(code)
    }
}
