import HTTPTypes
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

    @Sendable func get(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let read = try await call.service.location(try existing(call))
        let epoch = try call.epoch()
        let tag = Position(epoch: epoch, revision: read.value.revision)
        guard !call.isNotModified(since: tag) else {
            return EndpointResponse.empty(.notModified, at: read.revision).of(epoch)
                .with(.eTag, EntityTag.text(tag))
        }
        return .location(read.value, at: Position(epoch: epoch, revision: read.revision))
    }

    @Sendable func put(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .put(replay, in: try call.epoch()) }
        guard let name = LocationName(call.parameter("name")) else {
            throw Problem.invalid(
                "{name}",
                "a location's name has 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
            )
        }
        let request: LocationRequest = try call.read()
        let committed = try await call.service.putLocation(
            name, try request.settings, keepsDNS: request.dns == nil, ifMatch: call.ifMatch(),
            call.writing(request.note))
        return .put(committed, in: try call.epoch())
    }

    @Sendable func delete(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .done(replay) }
        let note = try call.noteOfDelete()
        let committed = try await call.service.deleteLocation(
            existing(call), ifMatch: call.ifMatch(), call.writing(note))
        return .done(committed)
    }

    /// A name that no location can have names none.
    private func existing(_ call: RegistryCall) throws(RegistryError) -> LocationName {
        let text = call.parameter("name")
        guard let name = LocationName(text) else {
            throw .locationNotFound(LocationName(canonical: text))
        }
        return name
    }
}

extension EndpointResponse {
    fileprivate static func location(
        _ location: Location, status: HTTPResponse.Status = .ok, at position: Position
    ) -> EndpointResponse {
        let tag = Position(epoch: position.epoch, revision: location.revision)
        return EndpointResponse.json(location, status: status, at: position.revision)
            .of(position.epoch).with(.eTag, EntityTag.text(tag))
    }

    fileprivate static func put(_ committed: Committed, in epoch: Epoch) -> EndpointResponse {
        guard case .location(let location, let isNew) = committed.outcome else { return .mismatch }
        let position = Position(epoch: epoch, revision: committed.revision)
        return EndpointResponse.location(location, status: isNew ? .created : .ok, at: position)
            .noting(committed)
    }
}
