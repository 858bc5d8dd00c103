import RegistryModel

/// What an answer can be written in.
package enum MediaType: String, Sendable {
    case json = "application/json"
    case ndjson = "application/x-ndjson"
    case csv = "text/csv"
    case sqlite = "application/vnd.sqlite3"
    case plain = "text/plain"
    case eventStream = "text/event-stream"
    /// RFC 4027: a master file.
    case zone = "text/dns"
    case yaml = "application/yaml"
}

/// One operation of the API, as the server binds a handler to it, clients call it, and openapi.yaml describes it.
package struct EndpointDeclaration: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        /// Whatever a visitor's request has.
        case any = "*"
    }

    package enum Access: Sendable, Equatable {
        /// Anyone, without a token.
        case open
        case needs(Permission)

        /// Whether a caller with this role is let in.
        func isOpen(to role: Role) -> Bool {
            switch self {
            case .open: true
            case .needs(let permission): role.may(permission)
            }
        }
    }

    /// How a request is read before its handler sees it.
    package enum Style: Sendable, Equatable {
        /// JSON out, and in where there is a body: content negotiation, strict query.
        case json(bodyLimit: Int)
        /// Asked by proxies with visitors' headers and text in it: nothing of that counts.
        case proxy
        /// Health, metrics, documents: no negotiation, answers before the table is loaded.
        case operations
    }

    package var method: Method
    /// As in openapi.yaml: `/v1/domains/{fqdn}`; `{path}` at the end takes the rest of the path.
    package var path: String
    package var access: Access
    package var style: Style
    /// Whether an `Idempotency-Key` counts. On every write, and every POST but three.
    package var isIdempotent = false
    /// Whether `If-Match` counts.
    package var takesIfMatch = false
    /// Query parameters, but for `min_revision`, which each endpoint of the style `json` has.
    package var query: Set<String> = []
    /// The body, where it's one object.
    package var request: (any WrittenShape.Type)?
    /// What the body is, where it's a list of any length: its handler reads it as it comes.
    package var takes: [MediaType] = []
    /// What comes back, where that is JSON: the object, or a line of many.
    package var answer: (any Shape.Type)?
    /// What a client can ask for by `Accept`; the handler sends what content negotiation chooses.
    package var produces: [MediaType] = [.json]

    package init(_ method: Method, _ path: String, _ access: Access, _ style: Style) {
        self.method = method
        self.path = path
        self.access = access
        self.style = style
    }
}

extension EndpointDeclaration {
    package static let mebibyte = 1024 * 1024

    static func get(
        _ path: String, _ permission: Permission, query: Set<String> = [],
        _ answer: (any Shape.Type)? = nil, produces: [MediaType] = [.json]
    ) -> EndpointDeclaration {
        var endpoint = EndpointDeclaration(
            .get, path, .needs(permission), .json(bodyLimit: mebibyte))
        endpoint.query = query
        endpoint.answer = answer
        endpoint.produces = produces
        return endpoint
    }

    /// - Parameter isIdempotent: false for one that is no write of the log: a repeated one says the same.
    static func write(
        _ method: Method, _ path: String, _ permission: Permission, bodyLimit: Int = mebibyte,
        isIdempotent: Bool = true, query: Set<String> = [], _ request: (any WrittenShape.Type)?,
        _ answer: (any Shape.Type)? = nil, produces: [MediaType] = [.json]
    ) -> EndpointDeclaration {
        var endpoint = get(path, permission, query: query, answer, produces: produces)
        endpoint.method = method
        endpoint.style = .json(bodyLimit: bodyLimit)
        endpoint.isIdempotent = isIdempotent
        endpoint.request = request
        return endpoint
    }

    /// A question that comes with a list of any length.
    static func ask(
        _ path: String, _ permission: Permission, query: Set<String>, takes: [MediaType],
        produces: [MediaType]
    ) -> EndpointDeclaration {
        var endpoint = get(path, permission, query: query, produces: produces)
        endpoint.method = .post
        endpoint.takes = takes
        return endpoint
    }

    /// The same, done only as long as what it changes is as `If-Match` says.
    var guarded: EndpointDeclaration {
        var copy = self
        copy.takesIfMatch = true
        return copy
    }

    /// Why stands in the query: not every client can send a body with it.
    static func delete(_ path: String, _ permission: Permission) -> EndpointDeclaration {
        write(.delete, path, permission, query: ["reason", "ticket"], nil)
    }

    static func proxy(
        _ method: Method, _ path: String, query: Set<String> = []
    ) -> EndpointDeclaration {
        var endpoint = EndpointDeclaration(method, path, .needs(.read), .proxy)
        endpoint.query = query
        return endpoint
    }

    package static func operations(
        _ path: String, _ access: Access, query: Set<String> = []
    ) -> EndpointDeclaration {
        var endpoint = EndpointDeclaration(.get, path, access, .operations)
        endpoint.query = query
        return endpoint
    }
}
