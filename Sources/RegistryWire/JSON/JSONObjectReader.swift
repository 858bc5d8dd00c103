/// Reads the fields of an object and collects everything that is wrong with them, each with a JSON
/// pointer (RFC 6901), rather than stop at the first.
package struct JSONObjectReader {
    package struct Problem: Sendable, Equatable {
        package var pointer: String
        package var code: String
        package var detail: String
    }

    /// Complaints beyond this many help nobody.
    package static let maximumProblems = 100

    private final class Collector {
        var problems: [Problem] = []
    }

    private let fields: [String: JSONValue]
    private let order: [String]
    private let pointer: String
    private let collector: Collector
    private var known: Set<String> = []

    package init(_ value: JSONValue) {
        self.init(value, pointer: "", Collector())
    }

    private init(_ value: JSONValue, pointer: String, _ collector: Collector) {
        self.pointer = pointer
        self.collector = collector
        guard case .object(let members) = value else {
            fields = [:]
            order = []
            complain(pointer, "wrong-type", "an object is expected, not \(value.kind)")
            return
        }
        fields = Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
        order = members.map(\.key)
    }

    /// What has been found so far, in this object and in those read from it.
    package var problems: [Problem] { collector.problems }

    /// Adds a complaint of the caller's own about a field.
    package func refuse(_ name: String, _ code: String, _ detail: String) {
        complain(place(name), code, detail)
    }

    /// Adds a complaint for each field that nobody has asked for.
    package mutating func finish() {
        for key in order where !known.contains(key) {
            complain(place(key), "unknown-field", "there is no such field here")
        }
    }

    // MARK: Strings

    /// Lengths count Unicode scalars. Control characters are refused, but line breaks and tabs
    /// where `allowsLineBreaks`.
    package mutating func optionalString(
        _ name: String, minimum: Int = 0, maximum: Int, allowsLineBreaks: Bool = false
    ) -> String? {
        guard let value = take(name) else { return nil }
        guard case .string(let text) = value else { return mismatch(name, "a string", value) }
        let length = text.unicodeScalars.count
        guard length >= minimum else {
            refuse(name, "too-short", "at least \(minimum) character is expected")
            return nil
        }
        guard length <= maximum else {
            refuse(name, "too-long", "at most \(maximum) characters are allowed, not \(length)")
            return nil
        }
        let isClean = text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.generalCategory != .control
                || allowsLineBreaks && (scalar == "\n" || scalar == "\r" || scalar == "\t")
        }
        guard isClean else {
            refuse(name, "invalid", "control characters aren't allowed")
            return nil
        }
        return text
    }

    /// A string that must be there, and not be empty.
    package mutating func string(_ name: String, maximum: Int) -> String? {
        guard require(name) else { return nil }
        return optionalString(name, minimum: 1, maximum: maximum)
    }

    package mutating func optionalChoice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _: Value.Type
    ) -> Value? where Value.RawValue == String {
        guard let text = optionalString(name, maximum: 64) else { return nil }
        guard let value = Value(rawValue: text) else {
            let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
            refuse(name, "not-allowed", "one of \(allowed) is expected")
            return nil
        }
        return value
    }

    package mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Value.Type
    ) -> Value? where Value.RawValue == String {
        require(name) ? optionalChoice(name, type) : nil
    }

    /// A string as it comes: whoever reads it judges its length and content.
    package mutating func optionalText(_ name: String) -> String? {
        guard let value = take(name) else { return nil }
        guard case .string(let text) = value else { return mismatch(name, "a string", value) }
        return text
    }

    /// The same, of a string that must be there.
    package mutating func text(_ name: String) -> String? {
        require(name) ? optionalText(name) : nil
    }

    // MARK: Others

    package mutating func bool(_ name: String) -> Bool? {
        guard require(name), let value = take(name) else { return nil }
        guard case .bool(let flag) = value else { return mismatch(name, "a boolean", value) }
        return flag
    }

    /// Whether the field is there and null; asking makes it known.
    package mutating func isNull(_ name: String) -> Bool {
        take(name) == .null
    }

    /// An array of strings that must be there. Elements of other kinds are complained about.
    package mutating func strings(_ name: String, maximum: Int) -> [String] {
        elements(name, maximum: maximum).enumerated().compactMap { index, element in
            if case .string(let text) = element { return text }
            refuse(name, index, "a string is expected, not \(element.kind)")
            return nil
        }
    }

    /// An array of objects that must be there, each with a reader that shares this one's problems.
    package mutating func objects(_ name: String, maximum: Int) -> [JSONObjectReader] {
        elements(name, maximum: maximum).enumerated().map { index, element in
            JSONObjectReader(element, pointer: "\(place(name))/\(index)", collector)
        }
    }

    private mutating func elements(_ name: String, maximum: Int) -> [JSONValue] {
        guard require(name), let value = take(name) else { return [] }
        guard case .array(let elements) = value else {
            return mismatch(name, "an array", value) ?? []
        }
        guard elements.count <= maximum else {
            refuse(
                name, "too-long", "at most \(maximum) elements are allowed, not \(elements.count)")
            return []
        }
        return elements
    }

    // MARK: Complaints

    private mutating func take(_ name: String) -> JSONValue? {
        known.insert(name)
        return fields[name]
    }

    private mutating func require(_ name: String) -> Bool {
        known.insert(name)
        guard fields[name] == nil else { return true }
        // An object that isn't one has been complained about already.
        if !order.isEmpty || collector.problems.isEmpty {
            refuse(name, "required", "the field is required")
        }
        return false
    }

    private func mismatch<Value>(_ name: String, _ expected: String, _ value: JSONValue) -> Value? {
        refuse(name, "wrong-type", "\(expected) is expected, not \(value.kind)")
        return nil
    }

    private func refuse(_ name: String, _ index: Int, _ detail: String) {
        complain("\(place(name))/\(index)", "wrong-type", detail)
    }

    private func place(_ name: String) -> String {
        "\(pointer)/\(name.replacing("~", with: "~0").replacing("/", with: "~1"))"
    }

    private func complain(_ pointer: String, _ code: String, _ detail: String) {
        guard collector.problems.count < Self.maximumProblems else { return }
        collector.problems.append(Problem(pointer: pointer, code: code, detail: detail))
    }
}
