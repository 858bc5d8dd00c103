/// A recursive-descent parser of RFC 8259; the limit on depth bounds the recursion.
struct JSONParser {
    static let maximumDepth = 32

    private let input: UnsafeBufferPointer<UInt8>
    private var index = 0
    private var depth = 0

    init(_ input: UnsafeBufferPointer<UInt8>) {
        self.input = input
    }

    mutating func document() throws(JSONSyntaxError) -> JSONValue {
        skipSpace()
        let value = try value()
        skipSpace()
        guard index == input.count else {
            throw error("there is something after the end of the document")
        }
        return value
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONValue {
        switch peek {
        case UInt8(ascii: "{"):
            return try nested { parser throws(JSONSyntaxError) in try parser.object() }
        case UInt8(ascii: "["):
            return try nested { parser throws(JSONSyntaxError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try number()
        case nil: throw error("the document ends where a value is expected")
        default: throw error("a value is expected")
        }
    }

    private mutating func nested(
        _ container: (inout JSONParser) throws(JSONSyntaxError) -> JSONValue
    ) throws(JSONSyntaxError) -> JSONValue {
        guard depth < Self.maximumDepth else {
            throw error("nesting is deeper than \(Self.maximumDepth)")
        }
        depth += 1
        let value = try container(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONValue {
        index += 1
        var members: [JSONValue.Member] = []
        var keys: Set<[UInt8]> = []
        skipSpace()
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("a key in quotes is expected") }
            let start = index
            let key = try string()
            // By octets: String's `==` takes canonical equivalents for one another.
            guard keys.insert(Array(key.utf8)).inserted else {
                throw JSONSyntaxError(
                    offset: start, reason: "the key \"\(key.prefix(64))\" comes twice")
            }
            skipSpace()
            guard take(":") else { throw error("a colon is expected") }
            skipSpace()
            members.append(JSONValue.Member(key: key, value: try value()))
            skipSpace()
        } while take(",")
        guard take("}") else { throw error("a comma or the end of the object is expected") }
        return .object(members)
    }

    private mutating func array() throws(JSONSyntaxError) -> JSONValue {
        index += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        repeat {
            skipSpace()
            elements.append(try value())
            skipSpace()
        } while take(",")
        guard take("]") else { throw error("a comma or the end of the array is expected") }
        return .array(elements)
    }

    private mutating func literal(
        _ text: StaticString, _ value: JSONValue
    ) throws(JSONSyntaxError) -> JSONValue {
        let length = text.utf8CodeUnitCount
        guard index + length <= input.count,
            text.withUTF8Buffer({ $0.elementsEqual(input[index..<index + length]) })
        else { throw error("a value is expected") }
        index += length
        return value
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = index
        _ = take("-")
        guard isDigit else { throw error("a digit is expected") }
        if !take("0") { while isDigit { index += 1 } }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard isDigit else { throw error("a digit is expected") }
            while isDigit { index += 1 }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard isDigit else { throw error("a digit is expected") }
            while isDigit { index += 1 }
        }
        let text = String(decoding: input[start..<index], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw JSONSyntaxError(offset: start, reason: "the number is out of range")
        }
        return .number(number)
    }

    // MARK: Strings

    private mutating func string() throws(JSONSyntaxError) -> String {
        index += 1
        let start = index
        while let octet = peek, octet != UInt8(ascii: "\""), octet != UInt8(ascii: "\\"),
            octet >= 0x20
        {
            index += 1
        }
        if peek == UInt8(ascii: "\"") {
            defer { index += 1 }
            return try decoded(input[start..<index], at: start)
        }
        var octets = Array(input[start..<index])
        while true {
            guard let octet = peek else { throw error("the string doesn't end") }
            switch octet {
            case UInt8(ascii: "\""):
                index += 1
                return try octets.withUnsafeBufferPointer { Result(catchingSyntax: $0[...], start) }
                    .get()
            case UInt8(ascii: "\\"): try escape(into: &octets)
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default:
                octets.append(octet)
                index += 1
            }
        }
    }

    private func decoded(
        _ octets: Slice<UnsafeBufferPointer<UInt8>>, at start: Int
    ) throws(JSONSyntaxError) -> String {
        try Result(catchingSyntax: octets, start).get()
    }

    private mutating func escape(into octets: inout [UInt8]) throws(JSONSyntaxError) {
        index += 1
        guard let octet = peek else { throw error("the string doesn't end") }
        index += 1
        switch octet {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): octets.append(octet)
        case UInt8(ascii: "b"): octets.append(0x08)
        case UInt8(ascii: "f"): octets.append(0x0C)
        case UInt8(ascii: "n"): octets.append(0x0A)
        case UInt8(ascii: "r"): octets.append(0x0D)
        case UInt8(ascii: "t"): octets.append(0x09)
        case UInt8(ascii: "u"): octets.append(contentsOf: String(Character(try scalar())).utf8)
        default: throw error("there is no such escape")
        }
    }

    /// What follows `\u`; two of them for a scalar beyond the basic plane.
    private mutating func scalar() throws(JSONSyntaxError) -> Unicode.Scalar {
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), take("\\"), take("u") else {
            throw error("half of a surrogate pair")
        }
        let second = try fourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw error("half of a surrogate pair") }
        return scalar
    }

    private mutating func fourDigits() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let octet = peek, let digit = Character(Unicode.Scalar(octet)).hexDigitValue
            else {
                throw error("four hexadecimal digits are expected")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    // MARK: Octets

    private var peek: UInt8? { index < input.count ? input[index] : nil }

    private var isDigit: Bool { peek.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }

    private mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: mark) else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let octet = peek, octet == 0x20 || octet == 0x0A || octet == 0x0D || octet == 0x09 {
            index += 1
        }
    }

    private func error(_ reason: String) -> JSONSyntaxError {
        JSONSyntaxError(offset: index, reason: reason)
    }
}

extension Result where Success == String, Failure == JSONSyntaxError {
    fileprivate init(catchingSyntax octets: some Collection<UInt8>, _ offset: Int) {
        self =
            if let text = String(validating: octets, as: UTF8.self) {
                .success(text)
            } else {
                .failure(JSONSyntaxError(offset: offset, reason: "the string isn't valid UTF-8"))
            }
    }
}
