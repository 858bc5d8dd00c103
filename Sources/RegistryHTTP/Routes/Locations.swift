import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/locations`
struct LocationRoutes: Sendable {
    @Sendable func list(_ call: inout Call) async throws -> Reply {
        var query = QueryReader(call.query)
        let limit = query.limit()
        let cursor = query.text("cursor")
        try query.finish()
        let after = try cursor.map(Cursor.location)
        let read = try await call.service.locations(after: after, limit: limit)
        return call.list(read) { $0.name.text }
    }

    @Sendable func put(_ call: inout Call) async throws -> Reply {
        if let replay = call.replay { return .put(replay) }
        let name = try self.name(call)
        let request: LocationRequest = try call.read()
        let committed = try await call.service.putLocation(
            name, try request.settings, call.writing(request.note))
        return .put(committed)
    }

    @Sendable func delete(_ call: inout Call) async throws -> Reply {
        if let replay = call.replay { return .done(replay) }
        var query = QueryReader(call.query)
        let note = try call.noteOfDelete(&query)
        // A name that no location can have names none.
        guard let name = LocationName(call.parameter("name")) else {
            throw RegistryError.locationNotFound(LocationName(canonical: call.parameter("name")))
        }
        let committed = try await call.service.deleteLocation(name, call.writing(note))
        return .done(committed)
    }

    private func name(_ call: Call) throws -> LocationName {
        guard let name = LocationName(call.parameter("name")) else {
            throw Problem.invalid([
                FieldProblem(
                    pointer: "{name}", code: "invalid",
                    detail:
                        "a location's name has 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
                )
            ])
        }
        return name
    }
}

extension Reply {
    fileprivate static func put(_ committed: Committed) -> Reply {
        guard case .location(let location, let isNew) = committed.outcome else { return .mismatch }
        return Reply.json(location, status: isNew ? .created : .ok, at: committed.revision)
            .noting(committed)
    }
}
