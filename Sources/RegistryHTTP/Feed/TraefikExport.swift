import RegistryAPI
import RegistryModel

/// All domains as Traefik's HTTP provider reads them: a router for each, a service for each location.
///
/// What a mode asks for is in the rules: of a domain that may only be read reading methods are routed to its place,
/// and whatever else is asked of it, or of one that must be rejected, to a service that has no server: 503.
struct TraefikExport: Sendable {
    private let locations: [(name: LocationName, upstream: UpstreamURL)]
    /// Who asks for an upgrade is about to write, though it be by GET.
    private static let reading =
        "&& (Method(`GET`) || Method(`HEAD`) || Method(`OPTIONS`)) && !HeaderRegexp(`Upgrade`, `.`)"
    /// A name that no location and no domain can have.
    private static let held = "-held"
    /// As `deploy/` has it for the other proxies.
    private static let retryAfterSeconds = "30"

    init(_ locations: [(name: LocationName, upstream: UpstreamURL)]) {
        self.locations = locations
    }

    /// Up to the first router. Traefik refuses empty objects: what would be empty isn't there. A configuration of
    /// nothing at all it would take for none, and keep the routers that it has: `held` is always there.
    var opening: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("http")
        writer.beginObject()
        writer.key("middlewares")
        writer.beginObject()
        writer.key(named: Self.held)
        writer.beginObject()
        writer.key("headers")
        writer.beginObject()
        writer.key("customResponseHeaders")
        writer.beginObject()
        writer.field("Retry-After", Self.retryAfterSeconds)
        for _ in ["customResponseHeaders", "headers", Self.held, "middlewares"] {
            writer.endObject()
        }
        writer.key("services")
        writer.beginObject()
        Self.writeService(Self.held, servers: [], to: &writer)
        for location in locations {
            Self.writeService(location.name.text, servers: [location.upstream], to: &writer)
        }
        writer.endObject()
        return writer.bytes
    }

    private static func writeService(
        _ name: String, servers: [UpstreamURL], to writer: inout JSONWriter
    ) {
        writer.key(named: name)
        writer.beginObject()
        writer.key("loadBalancer")
        writer.beginObject()
        writer.key("servers")
        writer.beginArray()
        for server in servers {
            writer.beginObject()
            writer.field("url", server.text)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endObject()
    }

    /// - Parameter isFirst: whether it's the first domain.
    func appendRouters(_ domain: Domain, isFirst: Bool, to buffer: inout [UInt8]) {
        buffer += (isFirst ? ",\"routers\":{" : ",").utf8
        let (name, rule) = (domain.fqdn.text, "Host(`\(domain.fqdn)`)")
        switch domain.mode {
        case .serve: Self.append(name, rule, to: domain.location.text, &buffer)
        case .readOnly:
            // The longer rule comes first.
            Self.append(name, "\(rule) \(Self.reading)", to: domain.location.text, &buffer)
            buffer.append(UInt8(ascii: ","))
            Self.append("-\(name)", rule, to: Self.held, &buffer)
        case .reject: Self.append(name, rule, to: Self.held, &buffer)
        }
    }

    private static func append(
        _ name: String, _ rule: String, to service: String, _ buffer: inout [UInt8]
    ) {
        buffer.appendJSON { writer in
            writer.string(name)
        }
        buffer.append(UInt8(ascii: ":"))
        buffer.appendJSON { writer in
            writer.beginObject()
            if service == held {
                writer.key("middlewares")
                writer.beginArray()
                writer.string(held)
                writer.endArray()
            }
            writer.field("rule", rule)
            writer.field("service", service)
            writer.endObject()
        }
    }

    /// - Parameter hasRouters: whether there was one.
    static func closing(hasRouters: Bool) -> [UInt8] {
        Array((hasRouters ? "}}}" : "}}").utf8)
    }
}
