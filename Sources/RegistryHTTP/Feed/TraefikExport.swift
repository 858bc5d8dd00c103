import RegistryModel
import RegistryWire

/// All domains as Traefik's HTTP provider reads them: a router for each, a service for each location.
///
/// What a mode asks for is in the rules: a domain that may only be read is routed for reading methods,
/// and one that must be rejected isn't routed at all.
struct TraefikExport: Sendable {
    private let locations: [(name: LocationName, upstream: UpstreamURL)]
    private static let reading = "&& (Method(`GET`) || Method(`HEAD`) || Method(`OPTIONS`))"

    init(_ locations: [(name: LocationName, upstream: UpstreamURL)]) {
        self.locations = locations
    }

    /// Up to the first router. Traefik refuses empty objects: what would be empty isn't there.
    var opening: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("http")
        writer.beginObject()
        guard !locations.isEmpty else { return writer.bytes }
        writer.key("services")
        writer.beginObject()
        for location in locations {
            writer.key(named: location.name.text)
            writer.beginObject()
            writer.key("loadBalancer")
            writer.beginObject()
            writer.key("servers")
            writer.beginArray()
            writer.beginObject()
            writer.field("url", location.upstream.text)
            writer.endObject()
            writer.endArray()
            writer.endObject()
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    static func isRouted(_ domain: Domain) -> Bool { domain.mode != .reject }

    /// - Parameter isFirst: whether it's the first router.
    func appendRouter(_ domain: Domain, isFirst: Bool, to buffer: inout [UInt8]) {
        let before = isFirst ? (locations.isEmpty ? "" : ",") + "\"routers\":{" : ","
        buffer += before.utf8
        let rule = "Host(`\(domain.fqdn)`)"
        buffer.appendJSON { writer in
            writer.string(domain.fqdn.text)
        }
        buffer.append(UInt8(ascii: ":"))
        buffer.appendJSON { writer in
            writer.beginObject()
            writer.field("rule", domain.mode == .serve ? rule : "\(rule) \(Self.reading)")
            writer.field("service", domain.location.text)
            writer.endObject()
        }
    }

    /// - Parameter hasRouters: whether there was one.
    static func closing(hasRouters: Bool) -> [UInt8] {
        Array((hasRouters ? "}}}" : "}}").utf8)
    }
}
