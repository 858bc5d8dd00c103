extension JSONObjectReader {
    package mutating func optionalBool(_ name: String) -> Bool? {
        guard let value = take(name) else { return nil }
        switch document.token(value).kind {
        case .no: return false
        case .yes: return true
        default: return mismatch(name, "a boolean", value)
        }
    }

    /// The same, of a field that must be there.
    package mutating func bool(_ name: String) -> Bool? {
        require(name) ? optionalBool(name) : nil
    }

    /// A number written without fraction and exponent: `1.0` is `wrong-type`. `out-of-range` where
    /// the range doesn't hold it.
    package mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = take(name) else { return nil }
        switch document.token(value).kind {
        case .integer:
            let number = document.integer(at: value)
            if range.contains(number) { return number }
        // Digits that no Int64 holds come as a Double.
        case .number where document.number(at: value).magnitude >= 0x1p63: break
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
        switch document.token(value).kind {
        case .integer: number = Double(document.integer(at: value))
        case .number: number = document.number(at: value)
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
        take(name).map { nested($0) }
    }

    /// The same, of an object that must be there.
    package mutating func object(_ name: String) -> JSONObjectReader? {
        require(name) ? optionalObject(name) : nil
    }

    // MARK: Arrays

    /// An array as it comes, of a field that must be there: empty where it isn't. `too-long` and `too-short` by the
    /// number of elements.
    package mutating func array(_ name: String, minimum: Int = 0, maximum: Int) -> [JSONValue] {
        elements(name, minimum, maximum).map { document.value(at: $0) }
    }

    /// An array of strings that must be there. Elements of other kinds are complained about and
    /// left out.
    package mutating func strings(_ name: String, minimum: Int = 0, maximum: Int) -> [String] {
        elements(name, minimum, maximum).enumerated().compactMap { index, element in
            let kind = document.token(element).kind
            if kind == .string { return document.text(at: element) }
            refuse(name, at: index, "wrong-type", "a string is expected, not \(kind.name)")
            return nil
        }
    }

    /// An array of objects that must be there, each with a reader that shares this one's problems
    /// and needs a `finish()` of its own. There is one for each element: one that is no object has
    /// its complaint, and no fields.
    package mutating func objects(
        _ name: String, minimum: Int = 0, maximum: Int
    ) -> [JSONObjectReader] {
        elements(name, minimum, maximum).map { nested($0) }
    }

    /// The numbers of an array's elements.
    private mutating func elements(_ name: String, _ minimum: Int, _ maximum: Int) -> [Int] {
        guard require(name), let value = take(name) else { return [] }
        guard document.token(value).kind == .array else {
            return mismatch(name, "an array", value) ?? []
        }
        let count = Int(document.token(value).count)
        guard count >= minimum else {
            refuse(name, "too-short", "at least \(Self.elements(minimum)) expected")
            return []
        }
        guard count <= maximum else {
            refuse(
                name, "too-long", "at most \(Self.elements(maximum)) allowed, not \(count)")
            return []
        }
        return Array(document.inside(value))
    }

    private static func elements(_ count: Int) -> String {
        count == 1 ? "1 element is" : "\(count) elements are"
    }
}

extension JSONObjectReader {
    /// Lengths count Unicode scalars, `too-short` and `too-long` else. Control characters (general
    /// category Cc) are `invalid`, but line breaks and tabs where `allowsLineBreaks`.
    package mutating func optionalString(
        _ name: String, minimum: Int = 0, maximum: Int, allowsLineBreaks: Bool = false
    ) -> String? {
        guard let text = optionalText(name) else { return nil }
        return check(
            text, of: name, minimum: minimum, maximum: maximum, allowsLineBreaks: allowsLineBreaks)
    }

    /// - Returns: nil where the text won't do.
    package mutating func check(
        _ text: String, of name: String, minimum: Int = 0, maximum: Int,
        allowsLineBreaks: Bool = false
    ) -> String? {
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
    package mutating func string(
        _ name: String, minimum: Int = 1, maximum: Int, allowsLineBreaks: Bool = false
    ) -> String? {
        guard require(name) else { return nil }
        return optionalString(
            name, minimum: minimum, maximum: maximum, allowsLineBreaks: allowsLineBreaks)
    }

    /// A string as it comes: whoever reads it judges its length and content.
    package mutating func optionalText(_ name: String) -> String? {
        guard let value = take(name) else { return nil }
        guard document.token(value).kind == .string else {
            return mismatch(name, "a string", value)
        }
        return document.text(at: value)
    }

    /// The same, of a string that must be there.
    package mutating func text(_ name: String) -> String? {
        require(name) ? optionalText(name) : nil
    }

    /// One of a type's cases by its raw value, byte by byte; anything else is `not-allowed`.
    package mutating func optionalChoice<Value: RawRepresentable & CaseIterable>(
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
    package mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Value.Type
    ) -> Value? where Value.RawValue == String {
        require(name) ? optionalChoice(name, type) : nil
    }

    private static func characters(_ count: Int) -> String {
        count == 1 ? "1 character is" : "\(count) characters are"
    }
}
