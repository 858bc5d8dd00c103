import Foundation
import RegistryAPI
import Synchronization

/// Holds a value against a schema of OpenAPI 3.0, as far as our document uses them.
struct SchemaChecker: Sendable {
    let document: OpenAPIDocument

    private static let expressions = Mutex<[String: NSRegularExpression]>([:])

    /// What doesn't fit, with the place in the value; none: it fits.
    func problems(_ value: JSONValue, _ schema: JSONValue, at place: String = "") -> [String] {
        let schema = document.resolved(schema)
        if value == .null, schema["nullable"]?.flag == true { return [] }
        if let choices = schema["oneOf"]?.array {
            let fitting = choices.filter { problems(value, $0, at: place).isEmpty }
            guard fitting.count != 1 else { return [] }
            return ["\(place): fits \(fitting.count) of oneOf: \(value)"]
        }
        if let allowed = schema["enum"]?.array, !allowed.contains(value) {
            return ["\(place): \(value) isn't in \(allowed)"]
        }
        switch (schema["type"]?.text, value) {
        case (nil, _): return []
        case ("object", .object): return object(value, schema, place)
        case ("array", .array(let elements)): return array(elements, schema, place)
        case ("string", .string(let text)): return string(text, schema, place)
        case ("integer", .integer(let number)), ("number", .integer(let number)):
            return integer(number, schema, place)
        case ("number", .number), ("boolean", .bool): return []
        case (let type?, _): return ["\(place): \(value) isn't of type \(type)"]
        }
    }

    private func object(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
        let properties = schema["properties"] ?? .null
        let missing = (schema["required"]?.array ?? []).compactMap(\.text)
            .filter { value[$0] == nil }.map { "\(place): \($0) is missing" }
        return missing
            + value.keys.flatMap { key -> [String] in
                if let property = properties[key], let member = value[key] {
                    return problems(member, property, at: "\(place)/\(key)")
                }
                return schema["additionalProperties"] == .bool(false)
                    ? ["\(place): \(key) isn't declared"] : []
            }
    }

    private func array(
        _ elements: [JSONValue], _ schema: JSONValue, _ place: String
    ) -> [String] {
        var found: [String] = []
        if let least = schema["minItems"]?.number, elements.count < least {
            found.append("\(place): fewer than \(least) items")
        }
        if let most = schema["maxItems"]?.number, elements.count > most {
            found.append("\(place): more than \(most) items")
        }
        guard let item = schema["items"] else { return found }
        return found
            + Self.sample(Array(elements.enumerated())).flatMap {
                problems($1, item, at: "\(place)/\($0)")
            }
    }

    /// The first hundred, and some of the rest: the many are alike, and a look at each takes longer than
    /// the test that asked for them.
    static func sample<Value>(_ values: [Value]) -> [Value] {
        guard values.count > 200 else { return values }
        return values.prefix(100) + stride(from: 100, to: values.count, by: 97).map { values[$0] }
    }

    private func string(_ text: String, _ schema: JSONValue, _ place: String) -> [String] {
        let length = text.unicodeScalars.count
        var found: [String] = []
        if let least = schema["minLength"]?.number, length < least {
            found.append("\(place): shorter than \(least)")
        }
        if let most = schema["maxLength"]?.number, length > most {
            found.append("\(place): longer than \(most)")
        }
        if let pattern = schema["pattern"]?.text, !Self.matches(text, pattern) {
            found.append("\(place): \(text.debugDescription) doesn't match \(pattern)")
        }
        return found
    }

    private func integer(_ number: Int64, _ schema: JSONValue, _ place: String) -> [String] {
        var found: [String] = []
        if let least = schema["minimum"]?.number, number < least {
            found.append("\(place): \(number) is under \(least)")
        }
        if let most = schema["maximum"]?.number, number > most {
            found.append("\(place): \(number) is over \(most)")
        }
        return found
    }

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        let expression = expressions.withLock { known -> NSRegularExpression in
            if let expression = known[pattern] { return expression }
            guard let expression = try? NSRegularExpression(pattern: pattern) else {
                fatalError("the pattern \(pattern) can't be read")
            }
            known[pattern] = expression
            return expression
        }
        let range = NSRange(text.startIndex..., in: text)
        return expression.firstMatch(in: text, range: range) != nil
    }
}
