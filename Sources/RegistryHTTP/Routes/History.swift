import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/history` and a domain's own history: a page as JSON, or all that the filters select as a
/// stream.
struct HistoryRoutes: Sendable {
    static let types = EndpointID.listHistory.declaration.produces

    @Sendable func global(_ call: RegistryCall) async throws -> EndpointResponse {
        try await answer(call, of: nil)
    }

    @Sendable func ofDomain(_ call: RegistryCall) async throws -> EndpointResponse {
        try await answer(call, of: call.fqdn())
    }

    private func answer(_ call: RegistryCall, of fqdn: FQDN?) async throws -> EndpointResponse {
        let type = ContentNegotiation.choice(of: Self.types, call.request.headers) ?? .json
        var query = QueryReader(call.query)
        var filter = HistoryQuery(fqdn: fqdn)
        filter.actor = query.text("actor")
        filter.action = query.choice("action", Action.self)
        filter.migration = query.text("migration")
        filter.location = query.value("location", "a location's name") { LocationName($0) }
        filter.since = query.time("since")
        filter.until = query.time("until")
        let after = query.revision("after")
        filter.afterRevision = try after?.checked(in: call.epoch())
        filter.order = query.choice("order", HistoryQuery.Order.self) ?? .descending
        let isForSpreadsheet = query.isForSpreadsheet(only: type == .csv)
        let response =
            type == .json
            ? try await page(call, filter, &query)
            : try await HistoryStream(filter, &query, call.service).response(
                type, forSpreadsheet: isForSpreadsheet)
        return response.with(.vary, "Accept")
    }

    private func page(
        _ call: RegistryCall, _ filter: HistoryQuery, _ query: inout QueryReader
    ) async throws -> EndpointResponse {
        var filter = filter
        filter.limit = query.limit()
        let cursor = query.text("cursor")
        try query.finish()
        let epoch = try call.epoch()
        filter.after = try cursor.map { try Cursor.place($0, in: epoch) }
        let read = try await call.service.history(filter)
        if read.value.items.isEmpty { try await call.service.checkHasHistory(filter.fqdn) }
        return call.list(read, as: HistoryEntry.init) {
            Cursor.key(.init(revision: $0.header.revision, position: $0.position), in: epoch)
        }
    }
}
