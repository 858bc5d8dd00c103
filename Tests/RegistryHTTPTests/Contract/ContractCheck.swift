import NIOHTTP1
import RegistryAPI
import Testing

@testable import RegistryHTTP

/// Holds each answer that a test gets against openapi.yaml and against what the contract says of all.
enum ContractCheck {
    static func check(
        _ answer: Answer, to method: String, _ target: String, at place: SourceLocation
    ) {
        for problem in problems(of: answer, to: method, target) {
            Issue.record(
                "\(method) \(target.prefix(200)) → \(answer.status): \(problem)",
                sourceLocation: place)
        }
    }

    static func problems(of answer: Answer, to method: String, _ target: String) -> [String] {
        let document = OpenAPIDocument.shared
        let operation = document.operation(method, target)
        let responses = operation?.value["responses"] ?? .null
        let declared = responses["\(answer.status)"] ?? responses["default"]
        guard
            let response = declared.map(document.resolved)
                ?? document.component("responses", "Problem")
        else { return ["no such status is declared"] }
        let isHead = method == "HEAD"
        return headers(answer, response)
            + content(answer, response, hasBody: !isHead && answer.status != 304)
            + (isHead ? [] : problemRules(answer, response)) + everyAnswer(answer, target)
    }

    private static func headers(_ answer: Answer, _ response: JSONValue) -> [String] {
        let document = OpenAPIDocument.shared
        let checker = SchemaChecker(document: document)
        return (response["headers"]?.keys ?? []).flatMap { name -> [String] in
            guard let declaration = (response["headers"]?[name]).map(document.resolved) else {
                return []
            }
            let values = answer.headers[name]
            guard let text = values.first else {
                return declaration["required"] == .bool(true)
                    ? ["the header \(name) is missing"] : []
            }
            guard values.count == 1 else {
                return ["the header \(name) comes \(values.count) times"]
            }
            let schema = document.resolved(declaration["schema"] ?? .null)
            let value: JSONValue =
                schema["type"] == .string("integer")
                ? Int64(text).map { .integer($0) } ?? .string(text) : .string(text)
            return checker.problems(value, schema, at: name)
        }
    }

    private static func content(
        _ answer: Answer, _ response: JSONValue, hasBody: Bool
    ) -> [String] {
        guard let content = response["content"], hasBody else {
            return answer.bytes.isEmpty ? [] : ["a body of \(answer.bytes.count) bytes"]
        }
        let type = answer.header("Content-Type") ?? ""
        guard let media = content[String(type.prefix { $0 != ";" })] else {
            return ["Content-Type \(type) isn't declared"]
        }
        if type == "application/x-ndjson" { return lines(answer, media["schema"] ?? .null) }
        guard type.contains("json") else { return [] }
        guard let value = try? answer.json else { return ["the body isn't JSON: \(answer.text)"] }
        return SchemaChecker(document: .shared).problems(value, media["schema"] ?? .null)
    }

    /// Each line of NDJSON is one value, and each has its end; of many lines, some are looked into.
    private static func lines(_ answer: Answer, _ schema: JSONValue) -> [String] {
        let checker = SchemaChecker(document: .shared)
        let lines = answer.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.last?.isEmpty != false else { return ["the last line has no end"] }
        return SchemaChecker.sample(Array(lines.dropLast())).flatMap { line -> [String] in
            guard let value = try? JSONValue(parsing: Array(line)) else {
                return ["a line isn't JSON: \(String(decoding: line, as: UTF8.self))"]
            }
            return checker.problems(value, schema)
        }
    }

    /// RFC 9457, and the contract on errors.
    private static func problemRules(_ answer: Answer, _ response: JSONValue) -> [String] {
        // What PowerDNS reads is no problem, and is declared so.
        let isMeant = response["content"].map { $0["application/problem+json"] == nil } ?? false
        guard answer.header("Content-Type") == "application/problem+json" else {
            return answer.status >= 400 && !answer.bytes.isEmpty && !isMeant
                ? ["not a problem"] : []
        }
        var found: [String] = []
        if answer["status"]?.number != Int64(answer.status) {
            found.append("another status inside")
        }
        if answer["type"]?.text != answer.code.map({ "/problems/\($0)" }) {
            found.append("type isn't /problems/ and the code")
        }
        if answer.code.flatMap({ ProblemKind.of($0) }).map({ $0.statuses.contains(answer.status) })
            != true
        {
            found.append("type leads nowhere, or to a page with other statuses")
        }
        if answer["request_id"]?.text != answer.header("X-Request-ID") {
            found.append("request_id isn't X-Request-ID")
        }
        // The media type of a backup is public.
        let text = answer.text.replacing("application/vnd.sqlite3", with: "")
        for word in internalWords where text.contains(word) {
            found.append("internal text: \(word) in \(answer.text)")
        }
        return found
    }

    private static let internalWords = [
        "Error(", "Swift", "SQLite", "sqlite", "SELECT", "NIO", "Optional", "GRDB", "Hummingbird",
        "/tmp/", "/work/", ".swift", "RegistryError",
    ]

    private static func everyAnswer(_ answer: Answer, _ target: String) -> [String] {
        var found: [String] = []
        let codes = ["bad-http", "request-timeout", "headers-too-large", "not-ready"]
        let mayOmitRevision =
            ["/livez", "/readyz", "/metrics", "/openapi.yaml", "/problems/"].contains {
                target.hasPrefix($0)
            }
            || codes.contains(answer.code ?? "") || answer.status == 503
        if answer.header("X-Request-ID") == nil { found.append("no X-Request-ID") }
        if answer.header("X-Registry-Revision") == nil, !mayOmitRevision {
            found.append("no X-Registry-Revision")
        }
        return found
    }
}
