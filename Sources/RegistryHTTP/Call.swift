import HTTPTypes
import Hummingbird
import RegistryAPI
import RegistryModel
import RegistryService

/// A request as the table answers it, on any node: authenticated, its body read.
struct EdgeCall: Call {
    let request: Request
    let lookups: LookupService
    let caller: Caller
    let requestID: String
    let query: Query
    let parameters: Parameters
    /// Its place among the requests under way.
    let permit: Permit
    var body: [UInt8] = []
    /// The body, where somebody has read it as JSON already.
    var document: JSONDocument?

    var edge: EdgeCall { self }
}

/// A request as only a registry answers it. An agent has no service to make one of.
struct RegistryCall: Call {
    var edge: EdgeCall
    let service: RegistryService
    var idempotency: IdempotencyKey?
    /// The first answer, where this is a repeated request.
    var replay: Committed?

    func writing(_ note: Note) -> WriteContext {
        WriteContext(
            actor: caller.actor, note: note, requestID: edge.requestID, idempotency: idempotency)
    }
}

/// What both kinds of handler read of a request.
protocol Call: Sendable {
    var edge: EdgeCall { get }
}

extension Call {
    var request: Request { edge.request }
    var lookups: LookupService { edge.lookups }
    var caller: Caller { edge.caller }
    var query: Query { edge.query }
    var permit: Permit { edge.permit }
    var body: [UInt8] { edge.body }

    /// A parameter of the path, percent-decoded; text that isn't percent-encoded UTF-8 as sent.
    func parameter(_ name: String) -> String {
        let raw = edge.parameters.get(name) ?? ""
        return PercentCoding.decode(raw, plusIsSpace: false) ?? raw
    }

    /// - Throws: `malformedName` with the rule that it breaks.
    func fqdn() throws(RegistryError) -> FQDN {
        try Self.fqdn(parameter("fqdn"))
    }

    static func fqdn(_ text: String) throws(RegistryError) -> FQDN {
        do throws(FQDN.Malformed) {
            return try FQDN(text)
        } catch {
            throw .malformedName(input: text, error)
        }
    }

    /// The body as a JSON object.
    /// - Throws: `invalid-json`, or `invalid-request` where it's another kind of value.
    func object() throws -> JSONObjectReader {
        if let document = edge.document { return JSONObjectReader(document) }
        let document: JSONDocument
        do throws(JSONSyntaxError) {
            document = try JSONDocument(parsing: body)
        } catch {
            throw Problem(.badRequest, "invalid-json", "\(error)")
        }
        return JSONObjectReader(document)
    }

    /// The body as what the endpoint takes.
    /// - Throws: `invalid-json`, or `invalid-request` with everything that is wrong with it.
    func read<Value: Shape>(_: Value.Type = Value.self) throws -> Value {
        var object = try object()
        let value = Value(reading: &object)
        try object.finishOrThrow()
        guard let value else { throw Problem.internalError }
        return value
    }

    /// The store lifetime that this node serves.
    func epoch() throws(RegistryError) -> Epoch { try lookups.position().epoch }

    /// `If-Match`, RFC 9110 §13.1.1. Weak tags never match here; text that is no tag at all is 400.
    func ifMatch() throws -> Precondition? {
        let values = request.headers[values: .ifMatch]
        guard !values.isEmpty else { return nil }
        let tags = values.flatMap { EntityTag.list($0) }
        if tags.contains(.any) { return .exists }
        guard !tags.isEmpty, !tags.contains(.unreadable) else {
            throw Problem.invalid("If-Match", "a list of entity tags is expected")
        }
        guard !tags.allSatisfy(\.isWeak) else {
            throw Problem(
                .preconditionFailed, "revision-mismatch",
                "a weak entity tag never matches in If-Match: send the ETag as it came, without W/")
        }
        return .position(anyOf: Set(tags.compactMap(\.position)))
    }

    /// `If-None-Match`, RFC 9110 §13.1.2, on a read.
    func isNotModified(since position: Position) -> Bool {
        request.headers[values: .ifNoneMatch].contains { value in
            EntityTag.list(value).contains { $0 == .any || $0.weakPosition == position }
        }
    }
}

/// One member of a list of entity tags. Ours are `"<epoch>.<revision>"`: a store that was restored gives the
/// same revisions to other states.
enum EntityTag: Equatable {
    case any
    case tag(String, isWeak: Bool)
    case unreadable

    /// RFC 9110 §5.6.1: a comma in quotes belongs to its tag, and empty elements count nothing.
    static func list(_ field: String) -> [EntityTag] {
        var isQuoted = false
        let parts = field.unicodeScalars.split { scalar in
            if scalar == "\"" { isQuoted.toggle() }
            return scalar == "," && !isQuoted
        }
        return parts.map { part in
            let isSpace = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" }
            var text = part.drop(while: isSpace)
            while let last = text.last, isSpace(last) { text.removeLast() }
            return String(text)
        }
        .filter { !$0.isEmpty }.map(EntityTag.init(text:))
    }

    /// RFC 9110 §8.8.3.
    private init(text: String) {
        let isWeak = text.hasPrefix("W/")
        let quoted = isWeak ? text.dropFirst(2) : text[...]
        let inside = quoted.unicodeScalars.dropFirst().dropLast()
        if text == "*" {
            self = .any
        } else if quoted.unicodeScalars.count >= 2, quoted.hasPrefix("\""), quoted.hasSuffix("\""),
            inside.allSatisfy({ $0 > " " && $0 != "\"" && $0 != "\u{7F}" })
        {
            self = .tag(String(inside), isWeak: isWeak)
        } else {
            self = .unreadable
        }
    }

    var isWeak: Bool {
        if case .tag(_, isWeak: true) = self { true } else { false }
    }

    /// By strong comparison.
    var position: Position? { isWeak ? nil : weakPosition }

    var weakPosition: Position? {
        guard case .tag(let text, _) = self else { return nil }
        return Position(text)
    }

    static func text(_ position: Position) -> String { "\"\(position)\"" }
}
