import AsyncHTTPClient
import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import RegistryHTTP
import RegistryModel
import RegistryService
import RoutingTable
import ServiceLifecycle
import Testing

/// How a test wants its registry.
struct RegistrySettings {
    /// Every request is in the log, so that tests can look for it there.
    var http: HTTPOptions = {
        var options = HTTPOptions()
        options.accessLog = .all
        return options
    }()
    var suffixes: [FQDN] = []
    var quarantine = Duration.seconds(90 * 86_400)
    /// Whether the routing table is loaded, and tokens with it.
    var isLoaded = true
    /// What writes through the API fail with.
    var failure: RegistryError?
    /// Which writes fail: without the tokens of the test itself.
    var isFailing: @Sendable (CommitRequest) -> Bool = { $0.actor != .system }
    /// Which reads fail, where there is a failure.
    var isReadFailing: @Sendable () -> Bool = { false }
    var blastRadius = BlastRadius()
    var approval = ApprovalRule()
    var maximumNameBytes = FQDN.maximumBytes
    var agentLimit = AgentDirectory.maximumAgents
    /// Serves the port of `--ops-listen` instead of the API.
    var isOps = false
    var eventLoops: (any EventLoopGroup)?
    var engine = TestStore.Engine.chosen
    /// Whether this node hears of what others write to the same database.
    var followsOthers = true

    static func with(
        _ change: (inout RegistrySettings) throws -> Void
    ) rethrows -> RegistrySettings {
        var settings = RegistrySettings()
        try change(&settings)
        return settings
    }
}

/// The whole service on a port of its own: a store in a temporary folder, table, server, and a
/// client that speaks to it over a socket.
struct RunningRegistry: Sendable {
    let port: Int
    /// Of its folder, and of its database.
    let storeName: String
    let service: RegistryService
    let server: RegistryServer
    let clock: SettableClock
    let drain: DrainSignal
    let log: RecordedLog
    let client: HTTPClient
    /// One for each role; none where the table isn't loaded.
    let tokens: [Role: String]

    func token(_ role: Role) -> String { tokens[role] ?? "trk_none_none" }

    /// The revision at which the log ends.
    func head() async throws -> Int64 { try await service.store.head().revision.number }
}

/// Runs a registry around `body`, and stops it in order afterwards.
func withRegistry(
    _ settings: RegistrySettings = RegistrySettings(),
    _ body: (RunningRegistry) async throws -> Void
) async throws {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("registry-http-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try await withRegistry(settings, in: folder, body)
    try await TestStore.remove(folder, settings.engine)
}

/// The same, on a store that stays: the folder's own, or the one that the database named after it holds.
func withRegistry(
    _ settings: RegistrySettings = RegistrySettings(), in folder: URL,
    _ body: (RunningRegistry) async throws -> Void
) async throws {
    let clock = SettableClock()
    let log = RecordedLog()
    let logger = Logger(label: "test") { _ in RecordedLog.Handler(log: log) }
    let state = NodeState(
        table: CompactRoutingTable(), zones: ZoneNames(zones: settings.http.zones.map(\.zone)))
    let store = try await TestStore.open(
        settings, folder: folder, clock: clock, counts: { state.domainCounts }, logger
    ) {
        state.apply($0)
    }
    let service = RegistryService(
        store: settings.failure.map { failure in
            FailingStore(
                store: store, failure: failure, isMeant: settings.isFailing,
                isReadMeant: settings.isReadFailing)
        } ?? store,
        state: state,
        names: NamePolicy(
            reserved: NamePolicy.standardReserved, suffixes: settings.suffixes,
            maximumBytes: settings.maximumNameBytes),
        agents: AgentDirectory(limit: settings.agentLimit, uptime: { clock.uptime }),
        logger: logger,
        now: { clock.now })
    var tokens: [Role: String] = [:]
    if settings.isLoaded {
        try await service.loadTable()
        if settings.followsOthers { try service.followOthers() }
        tokens = try await makeTokens(service)
    }
    let drain = DrainSignal()
    let server = RegistryServer(
        service: service, options: settings.http, drain: drain,
        metrics: { "registry_test_metric 1\n" }, eventLoops: settings.eventLoops, logger: logger)

    try await serving(server, isOps: settings.isOps, logger) { port in
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: clientConfiguration())
        let registry = RunningRegistry(
            port: port, storeName: folder.lastPathComponent, service: service, server: server,
            clock: clock, drain: drain, log: log,
            client: client, tokens: tokens)
        let result = await Result { try await body(registry) }
        try await client.shutdown()
        try result.get()
    }
    await store.close()
}

private func makeTokens(_ service: RegistryService) async throws -> [Role: String] {
    var tokens: [Role: String] = [:]
    for role in Role.allCases {
        let (_, secret) = try await service.createToken(
            name: "test-\(role.rawValue)", role: role, expiresAt: nil,
            WriteContext(actor: .system, requestID: "start"))
        tokens[role] = secret.text
    }
    return tokens
}

func serving(
    _ server: RegistryServer, isOps: Bool = false, _ logger: Logger,
    _ body: (Int) async throws -> Void
) async throws {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let announce = { @Sendable (channel: any Channel) async in
        continuation.yield(channel.localAddress?.port ?? 0)
        continuation.finish()
    }
    let address = BindAddress.hostname("127.0.0.1", port: 0)
    let application =
        isOps
        ? server.opsApplication(listen: address, onServerRunning: announce)
        : server.application(listen: address, onServerRunning: announce)
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(services: [application], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { continuation.finish() }
            try await group.run()
        }
        let port = try #require(await ports.first { _ in true }, "the server didn't start")
        let result = await Result { try await body(port) }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        try result.get()
    }
}

private func clientConfiguration() -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration()
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
    configuration.redirectConfiguration = .disallow
    return configuration
}

extension Result where Failure == any Error {
    /// What `body` came to, kept until what follows it is done.
    init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
