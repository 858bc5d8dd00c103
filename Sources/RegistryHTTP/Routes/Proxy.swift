import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService
import RoutingTable

/// What proxies ask on each request. Each endpoint has one source for the host and no fallback, so
/// that no visitor can choose it.
struct ProxyRoutes: Sendable {
    let options: HTTPOptions
    private let settings: LookupSettings
    private let metrics = LookupMetrics()

    init(options: HTTPOptions) {
        self.options = options
        settings = LookupSettings(options)
    }

    /// `?host=`: for nginx's `auth_request`, where the proxy writes the query.
    @Sendable func byQuery(_ call: EdgeCall) async throws -> EndpointResponse {
        // The first `unknown` counts: a visitor's host may hold another.
        let unknown = try unknownStatus(
            call.query.values("unknown").first ?? "404", "?unknown")
        try await waitForRevision(call)
        let hosts = call.query.values("host")
        return try answer(call, host: hosts.count == 1 ? hosts[0] : nil, unknown: unknown)
    }

    /// `X-Forwarded-Host`: for Caddy's and Traefik's forward auth. The query may be the visitor's, and counts
    /// nothing.
    @Sendable func byForwardedHost(_ call: EdgeCall) async throws -> EndpointResponse {
        try answerForwarded(call, unknown: .notFound)
    }

    /// The same, with the status for an unknown host in the path, which is the proxy's own.
    @Sendable func byForwardedHostOrStatus(_ call: EdgeCall) async throws -> EndpointResponse {
        try answerForwarded(call, unknown: unknownStatus(call.parameters.get("status"), "{status}"))
    }

    private func answerForwarded(_ call: EdgeCall, unknown: LookupStatus) throws -> EndpointResponse
    {
        let hosts = call.request.headers[values: .xForwardedHost]
        return try answer(call, host: hosts.count == 1 ? hosts[0] : nil, unknown: unknown)
    }

    /// `Host`: for Envoy's HTTP `ext_authz`. Path and query are the visitor's, and count nothing.
    @Sendable func byAuthority(_ call: EdgeCall) async throws -> EndpointResponse {
        // The first Host is the authority; a second one is still among the fields.
        let isRepeated = call.request.headers.contains(.host)
        return try answer(
            call, host: isRepeated ? nil : call.request.head.authority, unknown: .notFound)
    }

    /// `?domain=`: whether Caddy may get a certificate for this host.
    @Sendable func askForCertificate(_ call: EdgeCall) async throws -> EndpointResponse {
        let hosts = call.query.values("domain")
        let read = try find(call, host: hosts.count == 1 ? hosts[0] : nil)
        return .empty(read.value == nil ? .notFound : .ok, at: read.revision).of(read.epoch)
    }

    private func find(_ call: EdgeCall, host: String?) throws -> Read<RouteTarget?> {
        let read = try call.lookups.route(host: host)
        (read.value == nil ? metrics.unknown : metrics.found).increment()
        return read
    }

    private func answer(_ call: EdgeCall, host: String?, unknown: LookupStatus) throws
        -> EndpointResponse
    {
        let read = try find(call, host: host)
        let position = Position(epoch: try read.epoch ?? call.epoch(), revision: read.revision)
        return EndpointResponse(
            LookupResponse.route(read.value, unknown: unknown, at: position), settings)
    }

    /// What an unknown host gets. A 404 would be read as the answer about one: no other status is taken for it.
    private func unknownStatus(_ text: String?, _ pointer: String) throws -> LookupStatus {
        switch text {
        case "404": return .notFound
        case "403": return .forbidden
        case "200": return .ok
        default: throw Problem.invalid(pointer, "one of 403, 404, 200 is expected")
        }
    }

    /// `min_revision` counts where it stands before `host`: what follows may be a visitor's text.
    private func waitForRevision(_ call: EdgeCall) async throws {
        let own = call.query.items.prefix { $0.name != "host" }
        guard let item = own.first(where: { $0.name == "min_revision" }) else { return }
        guard let asked = item.value.flatMap({ NamedRevision($0) }) else {
            throw Problem.invalid("?min_revision", "\(NamedRevision.expected) is expected")
        }
        try await call.lookups.wait(for: asked, within: options.revisionWait)
    }
}
