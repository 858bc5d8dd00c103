import Foundation
import RegistryAPI
import Yams

/// openapi.yaml of the repository, as one value.
struct OpenAPIDocument: Sendable {
    static let file = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("openapi.yaml")

    static let shared: OpenAPIDocument = {
        do {
            let text = try String(contentsOf: file, encoding: .utf8)
            return OpenAPIDocument(root: JSONValue(yaml: try Yams.load(yaml: text) as Any))
        } catch {
            fatalError("openapi.yaml can't be read: \(error)")
        }
    }()

    struct Operation: Sendable {
        var method: String
        var path: String
        var value: JSONValue

        var role: String? { value["x-role"]?.text }
    }

    static let methods = ["get", "head", "post", "put", "patch", "delete", "options", "trace"]

    let operations: [Operation]
    /// By reference, `#/components/schemas/Domain`.
    private let components: [String: JSONValue]

    private init(root: JSONValue) {
        let paths = root["paths"] ?? .null
        operations = paths.keys.flatMap { path in
            Self.methods.compactMap { method in
                (paths[path]?[method]).map {
                    Operation(method: method.uppercased(), path: path, value: $0)
                }
            }
        }
        var components: [String: JSONValue] = [:]
        let groups = root["components"] ?? .null
        for group in groups.keys {
            for name in groups[group]?.keys ?? [] {
                components["#/components/\(group)/\(name)"] = groups[group]?[name]
            }
        }
        self.components = components
    }

    /// What a `$ref` stands for; anything else as it is.
    func resolved(_ value: JSONValue) -> JSONValue {
        guard let reference = value["$ref"]?.text else { return value }
        guard let target = components[reference] else { fatalError("nothing at \(reference)") }
        return resolved(target)
    }

    func component(_ group: String, _ name: String) -> JSONValue? {
        components["#/components/\(group)/\(name)"]
    }

    /// The operation that a request meets. `HEAD` is implied by `GET`.
    func operation(_ method: String, _ target: String) -> Operation? {
        let path = target.prefix { $0 != "?" }
        let found = operations.filter { Self.matches($0.path, path) }
        // A literal path wins over one with a parameter.
        let parameters = { (path: String) in path.filter { $0 == "{" }.count }
        let closest = found.map(\.path).min { parameters($0) < parameters($1) }
        let here = found.filter { $0.path == closest }
        // OpenAPI can't name every method: where it names all that it can, the rest is the same.
        let takesAll = here.count == Self.methods.count && !Self.canName(method)
        return here.first { $0.method == method }
            ?? here.first { (method == "HEAD" || takesAll) && $0.method == "GET" }
    }

    /// OpenAPI has no word for the other methods, and our document doesn't use `connect`.
    static func canName(_ method: String) -> Bool { methods.contains(method.lowercased()) }

    private static func matches(_ template: String, _ path: Substring) -> Bool {
        let wanted = template.split(separator: "/")
        let sent = path.split(separator: "/")
        if wanted.last == "{path}" {
            return sent.count >= wanted.count && sent.starts(with: wanted.dropLast())
        }
        return wanted.count == sent.count
            && zip(wanted, sent).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}

extension JSONValue {
    /// What Yams made of a document.
    init(yaml: Any) {
        switch yaml {
        case let flag as Bool: self = .bool(flag)
        case let number as Int: self = .integer(Int64(number))
        case let number as Double: self = .number(number)
        case let text as String: self = .string(text)
        case let elements as [Any]: self = .array(elements.map { JSONValue(yaml: $0) })
        case let members as [AnyHashable: Any]:
            self = .object(
                members.map { Member(key: "\($0.key)", value: JSONValue(yaml: $0.value)) }
                    .sorted { $0.key < $1.key })
        default: self = .null
        }
    }
}
