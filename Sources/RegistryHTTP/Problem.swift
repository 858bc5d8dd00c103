import HTTPTypes
import RegistryAPI
import RegistryModel

/// An error as clients see it: RFC 9457 `application/problem+json`.
///
/// `Problem(_: RegistryError)` is the one place where refusals become HTTP. `detail` is written here or by the model, for the
/// caller; no internal text ever gets in.
struct Problem: Error, Sendable {
    var status: HTTPResponse.Status
    /// Stable, kebab-case.
    var code: String
    var detail: String
    /// What is wrong with which field, for validation.
    var errors: [FieldProblem] = []
    /// Of a quarantined name.
    var availableAt: Timestamp?
    /// The name of somebody else's that is in the way.
    var entangledWith: FQDN?
    /// The current one, where another was expected.
    var revision: Revision?
    /// Of a migration or a wave, where a step doesn't fit it.
    var state: String?
    /// Rows that aren't as a step expects them: the first ones, and how many.
    var conflicts: [WaveConflict] = []
    var conflictCount: Int?
    /// Where a tenant's other domains are.
    var locations: [LocationName]?
    /// A tenant's other domains: the first ones, and how many.
    var others: [FQDN]?
    var otherCount: Int?
    /// Agents that haven't applied a freeze, by name; nil where that isn't what's wrong.
    var lagging: [AgentName]?
    /// What a domain can't be changed for.
    var frozenIn: WaveName?
    var headers = HTTPFields()

    static let contentType = "application/problem+json"

    init(
        _ status: HTTPResponse.Status, _ code: String, _ detail: String, errors: [FieldProblem] = []
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
    }

    func with(_ name: HTTPField.Name, _ value: String) -> Problem {
        var copy = self
        copy.headers[name] = value
        return copy
    }

    /// - Parameter instance: the path of the request.
    func body(instance: String?, requestID: String) -> [UInt8] {
        var answer = ProblemResponse(
            type: EndpointID.getProblemPage.path(code), title: Self.title(of: code),
            status: status.code,
            detail: detail, instance: instance, code: code, requestID: requestID)
        answer.availableAt = availableAt
        answer.entangledWith = entangledWith
        answer.revision = revision
        answer.state = state
        answer.migration = frozenIn?.migration
        answer.wave = frozenIn?.number
        answer.conflictCount = conflictCount
        answer.conflicts = conflicts
        (answer.locations, answer.others, answer.otherCount) = (locations, others, otherCount)
        answer.lagging = lagging
        answer.errors = errors
        return answer.json
    }

    /// `domain-taken` → `Domain taken`.
    static func title(of code: String) -> String {
        let words = code.split(separator: "-").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}

extension Problem {
    static let internalError = Problem(
        .internalServerError, "internal", "the service met a defect of its own; its log has more")
    static let requestTimeout = Problem(
        .requestTimeout, "request-timeout", "the request didn't arrive in time")
    static let headersTooLarge = Problem(
        .requestHeaderFieldsTooLarge, "headers-too-large", "the header fields are too large")
    static let badHTTP = Problem(.badRequest, "bad-http", "this isn't an HTTP/1.1 request")
    static let unauthenticated = Problem(
        .unauthorized, "unauthenticated", "send a valid token: Authorization: Bearer trk_…"
    ).with(.wwwAuthenticate, "Bearer realm=\"tenant-registry\"")
    static func notAcceptable(_ types: [MediaType]) -> Problem {
        let names = types.map(\.rawValue).joined(separator: ", ")
        return Problem(.notAcceptable, "not-acceptable", "this endpoint answers in \(names)")
    }

    static func forbidden(_ role: Role) -> Problem {
        Problem(.forbidden, "forbidden", "the role \(role.rawValue) may not do this")
    }

    static func bodyTooLarge(limit: Int) -> Problem {
        // What is left of the body isn't read: the connection can't go on.
        Problem(.contentTooLarge, "body-too-large", "the body is over \(limit) bytes")
            .with(.connection, "close")
    }

    /// - Parameters:
    ///   - pointer: the one thing that is wrong.
    ///   - detail: what is expected there.
    static func invalid(_ pointer: String, _ detail: String) -> Problem {
        invalid([FieldProblem(pointer: pointer, code: "invalid", detail: detail)])
    }

    static func invalid(_ errors: [FieldProblem]) -> Problem {
        let first = errors.first.map {
            "\($0.pointer.isEmpty ? "the body" : $0.pointer): \($0.detail)"
        }
        let more = errors.count > 1 ? " (and \(errors.count - 1) more)" : ""
        return Problem(
            .badRequest, "invalid-request", (first ?? "the request is invalid") + more,
            errors: errors)
    }
}
