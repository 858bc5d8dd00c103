import HTTPTypes
import RegistryAPI
import RegistryDNS
import RegistryModel
import RegistryService

/// `/v1/powerdns/…`: what PowerDNS' remote backend asks over HTTP.
///
/// A name that isn't there is 404, which PowerDNS takes for "by the wildcard": so a node without its table says 503, and every
/// call that isn't about names a plain "no".
struct PowerDNSRoutes: Sendable {
    private let zones: [LiveZone]

    init(_ service: RegistryService, _ zones: [LiveZoneOptions]) {
        self.zones = zones.enumerated().map { index, options in
            LiveZone(options, number: index + 1, service: service)
        }
    }

    @Sendable func answer(_ call: EdgeCall) async throws -> EndpointResponse {
        // Without its table it knows nothing, not even which zones are there.
        _ = try call.epoch()
        let path = call.parameters.getCatchAll().map {
            PercentCoding.decode(String($0), plusIsSpace: false) ?? String($0)
        }
        switch (path.first, path.count) {
        case ("lookup", 3): return try await lookUp(path[1], type: path[2])
        case ("getAllDomains", 1):
            return .result(try await infos(zones))
        case ("getDomainInfo", 2):
            guard let zone = zone(named: path[1]) else { return .no(.notFound) }
            guard let info = try await infos([zone]).first else { return .no(.notFound) }
            return .result(info)
        case ("list", 3):
            guard let zone = zone(named: path[2]) else { return .no(.notFound) }
            return .result(try await zone.all().flatMap { PowerDNSRecord.all($0, in: zone) })
        case ("getAllDomainMetadata", 2): return .result(PowerDNSMetadata())
        case ("getDomainMetadata", 3): return .result([PowerDNSRecord]())
        default: return .no(.ok)
        }
    }

    private func lookUp(_ text: String, type: String) async throws -> EndpointResponse {
        let name = Self.name(text)
        guard let zone = zone(of: name), let sets = try zone.records(of: name) else {
            return .no(.notFound)
        }
        let type = type.uppercased()
        var records: [PowerDNSRecord] = []
        if name == zone.name, type == "ANY" || type == "SOA" {
            records += PowerDNSRecord.all(try await zone.authority(), in: zone)
        }
        for set in sets where type == "ANY" || type == set.type {
            guard case .values = set.data else { throw Problem(ZoneError.aliasLive(name)) }
            records += PowerDNSRecord.all(set, in: zone)
        }
        // The name is there, so that no wildcard answers for it: PowerDNS wants to be shown something.
        if sets.isEmpty, records.isEmpty, type == "ANY" {
            records = [PowerDNSRecord(emptyName: name, in: zone)]
        }
        return records.isEmpty ? .no(.notFound) : .result(records)
    }

    /// Lower case, without the final dot.
    private static func name(_ text: String) -> String {
        String(text.hasSuffix(".") ? text.dropLast() : text[...]).lowercased()
    }

    /// The nearest one above.
    private func zone(of name: String) -> LiveZone? {
        zones.filter { $0.holds(name) }.max { $0.name.utf8.count < $1.name.utf8.count }
    }

    private func zone(named text: String) -> LiveZone? {
        let name = Self.name(text)
        return zones.first { $0.name == name }
    }

    private func infos(_ zones: [LiveZone]) async throws -> [PowerDNSZone] {
        var infos: [PowerDNSZone] = []
        for zone in zones {
            let fields = try await zone.authority().values.first?.split(separator: " ") ?? []
            infos.append(
                PowerDNSZone(
                    number: zone.number, name: zone.name + ".",
                    serial: fields.count > 2 ? Int64(fields[2]) ?? 0 : 0))
        }
        return infos
    }
}

/// A record as the remote backend reads it. Its contents have no zone cut below the apex but the operator's, so all are
/// authoritative.
private struct PowerDNSRecord: WrittenShape {
    var name: String
    var type: String
    var content: String
    var ttl: UInt32
    var zone: Int

    static func all(_ set: RecordSet, in zone: LiveZone) -> [PowerDNSRecord] {
        set.values.map {
            PowerDNSRecord(
                name: set.name + ".", type: set.type, content: $0, ttl: set.ttl, zone: zone.number)
        }
    }

    private init(name: String, type: String, content: String, ttl: UInt32, zone: Int) {
        (self.name, self.type, self.content) = (name, type, content)
        (self.ttl, self.zone) = (ttl, zone)
    }

    /// What PowerDNS calls an empty non-terminal: a record without a type.
    init(emptyName name: String, in zone: LiveZone) {
        self.init(
            name: name + ".", type: "", content: "", ttl: zone.request.ttl, zone: zone.number)
    }

    static let fields: [ShapeField<PowerDNSRecord>] = [
        ShapeField("qtype") { .text($0.type) },
        ShapeField("qname") { .text($0.name) },
        ShapeField("content") { .text($0.content) },
        ShapeField("ttl") { .number(Int64($0.ttl)) },
        ShapeField("auth") { _ in .number(1) },
        ShapeField("domain_id") { .number(Int64($0.zone)) },
    ]
}

private struct PowerDNSZone: WrittenShape {
    var number: Int
    var name: String
    var serial: Int64

    static let fields: [ShapeField<PowerDNSZone>] = [
        ShapeField("id") { .number(Int64($0.number)) },
        ShapeField("zone") { .text($0.name) },
        ShapeField("serial") { .number($0.serial) },
        ShapeField("notified_serial") { .number($0.serial) },
        ShapeField("last_check") { _ in .number(0) },
        ShapeField("kind") { _ in .text("native") },
    ]
}

private struct PowerDNSMetadata: WrittenShape {
    static let fields: [ShapeField<PowerDNSMetadata>] = []
}

extension EndpointResponse {
    fileprivate static func no(_ status: HTTPResponse.Status) -> EndpointResponse {
        .powerDNS(Array("{\"result\":false}".utf8), status)
    }

    fileprivate static func result(_ value: some WrittenShape) -> EndpointResponse {
        .powerDNS(Array("{\"result\":".utf8) + value.json + [UInt8(ascii: "}")], .ok)
    }

    fileprivate static func result(_ values: [some WrittenShape]) -> EndpointResponse {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("result")
        writer.beginArray()
        for value in values { value.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        return .powerDNS(writer.finish(), .ok)
    }

    private static func powerDNS(
        _ body: [UInt8], _ status: HTTPResponse.Status
    ) -> EndpointResponse {
        EndpointResponse.json(body, status: status).with(.cacheControl, "no-store")
    }
}
