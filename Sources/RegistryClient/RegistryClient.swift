import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import RegistryAPI
import RegistryModel

/// A typed client of the registry's HTTP API: for the command line, agents and tests.
package struct RegistryClient: Sendable {
    let base: URL
    let token: String?
    let http: HTTPClient
    private let timeout: TimeAmount

    /// - Parameters:
    ///   - base: `http://127.0.0.1:8080`
    ///   - timeout: of one request, from connecting to its last byte.
    package init(base: URL, token: String?, http: HTTPClient, timeout: TimeAmount = .seconds(60)) {
        self.base = base
        self.token = token
        self.http = http
        self.timeout = timeout
    }

    package struct Answer: Sendable {
        package var status: Int
        package var headers: HTTPHeaders
        package var body: ByteBuffer

        package func decode<Value: Shape>(_: Value.Type = Value.self) throws -> Value {
            do throws(FeedFormatError) {
                return try Value(json: body.readableBytesView)
            } catch {
                let position = Position(headers).map { " at \($0)" } ?? ""
                throw ClientError.unreadable("\(error); the registry answered \(status)\(position)")
            }
        }
    }

    /// An answer, read and as it came: for commands that hand it on whole.
    package struct Received<Value: Shape>: Sendable {
        package var value: Value
        /// JSON.
        package var text: String
        /// What it was read at, as `X-Registry-Revision` says; a domain's revision is of its epoch.
        package var position: Position?

        init(_ answer: Answer) throws {
            value = try answer.decode()
            text = String(buffer: answer.body)
            position = Position(answer.headers)
        }
    }

    /// Sends one request.
    ///
    /// - Parameters:
    ///   - timeout: a longer one than the client's own, for what takes its time.
    ///   - limit: a shorter one, for what comes again.
    /// - Throws: `ClientError.refused` for a problem that the server answered with.
    package func send(
        _ method: HTTPMethod, _ path: String, query: [(String, String?)] = [], body: [UInt8]? = nil,
        headers: [(String, String)] = [], timeout: TimeAmount? = nil,
        atMost limit: TimeAmount? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url(path, query))
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body {
            request.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let answer: Answer
        do {
            let response = try await http.execute(
                request, timeout: limit ?? max(self.timeout, timeout ?? .zero))
            answer = Answer(
                status: Int(response.status.code), headers: response.headers,
                body: try await response.body.collect(upTo: 256 * 1024 * 1024))
        } catch {
            throw ClientError.unreachable("\(place): \(Self.reason(error))")
        }
        guard (200..<300).contains(answer.status) else {
            throw ClientError.refused(Refusal(answer))
        }
        return answer
    }

    /// Sends a request for one of the operations.
    func send(
        _ id: EndpointID, _ parameters: String..., query: [(String, String?)] = [],
        body: (any WrittenShape)? = nil, headers: [(String, String)] = [],
        idempotencyKey: String? = nil, timeout: TimeAmount? = nil, atMost limit: TimeAmount? = nil
    ) async throws -> Answer {
        let endpoint = id.declaration
        assert(query.allSatisfy { endpoint.query.contains($0.0) }, "\(id): a parameter")
        let key = idempotencyKey.map { [("Idempotency-Key", $0)] } ?? []
        return try await send(
            HTTPMethod(rawValue: endpoint.method.rawValue), id.path(parameters), query: query,
            body: body?.json, headers: headers + key, timeout: timeout, atMost: limit)
    }

    /// Where it is, for people: without user and password.
    var place: String {
        var parts = URLComponents(url: base, resolvingAgainstBaseURL: false)
        parts?.user = nil
        parts?.password = nil
        return parts?.string ?? base.host ?? "the registry"
    }

    func url(_ path: String, _ query: [(String, String?)]) -> String {
        let pairs = query.compactMap { name, value in
            value.map { "\(name)=\(PercentCoding.component($0))" }
        }
        let root =
            base.absoluteString.hasSuffix("/")
            ? String(base.absoluteString.dropLast()) : base.absoluteString
        return root + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    static func reason(_ error: any Error) -> String {
        let timeouts: [HTTPClientError] = [.connectTimeout, .deadlineExceeded, .readTimeout]
        if let error = error as? HTTPClientError, timeouts.contains(error) {
            return "no answer in time"
        }
        // Its own words can hold what it was given: header fields, the token among them.
        if let error = error as? HTTPClientError { return error.shortDescription }
        return connectionFault("\(String(reflecting: error)) \(error)")
            ?? MaskedText.mask("\(error)")
    }

    /// The libraries' own words say where in themselves they were.
    private static func connectionFault(_ words: String) -> String? {
        if words.contains("CERTIFICATE_VERIFY_FAILED") {
            return
                "its certificate isn't signed by an authority that is trusted here, or isn't valid now; --ca-file names a private authority"
        }
        if words.contains("failedToValidateHostname") {
            return "its certificate is for another host"
        }
        if words.contains("handshakeFailed") || words.contains("BoringSSL") {
            return "it doesn't speak TLS as this side does, or not at all: is it http:// there?"
        }
        // Of several addresses, the last one's.
        if let number = words.matches(of: /errno: (\d+)/).last.flatMap({ Int32($0.1) }) {
            return String(cString: strerror(number)).lowercased()
        }
        return nil
    }
}

extension Position {
    /// What an answer was read at.
    init?(_ headers: HTTPHeaders) {
        guard let text = headers.first(name: "X-Registry-Revision") else { return nil }
        self.init(text)
    }
}

/// Why a call came to nothing.
package enum ClientError: Error, CustomStringConvertible {
    case refused(Refusal)
    /// Nobody answered, or the connection broke: a write may or may not be there.
    case unreachable(String)
    case unreadable(String)

    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .unreachable(let what): "the registry can't be reached at \(what)"
        case .unreadable(let what): "the answer can't be read: \(what)"
        }
    }
}

/// What the server said no with.
package struct Refusal: Error, Sendable, CustomStringConvertible {
    package let status: Int
    /// `nil`: whoever answered isn't a registry.
    package let problem: ProblemResponse?
    package let retryAfter: String?

    init(_ answer: RegistryClient.Answer) {
        status = answer.status
        problem = ProblemResponse(leniently: answer.body.readableBytesView)
        retryAfter = answer.headers.first(name: "Retry-After")
    }

    package var code: String? { problem?.code }

    package var description: String {
        guard let problem else { return "status \(status), without a problem that says why" }
        let fields = problem.errors.map {
            "\n  " + PrintableText.line("\($0.pointer): \($0.detail) (\($0.code))")
        }
        return PrintableText.line(
            "\(problem.detail) (\(problem.code), request \(problem.requestID))") + fields.joined()
    }
}
