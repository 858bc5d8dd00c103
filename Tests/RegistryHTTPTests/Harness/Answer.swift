import Foundation
import NIOHTTP1
import RegistryAPI
import Testing

/// An answer, whole.
struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }

    var json: JSONValue {
        get throws { try JSONValue(parsing: bytes) }
    }

    subscript(_ path: String...) -> JSONValue? {
        path.reduce(try? json) { $0?[$1] }
    }

    /// Of a problem.
    var code: String? { self["code"]?.text }

    func header(_ name: String) -> String? { headers.first(name: name) }

    /// The number in `X-Registry-Revision`.
    var revision: Int64? {
        header("X-Registry-Revision").flatMap { $0.split(separator: ".").last }.flatMap {
            Int64($0)
        }
    }

    var epoch: Substring? {
        header("X-Registry-Revision").flatMap { $0.split(separator: ".").first }
    }

    /// The pointers and codes of a validation problem, `/name required`.
    var complaints: [String] {
        self["errors"]?.array.map { "\($0["pointer"]?.text ?? "") \($0["code"]?.text ?? "")" } ?? []
    }

    var items: [JSONValue] { self["items"]?.array ?? [] }
}

extension JSONValue {
    subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var number: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    var flag: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    var array: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    var keys: [String] {
        guard case .object(let members) = self else { return [] }
        return members.map(\.key)
    }
}

extension Answer: CustomTestStringConvertible {
    /// Whether it's a problem with this status and code.
    func isProblem(_ status: Int, _ code: String) -> Bool {
        self.status == status && self.code == code
            && header("Content-Type") == "application/problem+json"
    }

    var testDescription: String { "\(status) \(text.prefix(500))" }
}
