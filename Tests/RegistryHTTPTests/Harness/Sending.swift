import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RegistryModel
import Testing

/// Who a test's request comes from.
enum Sender: Sendable {
    case role(Role)
    case nobody
    /// The text of an `Authorization`.
    case authorization(String)
}

extension RunningRegistry {
    /// Sends a request and holds the answer against the contract.
    @discardableResult
    func send(
        _ method: HTTPMethod, _ target: String, as sender: Sender = .role(.admin),
        json: String? = nil, bytes: [UInt8]? = nil, headers: [(String, String)] = [],
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(target)")
        request.method = method
        request.headers = HTTPHeaders(headers)
        switch sender {
        case .role(let role):
            request.headers.add(name: "Authorization", value: "Bearer \(token(role))")
        case .nobody: break
        case .authorization(let text): request.headers.add(name: "Authorization", value: text)
        }
        if let body = bytes ?? json.map({ Array($0.utf8) }) {
            if !request.headers.contains(name: "Content-Type") {
                request.headers.add(name: "Content-Type", value: "application/json")
            }
            request.body = .bytes(body)
        }
        let response = try await client.execute(request, timeout: .minutes(1))
        let body = try await response.body.collect(upTo: 64 * 1024 * 1024)
        let answer = Answer(
            status: Int(response.status.code), headers: response.headers,
            bytes: Array(body.readableBytesView))
        ContractCheck.check(answer, to: method.rawValue, target, at: place)
        return answer
    }

    @discardableResult
    func get(
        _ target: String, as sender: Sender = .role(.admin), headers: [(String, String)] = [],
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await send(.GET, target, as: sender, headers: headers, at: place)
    }

    @discardableResult
    func post(
        _ target: String, as sender: Sender = .role(.admin), _ json: String,
        key: String? = nil, at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        try await send(
            .POST, target, as: sender, json: json,
            headers: key.map { [("Idempotency-Key", $0)] } ?? [], at: place)
    }

    /// Registers a domain, for tests of something else.
    @discardableResult
    func register(
        _ name: String, location: String? = nil, tenant: String? = nil,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let members = [("fqdn", name), ("location", location), ("tenant", tenant)]
            .compactMap { key, value in value.map { "\"\(key)\":\"\($0)\"" } }
        let answer = try await post(
            "/v1/domains", "{\(members.joined(separator: ","))}", at: place)
        try #require(answer.status == 201, sourceLocation: place)
        return answer
    }

    /// Registers many at once.
    func registerAll(
        _ names: [String], at place: SourceLocation = #_sourceLocation
    ) async throws {
        let rows = names.map { "{\"fqdn\":\"\($0)\"}" }.joined(separator: ",")
        let answer = try await post("/v1/domains/batch", "{\"domains\":[\(rows)]}", at: place)
        try #require(answer.status == 200, sourceLocation: place)
        let refused = answer["results"]?.array.filter { $0["code"] != nil } ?? []
        try #require(refused.isEmpty, sourceLocation: place)
    }
}
