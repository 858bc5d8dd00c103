import HTTPTypes
import Hummingbird
import NIOCore
import RegistryAPI
import RegistryModel
import RegistryService

/// What answers each operation of a registry, on one screen. Its path, its permission and what it takes stand in
/// `EndpointID`.
///
/// An operation without a handler doesn't compile, and a handler can't be bound to what isn't declared.
struct RegistryRoutes {
    let service: RegistryService
    let options: HTTPOptions
    let operations: OperationsRoutes
    private let powerDNS: PowerDNSRoutes

    init(service: RegistryService, options: HTTPOptions, operations: OperationsRoutes) {
        self.service = service
        self.options = options
        self.operations = operations
        powerDNS = PowerDNSRoutes(service, options.zones)
    }

    var all: [Endpoint] { EndpointID.allCases.map(endpoint) }

    /// What a listener for PowerDNS has, which shows no token.
    var ofPowerDNS: [Endpoint] { [endpoint(.answerPowerDNS).open] }

    private func endpoint(_ id: EndpointID) -> Endpoint {
        let (domains, lookups) = (DomainRoutes(options), LookupRoutes())
        let (proxies, agents) = (ProxyRoutes(options: options), AgentRoutes(options: options))
        let (migrations, waves) = (MigrationRoutes(), WaveRoutes())
        func bind(_ handler: @escaping Endpoint.EdgeHandler) -> Endpoint {
            Endpoint(id.declaration, handler)
        }
        func bind(_ handler: @escaping Endpoint.RegistryHandler) -> Endpoint {
            Endpoint(id.declaration, service, handler)
        }
        return switch id {
        case .getDomain: bind(domains.get).lookup
        case .listDomains: bind(domains.list)
        case .lookUpDomains: bind(lookups.batch).frequent
        case .getStatistics: bind(lookups.statistics)
        case .getStatisticsHistory: bind(StatisticsHistoryRoutes().history)

        case .route: bind(proxies.byQuery)
        case .routeForwarded: bind(proxies.byForwardedHost)
        case .routeForwardedStatus: bind(proxies.byForwardedHostOrStatus)
        case .routeAuthority, .routeAuthorityPath: bind(proxies.byAuthority)
        case .askForCertificate: bind(proxies.askForCertificate)

        case .getAvailability: bind(domains.availability)
        case .registerDomain: bind(domains.register)
        case .activateDomain: bind(domains.activate)
        case .registerDomains: bind(BatchRoutes().register)
        case .changeDomain: bind(domains.change)
        case .releaseDomain: bind(domains.release)
        case .restoreDomain: bind(domains.restore)

        case .listTenants: bind(TenantRoutes().list)
        case .getTenant: bind(TenantRoutes().get)
        case .changeTenant: bind(TenantRoutes().change)

        case .listLocations: bind(LocationRoutes().list)
        case .getLocation: bind(LocationRoutes().get)
        case .putLocation: bind(LocationRoutes().put)
        case .deleteLocation: bind(LocationRoutes().delete)

        case .planMigration: bind(migrations.plan)
        case .listMigrations: bind(migrations.list)
        case .getMigration: bind(migrations.get)
        case .listMigrationDomains: bind(migrations.domains)
        case .finalizeMigration: bind(migrations.finalize)
        case .cancelMigration: bind(migrations.cancel)
        case .announceWave: bind(waves.announce)
        case .freezeWave: bind(waves.freeze)
        case .cutOverWave: bind(waves.cutOver)
        case .rollBackWave: bind(waves.rollBack)
        case .thawWave: bind(waves.thaw)
        case .approveWave: bind(waves.approve)
        case .getWaveSafety: bind(waves.safety)

        case .getDomainHistory: bind(HistoryRoutes().ofDomain)
        case .listHistory: bind(HistoryRoutes().global)
        case .getHistoryHead: bind(HistoryHeadRoutes().head)
        case .verifyHistory: bind(HistoryHeadRoutes().verify)

        case .listChanges: bind(ChangesRoutes(options: options).changes).waiting
        case .getSnapshot: bind(SnapshotRoutes().snapshot)
        case .getExport: bind(ExportRoutes().export)
        case .exportWithBase: bind(ZoneExportRoutes().exportWithBase)

        case .answerPowerDNS: bind(powerDNS.answer)

        case .compareLocation: bind(DriftRoutes().compare).comparing

        case .listAgents: bind(agents.list)
        case .reportAgent: bind(agents.report).waiting.frequent
        case .evictAgent: bind(agents.evict)
        case .getConvergence: bind(agents.convergence)

        case .listTokens: bind(TokenRoutes().list)
        case .createToken: bind(TokenRoutes().create)
        case .listWebhooks: bind(WebhookRoutes().list)
        case .getWebhook: bind(WebhookRoutes().get)
        case .putWebhook: bind(WebhookRoutes().put)
        case .deleteWebhook: bind(WebhookRoutes().delete)
        case .revokeToken: bind(TokenRoutes().revoke)
        case .getWhoami: bind(TokenRoutes().whoami)

        case .makeBackup: bind(BackupRoutes().make)
        case .getLiveness: bind(operations.alive)
        case .getReadiness: bind(operations.ready)
        case .getMetrics: bind(operations.metrics)
        case .getDescription: bind(operations.openAPI)
        case .getProblemPage: bind(ProblemRoutes().page)
        case .getConsole: bind(ConsoleRoutes().page)
        case .getConsoleFile: bind(ConsoleRoutes().file)
        }
    }
}

/// What answers each operation of an agent: the present, from its table.
///
/// A handler that takes a `RegistryCall` can't be bound here: there is no service to make one of.
struct EdgeRoutes {
    let options: HTTPOptions
    let operations: OperationsRoutes

    var all: [Endpoint] { EdgeEndpointID.allCases.map(endpoint) + operations.endpoints }

    private func endpoint(_ id: EdgeEndpointID) -> Endpoint {
        let proxies = ProxyRoutes(options: options)
        let bind = { (id: EndpointID, handler: @escaping Endpoint.EdgeHandler) in
            Endpoint(id.declaration, handler)
        }
        return switch id {
        case .getDomain: bind(.getDomain, DomainRoutes(options).getNow).lookup
        case .lookUpDomains: bind(.lookUpDomains, LookupRoutes().batchNow).frequent
        case .route: bind(.route, proxies.byQuery)
        case .routeForwarded: bind(.routeForwarded, proxies.byForwardedHost)
        case .routeForwardedStatus:
            bind(.routeForwardedStatus, proxies.byForwardedHostOrStatus)
        case .routeAuthority: bind(.routeAuthority, proxies.byAuthority)
        case .routeAuthorityPath: bind(.routeAuthorityPath, proxies.byAuthority)
        case .askForCertificate: bind(.askForCertificate, proxies.askForCertificate)
        }
    }
}

/// Builds Hummingbird's router from a list of endpoints, with what it leaves out: HEAD wherever
/// there is GET, and 405 with `Allow` for the methods that a path doesn't have.
struct RegistryRouter {
    let node: ServingNode
    let options: HTTPOptions
    let log: RequestLog
    let admission: Admission

    /// Every method that NIO's parser knows: the rest never gets this far.
    static let methods: [HTTPRequest.Method] =
        [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]
        + [
            "ACL", "COPY", "LOCK", "MOVE", "BIND", "LINK", "MKCOL", "MERGE", "PURGE", "NOTIFY",
            "SEARCH", "UNLOCK", "REBIND", "UNBIND", "REPORT", "UNLINK", "MSEARCH", "M-SEARCH",
            "PROPFIND", "CHECKOUT", "PROPPATCH", "SUBSCRIBE", "MKCALENDAR", "MKACTIVITY",
            "UNSUBSCRIBE", "SOURCE", "QUERY",
        ].compactMap { HTTPRequest.Method($0) }

    func build(_ endpoints: [Endpoint]) -> RouterResponder<RegistryRequestContext> {
        let router = Router(context: RegistryRequestContext.self)
        for path in Set(endpoints.map(\.path)) {
            let here = endpoints.filter { $0.path == path }
            let allowed = here.flatMap(\.methods)
            for endpoint in here {
                for method in endpoint.methods { add(endpoint, method, to: router) }
            }
            for method in Self.methods where !allowed.contains(method) {
                add(.notAllowed(path, allowed: allowed), method, to: router)
            }
        }
        let unmatched = EndpointRunner(
            endpoint: .notFound, node: node, options: options,
            metrics: EndpointMetrics(method: "any", route: Endpoint.notFound.path), log: log,
            admission: admission)
        router.add(middleware: UnmatchedPath(runner: unmatched))
        return router.buildResponder()
    }

    func runner(_ endpoint: Endpoint, _ method: HTTPRequest.Method) -> EndpointRunner {
        EndpointRunner(
            endpoint: endpoint, node: node, options: options,
            metrics: EndpointMetrics(method: method.rawValue, route: endpoint.path), log: log,
            admission: admission)
    }

    private func add(
        _ endpoint: Endpoint, _ method: HTTPRequest.Method,
        to router: Router<RegistryRequestContext>
    ) {
        let runner = runner(endpoint, method)
        router.on(
            RouterPath(endpoint.pattern), method: method,
            responder: CallbackResponder { try await runner.respond(to: $0, context: $1) })
    }
}

extension Endpoint {
    var methods: [HTTPRequest.Method] {
        switch declaration.method {
        case .get: [.get, .head]
        case .any: RegistryRouter.methods
        case .post, .put, .patch, .delete:
            [HTTPRequest.Method(declaration.method.rawValue)].compactMap(\.self)
        }
    }

    /// Hummingbird's spelling of the path. `{path}` holds slashes.
    fileprivate var pattern: String { path.replacing("{path}", with: "**") }

    fileprivate static func notAllowed(_ path: String, allowed: [HTTPRequest.Method]) -> Endpoint {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        let problem = Problem(.methodNotAllowed, "method-not-allowed", "this path takes \(names)")
            .with(.allow, names)
        return Endpoint(.operations(path, .open)) { _ in throw problem }
    }

    /// What a path that nobody has declared answers.
    static let notFound = Endpoint(.operations("unmatched", .open)) { _ in
        throw Problem(.notFound, "not-found", "there is nothing at this path")
    }
}

/// What Hummingbird carries along with a request: of ours, the connection that it came by.
public struct RegistryRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    let channel: any Channel

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// What a path that nobody has declared answers: a problem, like everything else.
///
/// A middleware because that is the router's one way in: added after all routes, it stands before
/// nothing but the router's own, bare 404.
struct UnmatchedPath: RouterMiddleware {
    typealias Context = RegistryRequestContext

    let runner: EndpointRunner

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        try await runner.respond(to: request, context: context)
    }
}
