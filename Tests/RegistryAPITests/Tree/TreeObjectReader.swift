@testable import RegistryAPI

/// Reads the fields of an object and collects everything that is wrong with them, each with a JSON
/// pointer (RFC 6901), rather than stop at the first.
///
/// Every reading method returns nil (or nothing) where the field is absent or wrong; whoever calls
/// `finish()` on each reader and finds no `problems` can rely on what was required being there.
/// Null is a value of the wrong kind, but for `isNull` and `nullable`. Keys are compared by bytes.
///
/// Not Sendable: readers of one document share their problems. At most 100 are kept.
struct TreeObjectReader {
    private let members: [JSONValue.Member]
    /// False where the value is something else, which is one problem and not one for each field.
    let isObject: Bool
    private let pointer: String
    private let collector: JSONProblems
    /// By the index of the member.
    private var isKnown: [Bool]

    /// - Parameter pointer: where the value stands in the document that was sent.
    init(_ value: JSONValue, pointer: String = "") {
        self.init(value, pointer: pointer, JSONProblems())
    }

    private init(_ value: JSONValue, pointer: String, _ collector: JSONProblems) {
        self.pointer = pointer
        self.collector = collector
        if case .object(let members) = value {
            self.members = members
            isObject = true
        } else {
            members = []
            isObject = false
            collector.add(pointer, "wrong-type", "an object is expected, not \(value.kind)")
        }
        isKnown = Array(repeating: false, count: members.count)
    }

    /// What has been found so far, in this object and in all others of the document.
    var problems: [JSONObjectReader.Problem] { collector.all }

    /// Adds a complaint of the caller's own about a field.
    func refuse(_ name: String, _ code: String, _ detail: String) {
        collector.add(place(name), code, detail)
    }

    /// The same about an element of a field that is an array.
    func refuse(_ name: String, at index: Int, _ code: String, _ detail: String) {
        collector.add(JSONPointer.appending(index, to: place(name)), code, detail)
    }

    /// Adds a complaint for each field that nobody has asked for. Not for those of objects inside:
    /// each reader has its own `finish()`.
    func finish() {
        for (member, isKnown) in zip(members, isKnown) where !isKnown {
            guard !collector.isFull else { return }
            refuse(member.key, "unknown-field", "there is no such field here")
        }
    }

    // MARK: Presence

    /// Whether the field is there and null; asking makes it known.
    mutating func isNull(_ name: String) -> Bool {
        take(name) == .null
    }

    /// The value as it came; asking makes it known.
    mutating func take(_ name: String) -> JSONValue? {
        // Objects have few fields, and callers ask for few names: no dictionary is worth it.
        guard let index = members.firstIndex(where: { $0.key.hasSameBytes(as: name) }) else {
            return nil
        }
        isKnown[index] = true
        return members[index].value
    }

    /// Whether the field is there; adds a complaint where it isn't.
    mutating func require(_ name: String) -> Bool {
        guard take(name) == nil else { return true }
        if isObject { refuse(name, "required", "the field is required") }
        return false
    }

    func mismatch<Value>(_ name: String, _ expected: String, _ value: JSONValue) -> Value? {
        collector.add(place(name), "wrong-type", "\(expected) is expected, not \(value.kind)")
        return nil
    }

    /// A reader of an element or a field of this object, which shares this one's problems.
    func nested(_ value: JSONValue, in name: String, at index: Int? = nil) -> TreeObjectReader {
        let field = place(name)
        let pointer = index.map { JSONPointer.appending($0, to: field) } ?? field
        return TreeObjectReader(value, pointer: pointer, collector)
    }

    private func place(_ name: String) -> String { JSONPointer.appending(name, to: pointer) }
}

extension TreeObjectReader {
    /// Lengths count Unicode scalars, `too-short` and `too-long` else. Control characters (general
    /// category Cc) are `invalid`, but line breaks and tabs where `allowsLineBreaks`.
    mutating func optionalString(
        _ name: String, minimum: Int = 0, maximum: Int, allowsLineBreaks: Bool = false
    ) -> String? {
        guard let text = optionalText(name) else { return nil }
        let length = text.unicodeScalars.count
        guard length >= minimum else {
            refuse(name, "too-short", "at least \(Self.characters(minimum)) expected")
            return nil
        }
        guard length <= maximum else {
            refuse(name, "too-long", "at most \(Self.characters(maximum)) allowed, not \(length)")
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

    /// The same, of a string that must be there, and not be empty unless `minimum` says so.
    mutating func string(
        _ name: String, minimum: Int = 1, maximum: Int, allowsLineBreaks: Bool = false
    ) -> String? {
        guard require(name) else { return nil }
        return optionalString(
            name, minimum: minimum, maximum: maximum, allowsLineBreaks: allowsLineBreaks)
    }

    /// A string as it comes: whoever reads it judges its length and content.
    mutating func optionalText(_ name: String) -> String? {
        guard let value = take(name) else { return nil }
        guard case .string(let text) = value else { return mismatch(name, "a string", value) }
        return text
    }

    /// The same, of a string that must be there.
    mutating func text(_ name: String) -> String? {
        require(name) ? optionalText(name) : nil
    }

    /// One of a type's cases by its raw value, byte by byte; anything else is `not-allowed`.
    mutating func optionalChoice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _: Value.Type
    ) -> Value? where Value.RawValue == String {
        guard let text = optionalText(name) else { return nil }
        let value = Value.allCases.first { $0.rawValue.hasSameBytes(as: text) }
        guard let value else {
            let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
            refuse(name, "not-allowed", "one of \(allowed) is expected")
            return nil
        }
        return value
    }

    /// The same, of a field that must be there.
    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Value.Type
    ) -> Value? where Value.RawValue == String {
        require(name) ? optionalChoice(name, type) : nil
    }

    private static func characters(_ count: Int) -> String {
        count == 1 ? "1 character is" : "\(count) characters are"
    }
}

extension TreeObjectReader {
    mutating func optionalBool(_ name: String) -> Bool? {
        guard let value = take(name) else { return nil }
        guard case .bool(let flag) = value else { return mismatch(name, "a boolean", value) }
        return flag
    }

    /// The same, of a field that must be there.
    mutating func bool(_ name: String) -> Bool? {
        require(name) ? optionalBool(name) : nil
    }

    /// A number written without fraction and exponent: `1.0` is `wrong-type`. `out-of-range` where
    /// the range doesn't hold it.
    mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = take(name) else { return nil }
        switch value {
        case .integer(let number) where range.contains(number): return number
        case .integer: break
        // Digits that no Int64 holds come as a Double.
        case .number(let number) where number.magnitude >= 0x1p63: break
        case .number:
            refuse(name, "wrong-type", "a number without fraction and exponent is expected")
            return nil
        default: return mismatch(name, "a number", value)
        }
        refuse(
            name, "out-of-range",
            "a number from \(range.lowerBound) to \(range.upperBound) is expected")
        return nil
    }

    /// The same, of a field that must be there.
    mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        require(name) ? optionalInteger(name, in: range) : nil
    }

    /// Any number above `minimum`, and at most `maximum`; `out-of-range` else.
    mutating func optionalNumber(
        _ name: String, above minimum: Double, atMost maximum: Double
    ) -> Double? {
        guard let value = take(name) else { return nil }
        let number: Double
        switch value {
        case .integer(let integer): number = Double(integer)
        case .number(let double): number = double
        default: return mismatch(name, "a number", value)
        }
        guard number > minimum, number <= maximum else {
            refuse(
                name, "out-of-range", "a number above \(minimum), at most \(maximum), is expected")
            return nil
        }
        return number
    }

    /// Whether the field is there, of whatever kind; asking makes it known.
    mutating func has(_ name: String) -> Bool { take(name) != nil }

    /// A reader of an object inside this one, which shares this one's problems. It needs a
    /// `finish()` of its own.
    mutating func optionalObject(_ name: String) -> TreeObjectReader? {
        guard let value = take(name) else { return nil }
        return nested(value, in: name)
    }

    /// The same, of an object that must be there.
    mutating func object(_ name: String) -> TreeObjectReader? {
        require(name) ? optionalObject(name) : nil
    }

    // MARK: Arrays

    /// An array as it comes, empty where there is none. `too-long` and `too-short` by the number
    /// of elements.
    mutating func optionalArray(
        _ name: String, minimum: Int = 0, maximum: Int
    ) -> [JSONValue] {
        guard let value = take(name) else { return [] }
        guard case .array(let elements) = value else {
            return mismatch(name, "an array", value) ?? []
        }
        guard elements.count >= minimum else {
            refuse(name, "too-short", "at least \(Self.elements(minimum)) expected")
            return []
        }
        guard elements.count <= maximum else {
            refuse(
                name, "too-long",
                "at most \(Self.elements(maximum)) allowed, not \(elements.count)")
            return []
        }
        return elements
    }

    /// The same, of an array that must be there.
    mutating func array(_ name: String, minimum: Int = 0, maximum: Int) -> [JSONValue] {
        require(name) ? optionalArray(name, minimum: minimum, maximum: maximum) : []
    }

    /// An array of strings that must be there. Elements of other kinds are complained about and
    /// left out.
    mutating func strings(_ name: String, minimum: Int = 0, maximum: Int) -> [String] {
        array(name, minimum: minimum, maximum: maximum).enumerated().compactMap { index, element in
            if case .string(let text) = element { return text }
            refuse(name, at: index, "wrong-type", "a string is expected, not \(element.kind)")
            return nil
        }
    }

    /// An array of objects that must be there, each with a reader that shares this one's problems
    /// and needs a `finish()` of its own. There is one for each element: one that is no object has
    /// its complaint, and no fields.
    mutating func objects(
        _ name: String, minimum: Int = 0, maximum: Int
    ) -> [TreeObjectReader] {
        array(name, minimum: minimum, maximum: maximum).enumerated().map { index, element in
            nested(element, in: name, at: index)
        }
    }

    private static func elements(_ count: Int) -> String {
        count == 1 ? "1 element is" : "\(count) elements are"
    }
}
