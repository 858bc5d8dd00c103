import RegistryAPI
import RegistryModel
import RegistryService

/// `POST /v1/lookup` and `GET /v1/stats`
struct LookupRoutes: Sendable {
    private let metrics = LookupMetrics()

    @Sendable func batch(_ call: RegistryCall) async throws -> EndpointResponse {
        try await batch(call.edge) { fqdns, moment in
            try await call.service.lookUp(fqdns, at: moment.revision(of: call))
        }
    }

    @Sendable func batchNow(_ call: EdgeCall) async throws -> EndpointResponse {
        try await batch(call) { _, moment in try moment.refuse(call) }
    }

    /// Names in request order, all at one revision.
    private func batch(_ call: EdgeCall, past: PastReader<[FQDN], [Domain?]>) async throws
        -> EndpointResponse
    {
        var query = QueryReader(call.query)
        let moment = PointInTime(&query)
        try query.finish()
        let names = try call.read(LookupRequest.self).fqdns

        let parsed = names.map { try? FQDN($0) }
        let fqdns = parsed.compactMap(\.self)
        let read =
            if let moment {
                try await past(fqdns, moment)
            } else {
                try call.lookups.lookUp(fqdns)
            }
        var found = read.value.makeIterator()
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("revision", Cell(read.revision))
        writer.key("results")
        writer.beginArray()
        for (name, fqdn) in zip(names, parsed) {
            guard let fqdn else {
                metrics.malformed.increment()
                writer.refusal(name, "invalid-fqdn")
                continue
            }
            if let domain = found.next() ?? nil {
                metrics.found.increment()
                domain.write(to: &writer)
            } else {
                metrics.unknown.increment()
                writer.refusal(fqdn.text, "unknown-domain")
            }
        }
        writer.endArray()
        writer.endObject()
        return .json(writer.finish(), at: read.revision).of(read.epoch)
    }

    @Sendable func statistics(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let read = try call.lookups.statistics()
        let frozen = call.lookups.state.frozenDomains
        let locations = read.value.locations.map { location in
            // Frozen domains are never served. Between two looks at memory one more wave may have frozen.
            let held = min(frozen[location.name] ?? 0, location.notServed)
            return LocationCount(
                location: location.name, domains: location.domains, frozen: held,
                suspended: location.notServed - held)
        }
        let split = try? await call.service.splitTenantCount()
        return .json(
            Statistics(
                revision: read.revision, total: read.value.total, locations: locations,
                openMigrations: call.lookups.state.openMigrations, splitTenants: split),
            at: read.revision)
    }
}

extension JSONWriter {
    fileprivate mutating func refusal(_ name: String, _ code: String) {
        beginObject()
        field("fqdn", .text(name))
        field("code", .text(code))
        endObject()
    }
}
