import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/tenants`
struct TenantRoutes: Sendable {
    @Sendable func list(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        var page = TenantQuery()
        page.location = query.value("location", "a location's name", LocationName.init)
        page.isSplit = query.value("split", "true or false", Bool.init)
        page.prefix = query.text("prefix", maximum: TenantText.maximum).map(TenantText.prefix)
        (page.limit, page.after) = try query.page(longest: Cursor.longestTenant, Cursor.tenant)
        let read = try await call.service.tenants(page)
        return call.list(read) { Cursor.key(tenant: $0.name) }
    }

    @Sendable func get(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let (limit, after) = try query.page(Cursor.name)
        let read = try await call.service.tenant(call.tenant(), after: after, limit: limit)
        let page = read.value
        let cursor = call.cursor(behind: page.domains) { $0.fqdn.text }
        let answer = TenantResponse(
            tenant: page.tenant, domains: page.domains.items, nextCursor: cursor)
        return call.linking(.json(answer, at: read.revision), to: cursor)
    }

    @Sendable func change(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .changedTenant(replay) }
        let tenant = call.tenant()
        let request: TenantChangeRequest = try call.read()
        let committed = try await call.service.changeTenant(
            tenant, request.patch, call.writing(request.note))
        return .changedTenant(committed)
    }
}

extension RegistryCall {
    fileprivate func tenant() -> String { TenantText.canonical(parameter("tenant")) }
}

extension EndpointResponse {
    fileprivate static func changedTenant(_ committed: Committed) -> EndpointResponse {
        guard case .tenant(let outcome) = committed.outcome else { return .mismatch }
        return EndpointResponse.json(
            TenantChangeResponse(
                tenant: outcome.tenant, revision: committed.revision, changed: outcome.count),
            at: committed.revision
        ).noting(committed)
    }
}
