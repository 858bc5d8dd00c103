import HTTPTypes
import Metrics
import RegistryAPI
import RegistryModel
import RegistryService
import Synchronization

/// An operation of the API, and what answers it here.
struct Endpoint: Sendable {
    /// Answers from the table, on any node.
    typealias EdgeHandler = @Sendable (EdgeCall) async throws -> EndpointResponse
    typealias RegistryHandler = @Sendable (RegistryCall) async throws -> EndpointResponse
    /// A request whose body has been read, and what is left to do.
    typealias Prepared = (isReplay: Bool, answer: @Sendable () async throws -> EndpointResponse)

    var declaration: EndpointDeclaration
    /// What its requests count against when there are too many.
    var loadClass: LoadClass
    /// Whether its requests come all day long and change nothing that anybody asks about later. They are
    /// logged on their own terms.
    var isFrequent = false
    /// Whether its work ends with its client: a read is for nobody else.
    var endsWithClient = false
    let prepare: @Sendable (EdgeCall) async throws -> Prepared

    init(_ declaration: EndpointDeclaration, _ handler: @escaping EdgeHandler) {
        assert(!declaration.isIdempotent, "only a registry knows a repeated request")
        self.init(declaration, preparing: { call in (false, { try await handler(call) }) })
    }

    init(
        _ declaration: EndpointDeclaration, _ service: RegistryService,
        _ handler: @escaping RegistryHandler
    ) {
        let isIdempotent = declaration.isIdempotent
        self.init(
            declaration,
            preparing: { edge in
                let call = try await RegistryCall(edge, service, isIdempotent: isIdempotent)
                return (call.replay != nil, { try await handler(call) })
            })
    }

    private init(
        _ declaration: EndpointDeclaration,
        preparing prepare: @escaping @Sendable (EdgeCall) async throws -> Prepared
    ) {
        self.declaration = declaration
        self.prepare = prepare
        switch declaration.style {
        case .operations: loadClass = .light
        case .proxy:
            loadClass = .light
            isFrequent = true
        case .json:
            let isRead =
                declaration.method == .get
                || declaration.method == .post && !declaration.isIdempotent
            loadClass = isRead ? .read : .write
            endsWithClient = isRead
        }
    }

    var path: String { declaration.path }

    /// The endpoint as one that proxies ask on each request: answered from memory alone, never shed.
    var lookup: Endpoint {
        frequent.with {
            $0.loadClass = .light
            $0.endsWithClient = false
        }
    }

    /// The endpoint as one that is asked all day long.
    var frequent: Endpoint { with { $0.isFrequent = true } }

    /// The endpoint as one whose requests do little but wait: there is one for each agent, all day, and
    /// nobody else's work is put off by them.
    var waiting: Endpoint { with { $0.loadClass = .light } }

    /// The endpoint as one whose requests bring lists of any length, and have an answer of any length.
    var comparing: Endpoint {
        with {
            $0.loadClass = .comparison
            $0.endsWithClient = false
        }
    }

    /// The endpoint as one that anyone may ask.
    var open: Endpoint { with { $0.declaration.access = .open } }

    private func with(_ change: (inout Endpoint) -> Void) -> Endpoint {
        var copy = self
        change(&copy)
        return copy
    }
}

/// Writes a body piece by piece: each piece waits until the client has taken what was before it, so
/// that nothing heaps up here. A body that throws is cut off, and the client sees that it was.
typealias BodyStream =
    @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void

/// What an endpoint answers.
struct EndpointResponse: Sendable {
    var status: HTTPResponse.Status = .ok
    /// Whether it's a refusal of a service that has too much to do.
    var isShed = false
    var headers = HTTPFields()
    var body: [UInt8] = []
    /// Writes a body of any size, instead of `body`.
    var stream: BodyStream?
    /// What the answer was read at; nil: this node's table, now.
    var revision: Revision?
    /// With it; nil: the table's.
    var epoch: Epoch?

    static func json(
        _ body: [UInt8], status: HTTPResponse.Status = .ok, at revision: Revision? = nil
    ) -> EndpointResponse {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        return EndpointResponse(status: status, headers: headers, body: body, revision: revision)
    }

    static func json(
        _ value: some Shape, status: HTTPResponse.Status = .ok, at revision: Revision? = nil
    ) -> EndpointResponse {
        .json(value.json, status: status, at: revision)
    }

    func of(_ epoch: Epoch?) -> EndpointResponse {
        var copy = self
        copy.epoch = epoch
        return copy
    }

    static func empty(_ status: HTTPResponse.Status, at revision: Revision? = nil)
        -> EndpointResponse
    {
        EndpointResponse(status: status, revision: revision)
    }

    func with(_ name: HTTPField.Name, _ value: String) -> EndpointResponse {
        var copy = self
        copy.headers[name] = value
        return copy
    }
}

/// Requests of one endpoint by status: a counter and durations.
final class EndpointMetrics: Sendable {
    private let method: String
    private let route: String
    private let byStatus = Mutex<[Int: StatusMetrics]>([:])

    init(method: String, route: String) {
        self.method = method
        self.route = route
    }

    func record(status: Int, _ duration: Duration) {
        let metrics = self.status(status)
        metrics.requests.increment()
        metrics.durations.record(duration: duration)
    }

    /// To keep, for who answers often: finding it takes a lock.
    func status(_ status: Int) -> StatusMetrics {
        byStatus.withLock { byStatus in
            if let known = byStatus[status] { return known }
            let new = StatusMetrics([
                ("method", method), ("route", route), ("status", String(status)),
            ])
            byStatus[status] = new
            return new
        }
    }
}

/// Requests with one status.
struct StatusMetrics: Sendable {
    let requests: Counter
    let durations: Timer

    init(_ dimensions: [(String, String)]) {
        requests = Counter(label: "http_requests_total", dimensions: dimensions)
        durations = Timer(label: "http_request_duration_seconds", dimensions: dimensions)
    }
}

/// Lookups by what came of them.
struct LookupMetrics: Sendable {
    let found = Counter(label: "registry_lookups_total", dimensions: [("outcome", "found")])
    let unknown = Counter(label: "registry_lookups_total", dimensions: [("outcome", "unknown")])
    let malformed = Counter(label: "registry_lookups_total", dimensions: [("outcome", "malformed")])

    func count(_ refusal: RegistryError) {
        switch refusal {
        case .malformedName: malformed.increment()
        case .unknownDomain: unknown.increment()
        default: break
        }
    }
}
