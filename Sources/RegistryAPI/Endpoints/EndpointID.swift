import RegistryModel

/// Every operation, by its name in openapi.yaml.
package enum EndpointID: String, Sendable, CaseIterable {
    // Lookup
    case getDomain, listDomains, lookUpDomains, getStatistics, getStatisticsHistory
    // For proxies
    case route, routeForwarded, routeForwardedStatus, routeAuthority, routeAuthorityPath,
        askForCertificate
    // Register, change, release
    case getAvailability, registerDomain, registerDomains, changeDomain, releaseDomain,
        restoreDomain, activateDomain
    // Tenants
    case listTenants, getTenant, changeTenant
    // Locations
    case listLocations, getLocation, putLocation, deleteLocation
    // Migrations
    case planMigration, listMigrations, getMigration, listMigrationDomains, finalizeMigration,
        cancelMigration
    case announceWave, freezeWave, cutOverWave, rollBackWave, thawWave, approveWave, getWaveSafety
    // History
    case getDomainHistory, listHistory, getHistoryHead, verifyHistory
    // Feed
    case listChanges, getSnapshot, getExport, exportWithBase
    // DNS
    case answerPowerDNS
    // Drift
    case compareLocation
    // Agents
    case listAgents, reportAgent, evictAgent, getConvergence
    // Tokens
    case listTokens, createToken, revokeToken, getWhoami
    // Webhooks
    case listWebhooks, getWebhook, putWebhook, deleteWebhook
    // Operations
    case makeBackup, getLiveness, getReadiness, getMetrics, getDescription, getProblemPage
    // Console
    case getConsole, getConsoleFile
}

/// What an agent answers as well, from its table: the present. It has health and metrics besides, as every node.
package enum EdgeEndpointID: String, Sendable, CaseIterable {
    case getDomain, lookUpDomains
    case route, routeForwarded, routeForwardedStatus, routeAuthority, routeAuthorityPath,
        askForCertificate
}

extension EndpointID {
    /// A case without its line here doesn't compile.
    private var declared: EndpointDeclaration {
        switch self {
        case .getDomain:
            .get("/v1/domains/{fqdn}", .read, query: Self.moment, Domain.self)
        case .listDomains:
            .get(
                "/v1/domains", .read,
                query: Self.page + Self.moment + ["state"]
                    + Set(DomainFilterMember.ofLists.map(\.rawValue)),
                ListPage<DomainOrHold>.self)
        case .lookUpDomains:
            .write(
                .post, "/v1/lookup", .read, bodyLimit: 4 * EndpointDeclaration.mebibyte,
                isIdempotent: false, query: Self.moment, LookupRequest.self
            )
        case .getStatistics: .get("/v1/stats", .read, Statistics.self)
        case .getStatisticsHistory:
            .get(
                "/v1/stats/history", .read, query: ["step", "since", "until"],
                StatisticsHistory.self)

        case .route: .proxy(.get, "/v1/route", query: ["host", "unknown", "min_revision"])
        case .routeForwarded: .proxy(.get, "/v1/route/forwarded")
        case .routeForwardedStatus: .proxy(.get, "/v1/route/forwarded/{status}")
        case .routeAuthority: .proxy(.any, "/v1/route/authority")
        case .routeAuthorityPath: .proxy(.any, "/v1/route/authority/{path}")
        case .askForCertificate: .proxy(.get, "/v1/tls-ask", query: ["domain"])

        case .getAvailability:
            .get("/v1/domains/{fqdn}/availability", .register, AvailabilityResponse.self)
        case .registerDomain:
            .write(.post, "/v1/domains", .register, DomainRegistration.self, DomainOrHold.self)
        case .registerDomains:
            .write(
                .post, "/v1/domains/batch", .operate, bodyLimit: 4 * EndpointDeclaration.mebibyte,
                BatchRegistration.self, BatchResponse.self)
        case .changeDomain:
            .write(.patch, "/v1/domains/{fqdn}", .operate, DomainChangeRequest.self, Domain.self)
                .guarded
        // A registrar may release what it holds; the ledger knows what that is.
        case .releaseDomain: .delete("/v1/domains/{fqdn}", .register).guarded
        case .activateDomain:
            .write(.post, "/v1/domains/{fqdn}/activate", .register, Note.self, Domain.self)
        case .restoreDomain:
            .write(.post, "/v1/domains/{fqdn}/restore", .operate, Restoration.self, Domain.self)

        case .listTenants:
            .get(
                "/v1/tenants", .read, query: Self.page + ["location", "split", "prefix"],
                ListPage<Tenant>.self)
        case .getTenant:
            .get("/v1/tenants/{tenant}", .read, query: Self.page, TenantResponse.self)
        case .changeTenant:
            .write(
                .patch, "/v1/tenants/{tenant}", .operate, TenantChangeRequest.self,
                TenantChangeResponse.self)

        case .listLocations:
            .get("/v1/locations", .read, query: Self.page, ListPage<Location>.self)
        case .getLocation: .get("/v1/locations/{name}", .read, Location.self)
        case .putLocation:
            .write(
                .put, "/v1/locations/{name}", .administer, LocationRequest.self, Location.self
            ).guarded
        case .deleteLocation: .delete("/v1/locations/{name}", .administer).guarded

        case .planMigration:
            .write(
                .post, "/v1/migrations", .operate, bodyLimit: 64 * EndpointDeclaration.mebibyte,
                query: ["dry_run", "domains", "wave", "status", "limit", "cursor"],
                PlanRequest.self, PlannedMigration.self)
        case .listMigrations:
            .get("/v1/migrations", .audit, query: Self.page + ["state"], ListPage<Migration>.self)
        case .getMigration: .get("/v1/migrations/{id}", .audit, Migration.self)
        case .listMigrationDomains:
            .get(
                "/v1/migrations/{id}/domains", .audit, query: Self.page + ["wave", "status"],
                ListPage<MigrationDomain>.self)
        case .finalizeMigration:
            .write(.post, "/v1/migrations/{id}/finalize", .operate, Note.self, Migration.self)
        case .cancelMigration:
            .write(.post, "/v1/migrations/{id}/cancel", .operate, Note.self, Migration.self)
        case .announceWave: .wave("announce", query: Self.waiting, AnnounceRequest.self)
        case .freezeWave: .wave("freeze", query: Self.waiting, FreezeRequest.self)
        case .cutOverWave:
            .wave("cutover", query: Self.waiting + ["require"], CutoverRequest.self)
        case .rollBackWave: .wave("rollback", query: Self.waiting, RollbackRequest.self)
        case .thawWave: .wave("thaw", Note.self)
        case .getWaveSafety:
            .get("/v1/migrations/{id}/waves/{n}/safety", .audit, WaveSafety.self)
        case .approveWave: .wave("approve", ApprovalRequest.self, ApprovalOutcome.self)

        case .getDomainHistory:
            .get(
                "/v1/domains/{fqdn}/history", .audit, query: Self.history,
                ListPage<HistoryEntry>.self, produces: [.json, .ndjson, .csv])
        case .listHistory:
            .get(
                "/v1/history", .audit, query: Self.history, ListPage<HistoryEntry>.self,
                produces: [.json, .ndjson, .csv])
        case .getHistoryHead: .get("/v1/history/head", .audit, HistoryHead.self)
        case .verifyHistory:
            .get(
                "/v1/history/verify", .audit, query: ["expect"], VerificationResponse.self,
                produces: [.json, .ndjson])

        case .listChanges:
            .get(
                "/v1/changes", .read, query: ["after", "epoch", "wait", "limit", "agent"],
                produces: [.json, .eventStream])
        case .getSnapshot: .get("/v1/snapshot", .read, produces: [.ndjson])
        case .getExport:
            .get(
                "/v1/export/{format}", .read, query: ["value", "for"] + Self.zone,
                produces: [.plain, .csv, .json, .zone, .yaml, .ndjson])
        // It parses a file of the caller's: not for everybody who may read.
        case .exportWithBase:
            .ask(
                "/v1/export/{format}", .operate, query: Self.zone, takes: [.zone, .plain],
                produces: [.zone, .yaml, .ndjson])
        case .answerPowerDNS: .proxy(.get, "/v1/powerdns/{path}")

        case .compareLocation:
            .ask(
                "/v1/drift", .audit, query: ["location"],
                takes: NameListFormat.allCases.map(\.type), produces: [.ndjson])

        case .listAgents:
            .get("/v1/agents", .audit, query: Self.page + ["evicted"], ListPage<ListedAgent>.self)
        case .reportAgent:
            .write(
                .put, "/v1/agents/{name}", .read, isIdempotent: false, ReportRequest.self,
                ReportResponse.self)
        case .evictAgent: .delete("/v1/agents/{name}", .operate)
        case .getConvergence:
            .get("/v1/convergence", .audit, query: ["revision", "wait"], Convergence.self)

        case .listTokens:
            .get("/v1/tokens", .administer, query: Self.page, ListPage<ListedToken>.self)
        case .createToken:
            .write(.post, "/v1/tokens", .administer, TokenRequest.self, ListedToken.self)
        case .revokeToken: .delete("/v1/tokens/{id}", .administer)
        case .getWhoami: .get("/v1/whoami", .read, Whoami.self)

        case .listWebhooks:
            .get("/v1/webhooks", .administer, query: Self.page, ListPage<ListedWebhook>.self)
        case .getWebhook: .get("/v1/webhooks/{name}", .administer, ListedWebhook.self)
        case .putWebhook:
            .write(
                .put, "/v1/webhooks/{name}", .administer, WebhookRequest.self, ListedWebhook.self)
        case .deleteWebhook: .delete("/v1/webhooks/{name}", .administer)

        case .makeBackup:
            .write(
                .post, "/v1/backup", .administer, isIdempotent: false, Note.self,
                produces: [.sqlite])
        case .getLiveness: .operations("/livez", .open)
        case .getReadiness: .operations("/readyz", .open, query: ["verbose"])
        case .getMetrics: .operations("/metrics", .needs(.read))
        case .getDescription: .operations("/openapi.yaml", .open)
        case .getProblemPage: .operations("/problems/{code}", .open)
        case .getConsole: .operations("/console", .open)
        case .getConsoleFile: .operations("/console/{path}", .open)
        }
    }

    private static let moment: Set = ["at", "revision"]
    private static let page: Set = ["limit", "cursor"]
    private static let waiting: Set = ["wait", "timeout"]
    private static let zone: Set = ["zone", "default", "ttl", "changed_since", "epoch"]
    private static let history: Set = [
        "actor", "action", "migration", "location", "since", "until", "after", "order", "limit",
        "cursor", "for",
    ]

    private static let declarations = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, $0.declared) })

    package var declaration: EndpointDeclaration { Self.declarations[self] ?? declared }

    /// Its names in openapi.yaml, which has one for each method: of an endpoint that takes any, and of one whose `HEAD` is
    /// described there.
    package var operationIDs: [String] {
        switch (self, declaration.method) {
        case (.getDomain, _): [rawValue, "headDomain"]
        case (_, .any):
            ["Get", "Put", "Post", "Delete", "Options", "Head", "Patch", "Trace"].map {
                rawValue + $0
            }
        default: [rawValue]
        }
    }

    /// The path of a request: each parameter of the template in its turn, percent-encoded.
    package func path(_ parameters: String...) -> String { path(parameters) }

    package func path(_ parameters: [String]) -> String {
        var rest = parameters[...]
        return declaration.path.split(separator: "/").map { segment in
            "/"
                + (segment.hasPrefix("{")
                    ? PercentCoding.component(rest.popFirst() ?? "") : String(segment))
        }.joined()
    }
}

extension Set<String> {
    fileprivate static func + (one: Set, other: Set) -> Set { one.union(other) }
}

extension EndpointDeclaration {
    fileprivate static func wave(
        _ step: String, query: Set<String> = [], _ request: any WrittenShape.Type,
        _ answer: any Shape.Type = WaveStepResponse.self
    ) -> EndpointDeclaration {
        .write(
            .post, "/v1/migrations/{id}/waves/{n}/\(step)", .operate, query: query, request,
            answer)
    }
}
