extension JSONObjectReader {
    package mutating func optionalBool(_ name: String) -> Bool? {
        guard let value = take(name) else { return nil }
        guard case .bool(let flag) = value else { return mismatch(name, "a boolean", value) }
        return flag
    }

    /// The same, of a field that must be there.
    package mutating func bool(_ name: String) -> Bool? {
        require(name) ? optionalBool(name) : nil
    }

    /// A number written without fraction and exponent: `1.0` is `wrong-type`. `out-of-range` where
    /// the range doesn't hold it.
    package mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
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
    package mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        require(name) ? optionalInteger(name, in: range) : nil
    }

    /// Any number above `minimum`, and at most `maximum`; `out-of-range` else.
    package mutating func optionalNumber(
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
    package mutating func has(_ name: String) -> Bool { take(name) != nil }

    /// A reader of an object inside this one, which shares this one's problems. It needs a
    /// `finish()` of its own.
    package mutating func optionalObject(_ name: String) -> JSONObjectReader? {
        guard let value = take(name) else { return nil }
        return nested(value, in: name)
    }

    /// The same, of an object that must be there.
    package mutating func object(_ name: String) -> JSONObjectReader? {
        require(name) ? optionalObject(name) : nil
    }

    // MARK: Arrays

    /// An array as it comes, empty where there is none. `too-long` and `too-short` by the number
    /// of elements.
    package mutating func optionalArray(
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
    package mutating func array(_ name: String, minimum: Int = 0, maximum: Int) -> [JSONValue] {
        require(name) ? optionalArray(name, minimum: minimum, maximum: maximum) : []
    }

    /// An array of strings that must be there. Elements of other kinds are complained about and
    /// left out.
    package mutating func strings(_ name: String, minimum: Int = 0, maximum: Int) -> [String] {
        array(name, minimum: minimum, maximum: maximum).enumerated().compactMap { index, element in
            if case .string(let text) = element { return text }
            refuse(name, at: index, "wrong-type", "a string is expected, not \(element.kind)")
            return nil
        }
    }

    /// An array of objects that must be there, each with a reader that shares this one's problems
    /// and needs a `finish()` of its own. There is one for each element: one that is no object has
    /// its complaint, and no fields.
    package mutating func objects(
        _ name: String, minimum: Int = 0, maximum: Int
    ) -> [JSONObjectReader] {
        array(name, minimum: minimum, maximum: maximum).enumerated().map { index, element in
            nested(element, in: name, at: index)
        }
    }

    private static func elements(_ count: Int) -> String {
        count == 1 ? "1 element is" : "\(count) elements are"
    }
}
