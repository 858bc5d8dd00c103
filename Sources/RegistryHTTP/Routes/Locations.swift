import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/locations`
struct LocationRoutes: Sendable {
    @Sendable func list(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let (limit, after) = try query.page(Cursor.location)
        let read = try await call.service.locations(after: after, limit: limit)
        return call.list(read) { $0.name.text }
    }

    @Sendable func put(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .put(replay) }
        guard let name = LocationName(call.parameter("name")) else {
            throw Problem.invalid(
                "{name}",
                "a location's name has 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
            )
        }
        let request: LocationRequest = try call.read()
        let committed = try await call.service.putLocation(
            name, try request.settings, keepsDNS: request.dns == nil, call.writing(request.note))
        return .put(committed)
    }

    @Sendable func delete(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .done(replay) }
        let note = try call.noteOfDelete()
        // A name that no location can have names none.
        guard let name = LocationName(call.parameter("name")) else {
            throw RegistryError.locationNotFound(LocationName(canonical: call.parameter("name")))
        }
        let committed = try await call.service.deleteLocation(name, call.writing(note))
        return .done(committed)
    }
}

extension EndpointResponse {
    fileprivate static func put(_ committed: Committed) -> EndpointResponse {
        guard case .location(let location, let isNew) = committed.outcome else { return .mismatch }
        return EndpointResponse.json(
            location, status: isNew ? .created : .ok, at: committed.revision
        )
        .noting(committed)
    }
}
