import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// One operation of the API: what it's called by, who may call it, and what it does.
struct Endpoint: Sendable {
    enum Access: Sendable, Equatable {
        /// Anyone, without a token.
        case open
        case needs(Permission)
    }

    /// How a request is read before its handler sees it.
    enum Style: Sendable, Equatable {
        /// JSON out, and in where there is a body: content negotiation, strict query.
        case json(bodyLimit: Int)
        /// Asked by proxies with visitors' headers and text in it: nothing of that counts.
        case proxy
        /// Health, metrics, documents: no negotiation, answers before the table is loaded.
        case operations
    }

    var method: Method
    /// As in openapi.yaml: `/v1/domains/{fqdn}`; `{path}` at the end takes the rest of the path.
    var path: String
    var access: Access
    var style: Style
    /// Whether an `Idempotency-Key` counts. On every write, and every POST but two.
    var isIdempotent = false
    /// What its requests count against when there are too many.
    var lane: Lane
    /// Query parameters of a write; its handler reads them. A read's handler knows its own.
    var query: Set<String> = []
    /// Whether its requests come all day long and change nothing that anybody asks about later. They are
    /// logged on their own terms.
    var isFrequent = false
    /// Whether an agent answers it too.
    var isAtEdge = false
    /// Whether its work ends with its client: a read is for nobody else.
    var endsWithClient = false
    /// What a client can ask for by `Accept`; its handler sends what `ContentNegotiation` chooses.
    var produces: [MediaType] = [.json]
    var handler: Handler

    enum Method: Sendable, Equatable {
        case one(HTTPRequest.Method)
        case any
    }

    static let mebibyte = 1024 * 1024

    typealias Handler = @Sendable (inout Call) async throws -> Reply

    /// The endpoint as one that proxies ask on each request: answered from memory alone, never shed.
    var lookup: Endpoint {
        var copy = frequent
        copy.lane = .light
        copy.endsWithClient = false
        return copy
    }

    /// The endpoint as one that is asked all day long.
    var frequent: Endpoint {
        var copy = self
        copy.isFrequent = true
        return copy
    }

    /// The endpoint as one whose requests do little but wait: there is one for each agent, all day, and
    /// nobody else's work is put off by them.
    var waiting: Endpoint {
        var copy = self
        copy.lane = .light
        return copy
    }

    /// The endpoint as one that agents have too.
    var atEdge: Endpoint {
        var copy = self
        copy.isAtEdge = true
        return copy
    }

    static func get(
        _ path: String, _ permission: Permission, produces: [MediaType] = [.json],
        _ handler: @escaping Handler
    ) -> Endpoint {
        Endpoint(
            method: .one(.get), path: path, access: .needs(permission),
            style: .json(bodyLimit: mebibyte), lane: .read, endsWithClient: true,
            produces: produces, handler: handler)
    }

    /// - Parameter isIdempotent: false for one that changes nothing.
    static func post(
        _ path: String, _ permission: Permission, bodyLimit: Int = mebibyte,
        isIdempotent: Bool = true, query: Set<String> = [], produces: [MediaType] = [.json],
        _ handler: @escaping Handler
    ) -> Endpoint {
        Endpoint(
            method: .one(.post), path: path, access: .needs(permission),
            style: .json(bodyLimit: bodyLimit), isIdempotent: isIdempotent,
            lane: isIdempotent ? .write : .read, query: query, endsWithClient: !isIdempotent,
            produces: produces, handler: handler)
    }

    /// - Parameter isIdempotent: false for one that is no write of the log: a repeated report says the same.
    static func write(
        _ method: HTTPRequest.Method, _ path: String, _ permission: Permission,
        isIdempotent: Bool = true, _ handler: @escaping Handler
    ) -> Endpoint {
        Endpoint(
            method: .one(method), path: path, access: .needs(permission),
            style: .json(bodyLimit: mebibyte), isIdempotent: isIdempotent, lane: .write,
            handler: handler)
    }

    static func proxy(_ method: Method, _ path: String, _ handler: @escaping Handler) -> Endpoint {
        Endpoint(
            method: method, path: path, access: .needs(.read), style: .proxy, lane: .light,
            isFrequent: true, handler: handler)
    }

    static func operations(_ path: String, _ access: Access, _ handler: @escaping Handler)
        -> Endpoint
    {
        Endpoint(
            method: .one(.get), path: path, access: access, style: .operations, lane: .light,
            handler: handler)
    }
}

/// Writes a body piece by piece: each piece waits until the client has taken what was before it, so
/// that nothing heaps up here. A body that throws is cut off, and the client sees that it was.
typealias BodyStream =
    @Sendable (_ write: ([UInt8]) async throws -> Void) async throws -> Void

/// What an endpoint answers.
struct Reply: Sendable {
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
    ) -> Reply {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        return Reply(status: status, headers: headers, body: body, revision: revision)
    }

    static func json(
        _ value: some Shape, status: HTTPResponse.Status = .ok, at revision: Revision? = nil
    ) -> Reply {
        .json(value.json, status: status, at: revision)
    }

    func of(_ epoch: Epoch?) -> Reply {
        var copy = self
        copy.epoch = epoch
        return copy
    }

    static func empty(_ status: HTTPResponse.Status, at revision: Revision? = nil) -> Reply {
        Reply(status: status, revision: revision)
    }

    func with(_ name: HTTPField.Name, _ value: String) -> Reply {
        var copy = self
        copy.headers[name] = value
        return copy
    }
}
