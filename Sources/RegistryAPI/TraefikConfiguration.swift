import RegistryModel

/// All domains as Traefik reads them, by its HTTP provider or from a file: a router for each, a service for each
/// location.
///
/// What a mode asks for is in the rules: of a domain that may only be read reading methods are routed to its place,
/// and whatever else is asked of it, or of one that must be rejected, to a service that has no server: 503. What a
/// visitor says about tenants gives way to what is so, in the fields that the registry has.
///
/// It's JSON, and a line for each domain. A file of Traefik's is a template first: `{{` is never in it.
package struct TraefikConfiguration: Sendable {
    private let locations: [(name: LocationName, upstream: UpstreamURL)]
    private let known: Set<LocationName>
    /// Who asks for an upgrade is about to write, though it be by GET.
    private static let reading =
        "&& (Method(`GET`) || Method(`HEAD`) || Method(`OPTIONS`)) && !HeaderRegexp(`Upgrade`, `.`)"
    /// A name that no location and no domain can have.
    private static let held = "-held"
    /// As `deploy/` has it for the other proxies.
    private static let retryAfterSeconds = "30"
    /// Traefik removes by whole names alone: these are all that the registry has, and what others might trust.
    private static let removed = [
        "X-Tenant-Revision", "X-Tenant-Upstream", "X-Tenant-Fenced", "X-Original-Host", "Forwarded",
    ]

    package init(_ locations: [(name: LocationName, upstream: UpstreamURL)]) {
        self.locations = locations
        known = Set(locations.map(\.name))
    }

    /// Up to the first router. Traefik refuses empty objects: what would be empty isn't there. A configuration of
    /// nothing at all it would take for none, and keep the routers that it has: `held` is always there.
    package var opening: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("http")
        writer.beginObject()
        writer.object("middlewares") { writer in
            Self.writeHeaders(
                Self.held, "customResponseHeaders", [("Retry-After", Self.retryAfterSeconds)],
                to: &writer)
            for (name, _) in locations {
                for mode in [Mode.serve, .readOnly] {
                    let said = [
                        ("X-Tenant-Location", name.text), ("X-Tenant-Mode", mode.rawValue),
                    ]
                    Self.writeHeaders(
                        Self.words(name, mode), "customRequestHeaders",
                        said + Self.removed.map { ($0, "") }, to: &writer)
                }
            }
        }
        writer.object("services") { writer in
            Self.writeService(Self.held, servers: [], to: &writer)
            for (name, upstream) in locations {
                // As any URL may have it.
                let url = upstream.text.replacing("{", with: "%7B")
                Self.writeService(name.text, servers: [url], to: &writer)
            }
        }
        return writer.finish()
    }

    /// The middleware that tells the application of its tenant.
    private static func words(_ location: LocationName, _ mode: Mode) -> String {
        "\(mode.rawValue)-\(location)"
    }

    private static func writeHeaders(
        _ name: String, _ kind: String, _ fields: [(String, String)],
        to writer: inout JSONWriter
    ) {
        writer.object(name) { writer in
            writer.object("headers") { writer in
                writer.object(kind) { writer in
                    for (name, value) in fields {
                        writer.key(named: name)
                        writer.string(value)
                    }
                }
            }
        }
    }

    private static func writeService(
        _ name: String, servers: [String], to writer: inout JSONWriter
    ) {
        writer.object(name) { writer in
            writer.object("loadBalancer") { writer in
                writer.key("servers")
                writer.beginArray()
                for server in servers {
                    writer.beginObject()
                    writer.field("url", .text(server))
                    writer.endObject()
                }
                writer.endArray()
            }
        }
    }

    /// Appends a domain's line.
    ///
    /// - Parameters:
    ///   - name: in canonical form.
    ///   - isFirst: whether it's the first domain.
    package func appendRouters(
        _ name: String, at location: LocationName, _ mode: Mode, isFirst: Bool,
        to buffer: inout [UInt8]
    ) {
        buffer += (isFirst ? ",\"routers\":{" : ",").utf8
        let rule = "Host(`\(name)`)"
        // A router to a service that isn't there would be none, and its site unknown.
        switch known.contains(location) ? mode : .reject {
        case .serve:
            Self.append(name, rule, Self.words(location, mode), to: location.text, &buffer)
        case .readOnly:
            // The longer rule comes first.
            Self.append(
                name, "\(rule) \(Self.reading)", Self.words(location, mode), to: location.text,
                &buffer)
            buffer.append(UInt8(ascii: ","))
            Self.append("-\(name)", rule, Self.held, to: Self.held, &buffer)
        case .reject: Self.append(name, rule, Self.held, to: Self.held, &buffer)
        }
        buffer.append(0x0A)
    }

    private static func append(
        _ name: String, _ rule: String, _ middleware: String, to service: String,
        _ buffer: inout [UInt8]
    ) {
        buffer.appendJSON { writer in
            writer.string(name)
        }
        buffer.append(UInt8(ascii: ":"))
        buffer.appendJSON { writer in
            writer.beginObject()
            writer.key("middlewares")
            writer.beginArray()
            writer.string(middleware)
            writer.endArray()
            writer.field("rule", .text(rule))
            writer.field("service", .text(service))
            writer.endObject()
        }
    }

    /// - Parameter hasRouters: whether there was one.
    package static func closing(hasRouters: Bool) -> [UInt8] {
        Array((hasRouters ? "}}}" : "}}").utf8)
    }
}

extension JSONWriter {
    fileprivate mutating func object(
        _ name: String, _ body: (inout JSONWriter) -> Void
    ) {
        key(named: name)
        beginObject()
        body(&self)
        endObject()
    }
}
