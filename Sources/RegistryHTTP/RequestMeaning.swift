import Crypto
import HTTPTypes
import RegistryAPI
import RegistryModel
import RegistryService

/// The digest of what a request asks for, by which a repeated `Idempotency-Key` is told from one that is
/// used for something else.
///
/// Of the meaning, not the bytes: a client that writes its JSON anew for each attempt, or a proxy that
/// escapes the path in another way, still sends the same request. Each part stands behind its length, so
/// that no two meanings have one spelling.
struct RequestMeaning {
    private var hash = SHA256()
    private var buffer: [UInt8] = []

    private static let bufferSize = 1 << 14

    /// - Parameters:
    ///   - body: nil where the body isn't JSON: then its bytes count.
    static func digest(
        _ method: HTTPRequest.Method, target: String, _ body: JSONValue?, bytes: [UInt8]
    ) -> [UInt8] {
        var meaning = RequestMeaning()
        meaning.text(method.rawValue)
        meaning.path(target.prefix { $0 != "?" })
        meaning.query(Query(target: target))
        if let body {
            meaning.value(body)
        } else if bytes.isEmpty {
            // No body says what an empty object says.
            meaning.value(.object([]))
        } else {
            // Digests are kept: this word is for ever.
            meaning.mark("octets", bytes.count)
            meaning.append(bytes)
        }
        meaning.flush()
        return Array(meaning.hash.finalize())
    }

    private mutating func path(_ path: Substring) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        mark("path", segments.count)
        for segment in segments {
            text(PercentCoding.decode(segment, plusIsSpace: false) ?? String(segment))
        }
    }

    /// In the order of the names; a parameter that comes twice keeps the order of its values.
    private mutating func query(_ query: Query) {
        let items = query.items.enumerated().sorted {
            ($0.element.name, $0.offset) < ($1.element.name, $1.offset)
        }
        mark("query", items.count)
        for (_, item) in items {
            text(item.name)
            if let value = item.value { text(value) } else { mark("unreadable", 0) }
        }
    }

    private mutating func value(_ value: JSONValue) {
        switch value {
        case .null: mark("null", 0)
        case .bool(let flag): mark("bool", flag ? 1 : 0)
        case .integer(let number): mark("integer", Int(number))
        case .number(let number):
            // 1.0 and 1 are one number.
            if let whole = Int(exactly: number) { return mark("integer", whole) }
            mark("number", Int(bitPattern: UInt(number.bitPattern)))
        case .string(let text): self.text(text)
        case .array(let elements):
            mark("array", elements.count)
            for element in elements { self.value(element) }
        case .object(let members):
            mark("object", members.count)
            for member in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
            {
                text(member.key)
                self.value(member.value)
            }
        }
    }

    private mutating func text(_ text: String) {
        mark("text", text.utf8.count)
        append(text.utf8)
    }

    private mutating func mark(_ kind: StaticString, _ number: Int) {
        append("\(kind):\(number):".utf8)
    }

    private mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferSize { flush() }
    }

    private mutating func flush() {
        hash.update(data: buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}

extension RegistryCall {
    /// Finds the first answer to a repeated request, before anything else is looked at.
    init(_ edge: EdgeCall, _ service: RegistryService, isIdempotent: Bool) async throws {
        self.init(edge: edge, service: service)
        guard isIdempotent, let key = request.headers[.idempotencyKey] else { return }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else {
            throw Problem(
                .badRequest, "invalid-idempotency-key",
                "an Idempotency-Key has 1 to 255 characters of printable ASCII")
        }
        self.edge.document = try? JSONDocument(parsing: body)
        let idempotency = IdempotencyKey(
            token: caller.actor.token, key: key,
            requestDigest: RequestMeaning.digest(
                request.method, target: request.head.path ?? "",
                self.edge.document.map { JSONValue($0) }, bytes: body))
        self.idempotency = idempotency
        replay = try await service.replay(of: idempotency)
    }
}
