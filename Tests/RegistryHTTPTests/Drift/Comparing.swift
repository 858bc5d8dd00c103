import NIOHTTP1
import RegistryAPI
import RegistryModel
import Testing

/// What a comparison has answered.
struct Comparison {
    var answer: Answer
    var entries: [DriftEntry]
    /// Nil: the answer has no last line.
    var summary: DriftSummary?

    init(_ answer: Answer) throws {
        self.answer = answer
        let lines = answer.bytes.split(separator: 0x0A)
        let read = answer.status == 200 ? try lines.map { try DriftLine(json: $0) } : []
        entries = read.compactMap { line in
            if case .entry(let entry) = line { entry } else { nil }
        }
        if case .summary(let last) = read.last { summary = last }
    }

    /// Each as `finding name`, and where it's registered.
    var findings: [String] {
        entries.map { entry in
            "\(entry.finding.rawValue) \(entry.fqdn)"
                + (entry.registered.map { " \($0)" } ?? "")
        }
    }
}

extension RunningRegistry {
    func compare(
        _ list: String, of location: String = "aws", as type: String = "text/plain",
        query: String = "", at place: SourceLocation = #_sourceLocation
    ) async throws -> Comparison {
        try await compare(
            bytes: Array(list.utf8), of: location, as: type, query: query, at: place)
    }

    func compare(
        bytes: [UInt8], of location: String = "aws", as type: String = "text/plain",
        query: String = "", at place: SourceLocation = #_sourceLocation
    ) async throws -> Comparison {
        let answer = try await send(
            .POST, "/v1/drift?location=\(location)\(query)", as: .role(.auditor), bytes: bytes,
            headers: [("Content-Type", type)], at: place)
        return try Comparison(answer)
    }

    func move(
        _ name: String, to location: String, at place: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await send(
            .PATCH, "/v1/domains/\(name)", json: #"{"location":"\#(location)"}"#, at: place)
        try #require(answer.status == 200, sourceLocation: place)
    }

    func release(_ name: String, at place: SourceLocation = #_sourceLocation) async throws {
        let answer = try await send(.DELETE, "/v1/domains/\(name)", at: place)
        try #require(answer.status == 204, sourceLocation: place)
    }

    /// The head of a comparison whose list comes in chunks.
    func comparisonHead(_ location: String = "aws") -> String {
        "POST /v1/drift?location=\(location) HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"
            + "Authorization: Bearer \(token(.auditor))\r\nTransfer-Encoding: chunked\r\n\r\n"
    }
}

/// A list of lines that are no names: `count` findings of some 280 bytes.
func longList(_ count: Int) -> String {
    let text = String(repeating: "_", count: 240)
    return (0..<count).map { "\(text)\($0)\n" }.joined()
}

/// A chunk of a body.
func chunk(_ text: String) -> String {
    "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
}

/// A body in chunks, put together.
struct ChunkedBody {
    var bytes: [UInt8] = []
    /// Whether its last chunk is there.
    var isWhole = false

    init(_ text: [UInt8]) {
        var rest = text[...]
        while let end = rest.firstRange(of: [0x0D, 0x0A]) {
            let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16)
            rest = rest[end.upperBound...]
            guard let size, size > 0 else {
                isWhole = size == 0
                return
            }
            bytes += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
    }
}
