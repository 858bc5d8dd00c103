import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel

extension RegistryClient {
    package func domain(
        _ fqdn: String, at time: String? = nil, revision: NamedRevision? = nil
    ) async throws -> Received<Domain> {
        try Received(
            await send(
                .getDomain, fqdn,
                query: [("at", time), ("revision", revision?.description)]))
    }

    /// What a revision is that somebody names without an epoch.
    ///
    /// - Throws: `ClientError.refused` with status 410 where it can mean more than one thing, or isn't there.
    package func position(of revision: NamedRevision) async throws -> Position {
        if let epoch = revision.epoch { return Position(epoch: epoch, revision: revision.revision) }
        let answer = try await send(
            .HEAD, EndpointID.listChanges.path(), query: [("after", "\(revision)"), ("limit", "1")])
        guard let read = Position(answer.headers) else {
            throw ClientError.unreadable("X-Registry-Revision is missing")
        }
        return Position(epoch: read.epoch, revision: revision.revision)
    }

    package func domains(
        filter: [(String, String?)], limit: Int, cursor: String? = nil
    ) async throws -> ListPage<Domain> {
        try await send(
            .listDomains, query: filter + [("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func holds(
        filter: [(String, String?)], limit: Int, cursor: String? = nil
    ) async throws -> ListPage<HeldDomain> {
        let state = [("state", HeldDomain.State.held.rawValue as String?)]
        return try await send(
            .listDomains, query: state + filter + [("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func register(
        _ request: DomainRegistration, idempotencyKey: String? = nil
    ) async throws -> Received<DomainOrHold> {
        try Received(await send(.registerDomain, body: request, idempotencyKey: idempotencyKey))
    }

    /// Makes a name that is held a domain.
    package func activate(
        _ fqdn: String, note: Note, idempotencyKey: String? = nil
    ) async throws -> Received<Domain> {
        try Received(
            await send(.activateDomain, fqdn, body: note, idempotencyKey: idempotencyKey))
    }

    package func registerBatch(
        _ rows: [BatchRegistration.Row], allowsNested: Bool = false, allowsSplit: Bool = false,
        note: Note, idempotencyKey: String? = nil
    ) async throws -> BatchResponse {
        try await send(
            .registerDomains,
            body: BatchRegistration(
                domains: rows, allowsNested: allowsNested, allowsSplit: allowsSplit, note: note),
            idempotencyKey: idempotencyKey
        ).decode()
    }

    package func availability(of fqdn: String) async throws -> AvailabilityResponse {
        try await send(.getAvailability, fqdn)
            .decode()
    }

    package func change(
        _ fqdn: String, _ change: DomainChangeRequest, ifMatch position: Position? = nil,
        idempotencyKey: String? = nil
    ) async throws -> Received<Domain> {
        try Received(
            await send(
                .changeDomain, fqdn, body: change,
                headers: position.map { [("If-Match", "\"\($0)\"")] } ?? [],
                idempotencyKey: idempotencyKey))
    }

    package func release(
        _ fqdn: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete(.releaseDomain, fqdn, note, idempotencyKey)
    }

    package func restore(
        _ fqdn: String, allowsNested: Bool = false, allowsSplit: Bool = false, note: Note
    ) async throws -> Received<Domain> {
        try Received(
            await send(
                .restoreDomain, fqdn,
                body: Restoration(
                    allowsNested: allowsNested, allowsSplit: allowsSplit, note: note)))
    }

    /// A tenant, and a page of its domains.
    package func tenant(
        _ name: String, limit: Int, cursor: String? = nil
    ) async throws -> TenantResponse {
        try await send(
            .getTenant, name, query: [("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func tenants(
        filter: [(String, String?)], limit: Int, cursor: String? = nil
    ) async throws -> ListPage<Tenant> {
        try await send(
            .listTenants, query: filter + [("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func changeTenant(
        _ name: String, _ change: TenantChangeRequest, idempotencyKey: String? = nil
    ) async throws -> TenantChangeResponse {
        try await send(.changeTenant, name, body: change, idempotencyKey: idempotencyKey).decode()
    }

    /// - Parameter fqdn: one domain's history; nil: everything.
    package func history(
        of fqdn: String?, filter: [(String, String?)], limit: Int, cursor: String? = nil
    ) async throws -> ListPage<HistoryEntry> {
        try await send(
            fqdn == nil ? .listHistory : .getDomainHistory, fqdn ?? "",
            query: filter + [("limit", String(limit)), ("cursor", cursor)]
        ).decode()
    }

    package func statistics() async throws -> Statistics {
        try await send(.getStatistics).decode()
    }

    /// - Parameter filter: `step`, `since`, `until`.
    package func statisticsHistory(
        _ filter: [(String, String?)]
    ) async throws -> StatisticsHistory {
        try await send(.getStatisticsHistory, query: filter).decode()
    }

    package func locations() async throws -> [Location] {
        var locations: [Location] = []
        var cursor: String?
        repeat {
            let page: ListPage<Location> = try await send(
                .listLocations, query: [("limit", "1000"), ("cursor", cursor)]
            ).decode()
            locations += page.items
            cursor = page.nextCursor
        } while cursor != nil
        return locations
    }

    package func location(_ name: String) async throws -> Received<Location> {
        try Received(await send(.getLocation, name))
    }

    /// - Parameter position: the location is changed only where it is at this one.
    package func putLocation(
        _ name: String, upstream: String, acceptsSignups: Bool, isDefault: Bool,
        dns: DNSChange? = nil, ifMatch position: Position? = nil, note: Note,
        idempotencyKey: String? = nil
    ) async throws -> Location {
        try await send(
            .putLocation, name,
            body: LocationRequest(
                upstream: upstream, acceptsSignups: acceptsSignups, isDefault: isDefault,
                dns: dns, note: note),
            headers: position.map { [("If-Match", "\"\($0)\"")] } ?? [],
            idempotencyKey: idempotencyKey
        ).decode()
    }

    package func deleteLocation(
        _ name: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete(.deleteLocation, name, note, idempotencyKey)
    }

    package func webhooks(cursor: String? = nil) async throws -> ListPage<ListedWebhook> {
        try await send(.listWebhooks, query: [("limit", "1000"), ("cursor", cursor)]).decode()
    }

    package func webhook(_ name: String) async throws -> Received<ListedWebhook> {
        try Received(await send(.getWebhook, name))
    }

    /// - Returns: with the secret, where the registry made one.
    package func putWebhook(
        _ name: String, _ request: WebhookRequest, idempotencyKey: String? = nil
    ) async throws -> ListedWebhook {
        try await send(.putWebhook, name, body: request, idempotencyKey: idempotencyKey).decode()
    }

    package func deleteWebhook(
        _ name: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete(.deleteWebhook, name, note, idempotencyKey)
    }

    /// Who this client is, and what it may do.
    package func whoami() async throws -> Received<Whoami> {
        try Received(await send(.getWhoami))
    }

    package func tokens(cursor: String? = nil) async throws -> ListPage<ListedToken> {
        try await send(.listTokens, query: [("limit", "1000"), ("cursor", cursor)])
            .decode()
    }

    package func createToken(
        name: String, role: String, expiresAt: String?, note: Note
    ) async throws -> ListedToken {
        try await send(
            .createToken,
            body: TokenRequest(name: name, role: role, expiresAt: expiresAt, note: note)
        ).decode()
    }

    package func revokeToken(
        _ id: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete(.revokeToken, id, note, idempotencyKey)
    }
}

extension RegistryClient {
    func delete(
        _ endpoint: EndpointID, _ name: String, _ note: Note, _ idempotencyKey: String?
    ) async throws {
        _ = try await send(
            endpoint, name, query: [("reason", note.reason), ("ticket", note.ticket)],
            idempotencyKey: idempotencyKey)
    }
}

extension RegistryClient {
    /// - Parameter evicted: those that are evicted, instead of those that count.
    package func agents(
        evicted: Bool = false, cursor: String? = nil
    ) async throws -> ListPage<ListedAgent> {
        try await send(
            .listAgents,
            query: [
                ("evicted", evicted ? "true" : nil), ("limit", "1000"), ("cursor", cursor),
            ]
        ).decode()
    }

    /// Tells the registry what an agent has applied.
    ///
    /// - Parameters:
    ///   - applied: nil: nothing yet. From this report on the agent is waited for all the same.
    ///   - name: the agent's.
    ///   - run: names the process, where it answers announced domains as frozen once its lease is over; nil: it doesn't.
    package func report(
        _ applied: Position?, as name: String, fences run: String? = nil
    ) async throws -> ReportResponse {
        try Received<ReportResponse>(
            await send(
                .reportAgent, name,
                body: ReportRequest(applied: applied, fences: run != nil, run: run),
                headers: [("Accept", "application/json")], atMost: .seconds(10))
        ).value
    }

    package func evictAgent(
        _ name: String, note: Note, idempotencyKey: String? = nil
    ) async throws {
        try await delete(.evictAgent, name, note, idempotencyKey)
    }

    /// - Parameters:
    ///   - revision: nil: the head.
    ///   - waitSeconds: how long the answer may wait for every agent, 0–300.
    package func convergence(
        at revision: NamedRevision? = nil, waitSeconds: Int = 0
    ) async throws -> Received<Convergence> {
        try Received(
            await send(
                .getConvergence,
                query: [("revision", revision?.description), ("wait", String(waitSeconds))],
                timeout: .minutes(1) + .seconds(Int64(waitSeconds))))
    }
}
