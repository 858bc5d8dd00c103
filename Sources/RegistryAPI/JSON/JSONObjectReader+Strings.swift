extension JSONObjectReader {
    /// Lengths count Unicode scalars, `too-short` and `too-long` else. Control characters (general
    /// category Cc) are `invalid`, but line breaks and tabs where `allowsLineBreaks`.
    package mutating func optionalString(
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
