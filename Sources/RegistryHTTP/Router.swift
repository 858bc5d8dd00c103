import HTTPTypes
import Hummingbird
import RegistryModel
import RegistryService

/// Every route and the permission that it asks for, on one screen.
///
/// A route can't be declared without its permission, and `openapi.yaml` is compared with this list.
struct Routes {
    let options: HTTPOptions
    let operations: OperationsRoutes

    var all: [Endpoint] {
        let domains = DomainRoutes()
        let route = ProxyRoutes(options: options)
        let (migrations, waves) = (MigrationRoutes(), WaveRoutes())
        let lookupLimit = 4 * Endpoint.mebibyte
        return [
            // Lookup
            .get("/v1/domains/{fqdn}", .read, domains.get).lookup.atEdge,
            .get("/v1/domains", .read, domains.list),
            .post(
                "/v1/lookup", .read, bodyLimit: lookupLimit, isIdempotent: false,
                query: ["at", "revision"],
                LookupRoutes().batch
            ).frequent.atEdge,
            .get("/v1/stats", .read, LookupRoutes().statistics),

            // For proxies
            .proxy(.one(.get), "/v1/route", route.byQuery).atEdge,
            .proxy(.one(.get), "/v1/route/forwarded", route.byForwardedHost).atEdge,
            .proxy(.any, "/v1/route/authority", route.byAuthority).atEdge,
            .proxy(.any, "/v1/route/authority/{path}", route.byAuthority).atEdge,
            .proxy(.one(.get), "/v1/tls-ask", route.askForCertificate).atEdge,

            // Register, change, release
            .get("/v1/domains/{fqdn}/availability", .register, domains.availability),
            .post("/v1/domains", .register, domains.register),
            .post("/v1/domains/batch", .operate, bodyLimit: lookupLimit, BatchRoutes().register),
            .write(.patch, "/v1/domains/{fqdn}", .operate, domains.change),
            .write(.delete, "/v1/domains/{fqdn}", .operate, domains.release),
            .post("/v1/domains/{fqdn}/restore", .operate, domains.restore),

            // Locations
            .get("/v1/locations", .read, LocationRoutes().list),
            .write(.put, "/v1/locations/{name}", .administer, LocationRoutes().put),
            .write(.delete, "/v1/locations/{name}", .administer, LocationRoutes().delete),

            // Migrations
            .post(
                "/v1/migrations", .operate, bodyLimit: 64 * Endpoint.mebibyte, query: ["dry_run"],
                migrations.plan),
            .get("/v1/migrations", .audit, migrations.list),
            .get("/v1/migrations/{id}", .audit, migrations.get),
            .get("/v1/migrations/{id}/domains", .audit, migrations.domains),
            .post("/v1/migrations/{id}/finalize", .operate, migrations.finalize),
            .post("/v1/migrations/{id}/cancel", .operate, migrations.cancel),
            .post(
                "/v1/migrations/{id}/waves/{n}/freeze", .operate, query: WaveRoutes.waiting,
                waves.freeze),
            .post(
                "/v1/migrations/{id}/waves/{n}/cutover", .operate,
                query: WaveRoutes.waiting.union(["require"]), waves.cutOver),
            .post(
                "/v1/migrations/{id}/waves/{n}/rollback", .operate, query: WaveRoutes.waiting,
                waves.rollBack),
            .post("/v1/migrations/{id}/waves/{n}/thaw", .operate, waves.thaw),

            // History
            .get(
                "/v1/domains/{fqdn}/history", .audit, produces: HistoryRoutes.types,
                HistoryRoutes().ofDomain),
            .get("/v1/history", .audit, produces: HistoryRoutes.types, HistoryRoutes().global),
            .get("/v1/history/head", .audit, HistoryHeadRoutes().head),
            .get(
                "/v1/history/verify", .audit, produces: HistoryHeadRoutes.types,
                HistoryHeadRoutes().verify),

            // Feed
            .get(
                "/v1/changes", .read, produces: ChangesRoutes.types,
                ChangesRoutes(options: options).changes
            ).waiting,
            .get("/v1/snapshot", .read, produces: [.ndjson], SnapshotRoutes().snapshot),
            .get(
                "/v1/export/{format}", .read, produces: ExportRoutes.types, ExportRoutes().export),

            // Agents
            .get("/v1/agents", .audit, AgentRoutes().list),
            .write(
                .put, "/v1/agents/{name}", .read, isIdempotent: false,
                AgentRoutes(options: options).report
            ).waiting.frequent,
            .write(.delete, "/v1/agents/{name}", .operate, AgentRoutes().evict),
            .get("/v1/convergence", .audit, AgentRoutes().convergence),

            // Tokens
            .get("/v1/tokens", .administer, TokenRoutes().list),
            .post("/v1/tokens", .administer, TokenRoutes().create),
            .write(.delete, "/v1/tokens/{id}", .administer, TokenRoutes().revoke),

            // Operations
            .post(
                "/v1/backup", .administer, isIdempotent: false, produces: [.sqlite],
                BackupRoutes().make),
            .operations("/livez", .open, operations.alive),
            .operations("/readyz", .open, operations.ready),
            .operations("/metrics", .needs(.read), operations.metrics),
            .operations("/openapi.yaml", .open, operations.openAPI),
            .operations("/problems/{code}", .open, ProblemRoutes().page),
        ]
    }

    /// What an agent answers: the present, from its table.
    var edge: [Endpoint] { all.filter(\.isAtEdge) + opsOnly }

    /// For `--ops-listen`: a port of their own, where nobody needs a token. Its problems have their pages, too.
    var opsOnly: [Endpoint] {
        [
            .operations("/livez", .open, operations.alive),
            .operations("/readyz", .open, operations.ready),
            .operations("/metrics", .open, operations.metrics),
            .operations("/problems/{code}", .open, ProblemRoutes().page),
        ]
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
        switch method {
        case .one(.get): [.get, .head]
        case .one(let method): [method]
        case .any: RegistryRouter.methods
        }
    }

    /// Hummingbird's spelling of the path. `{path}` holds slashes.
    fileprivate var pattern: String { path.replacing("{path}", with: "**") }

    fileprivate static func notAllowed(_ path: String, allowed: [HTTPRequest.Method]) -> Endpoint {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        let problem = Problem(.methodNotAllowed, "method-not-allowed", "this path takes \(names)")
            .with(.allow, names)
        return .operations(path, .open) { _ in throw problem }
    }

    /// What a path that nobody has declared answers.
    static let notFound = Endpoint.operations("unmatched", .open) { _ in
        throw Problem(.notFound, "not-found", "there is nothing at this path")
    }
}
