@testable import RegistryAPI

// The reader as it was, over trees: what the one over an index is held against.

extension TreeParser {
    static func value(of bytes: [UInt8], inside depth: Int = 0) -> Result<
        JSONValue, JSONSyntaxError
    > {
        bytes.withUnsafeBufferPointer { bytes in
            var parser = TreeParser(bytes, depth: depth)
            return Result { () throws(JSONSyntaxError) in try parser.document() }
        }
    }
}

/// A recursive-descent parser of RFC 8259; the limit on depth bounds the recursion.
///
/// Works on borrowed memory: only `JSONValue.init(parsing:)` makes one, and it doesn't outlive it.
struct TreeParser {
    static let maximumDepth = 32

    let input: UnsafeBufferPointer<UInt8>
    var index = 0
    private var depth: Int

    /// - Parameter depth: of the containers around the document, where it's a part of a larger one.
    init(_ input: UnsafeBufferPointer<UInt8>, depth: Int = 0) {
        self.input = input
        self.depth = depth
    }

    mutating func document() throws(JSONSyntaxError) -> JSONValue {
        // RFC 8259 §8.1 lets a parser ignore the mark; our contract doesn't.
        guard !input.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw error("a byte order mark isn't allowed")
        }
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
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try members())
        case UInt8(ascii: "["): return .array(try elements())
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try number()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case nil: throw error("the document ends where a value is expected")
        default: throw error("a value is expected")
        }
    }

    private mutating func members() throws(JSONSyntaxError) -> [JSONValue.Member] {
        try enter()
        var members: [JSONValue.Member] = []
        var keys = TreeKeys()
        if try !leave("}") {
            repeat {
                skipSpace()
                guard peek == UInt8(ascii: "\"") else { throw error("a key in quotes is expected") }
                let start = index
                let key = try string()
                guard keys.insert(key, after: members) else {
                    throw JSONSyntaxError(offset: start, reason: TreeKeys.duplicate(key))
                }
                skipSpace()
                guard take(":") else { throw error("a colon is expected") }
                skipSpace()
                members.append(JSONValue.Member(key: key, value: try value()))
                skipSpace()
            } while take(",")
            guard try leave("}") else {
                throw error("a comma or the end of the object is expected")
            }
        }
        return members
    }

    private mutating func elements() throws(JSONSyntaxError) -> [JSONValue] {
        try enter()
        var elements: [JSONValue] = []
        if try !leave("]") {
            repeat {
                skipSpace()
                elements.append(try value())
                skipSpace()
            } while take(",")
            guard try leave("]") else {
                throw error("a comma or the end of the array is expected")
            }
        }
        return elements
    }

    /// Past the opening bracket.
    private mutating func enter() throws(JSONSyntaxError) {
        guard depth < Self.maximumDepth else {
            throw error("nesting is deeper than \(Self.maximumDepth)")
        }
        depth += 1
        index += 1
    }

    /// Past the closing bracket, if that is what comes.
    private mutating func leave(_ bracket: Unicode.Scalar) throws(JSONSyntaxError) -> Bool {
        skipSpace()
        guard index < input.count else { throw error("the document ends inside a container") }
        guard take(bracket) else { return false }
        depth -= 1
        return true
    }

    private mutating func literal(
        _ text: StaticString, _ value: JSONValue
    ) throws(JSONSyntaxError) -> JSONValue {
        let length = text.utf8CodeUnitCount
        guard input.count - index >= length,
            text.withUTF8Buffer({ $0.elementsEqual(input[index..<index + length]) })
        else { throw error("a value is expected") }
        index += length
        return value
    }

    // MARK: Bytes

    var peek: UInt8? { index < input.count ? input[index] : nil }

    mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: mark) else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte <= 0x20,
            byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
        {
            index += 1
        }
    }

    func error(_ reason: String) -> JSONSyntaxError {
        JSONSyntaxError(offset: index, reason: reason)
    }
}

extension TreeParser {
    /// From the opening quote past the closing one. RFC 8259 §7.
    mutating func string() throws(JSONSyntaxError) -> String {
        index += 1
        let start = index
        index = input.firstJSONSpecial(from: start)
        // Nearly all strings hold no escape: they are one run of the input.
        if take("\"") {
            return try decoded(UnsafeBufferPointer(rebasing: input[start..<index - 1]), from: start)
        }
        var bytes: [UInt8] = []
        var run = start
        while let byte = peek {
            bytes.append(contentsOf: input[run..<index])
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return try decoded(bytes, from: start)
            case UInt8(ascii: "\\"): try escape(into: &bytes)
            default: throw error("a control character in a string must be escaped")
            }
            run = index
            index = input.firstJSONSpecial(from: run)
        }
        throw error("the string doesn't end")
    }

    private func decoded(
        _ bytes: some Collection<UInt8>, from start: Int
    ) throws(JSONSyntaxError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        // Escapes are ASCII and stand for whole scalars: what's wrong is in the input as it came.
        var parser = Unicode.UTF8.ForwardParser()
        var rest = input[start..<index].makeIterator()
        var offset = start
        while case .valid(let scalar) = parser.parseScalar(from: &rest) { offset += scalar.count }
        throw JSONSyntaxError(offset: offset, reason: "the string isn't valid UTF-8")
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSONSyntaxError) {
        let start = index
        index += 1
        guard let letter = peek else { throw error("the string doesn't end") }
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(letter)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): bytes.append(contentsOf: try scalar(from: start).utf8)
        default: throw JSONSyntaxError(offset: start, reason: "there is no such escape")
        }
    }

    /// What follows `\u`; two of them for a scalar beyond the basic plane.
    private mutating func scalar(from start: Int) throws(JSONSyntaxError) -> Unicode.Scalar {
        let half = JSONSyntaxError(offset: start, reason: "half of a surrogate pair")
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take("\\"), take("u") else { throw half }
        let second = try fourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw half }
        return scalar
    }

    private mutating func fourDigits() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Self.hexadecimal(byte) else {
                throw error("four hexadecimal digits are expected")
            }
            value = value << 4 | digit
            index += 1
        }
        return value
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension TreeParser {
    /// RFC 8259 §6: no sign but `-`, no leading zero, digits on both sides of the point.
    mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = index
        let isNegative = take("-")
        let hasZero = peek == UInt8(ascii: "0")
        let firstDigit = index
        // Counted below zero: that side has room for one more.
        let negated = try digits()
        guard !hasZero || index == firstDigit + 1 else {
            throw JSONSyntaxError(offset: start, reason: "a number can't begin with zeros")
        }
        var isWhole = true
        if take(".") {
            isWhole = false
            try skipDigits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            try skipDigits()
        }
        if isWhole, let negated {
            if isNegative { return .integer(negated) }
            if negated != .min { return .integer(-negated) }
        }
        // The standard library reads decimals to the nearest Double, and infinity beyond the range.
        let text = String(decoding: input[start..<index], as: UTF8.self)
        guard let number = Double(text), number.isFinite else {
            throw JSONSyntaxError(offset: start, reason: "the number is out of range")
        }
        return .number(number)
    }

    /// One digit at least. The negated number, nil where it doesn't fit.
    private mutating func digits() throws(JSONSyntaxError) -> Int64? {
        var value: Int64? = 0
        let start = index
        while let digit {
            if let above = value {
                let (product, overflows) = above.multipliedReportingOverflow(by: 10)
                let (sum, overflowsToo) = product.subtractingReportingOverflow(Int64(digit))
                value = overflows || overflowsToo ? nil : sum
            }
            index += 1
        }
        guard index > start else { throw error("a digit is expected") }
        return value
    }

    private mutating func skipDigits() throws(JSONSyntaxError) {
        guard digit != nil else { throw error("a digit is expected") }
        while digit != nil { index += 1 }
    }

    private var digit: UInt8? {
        guard let byte = peek, byte >= 0x30, byte <= 0x39 else { return nil }
        return byte - 0x30
    }
}

/// Tells whether a key came before in the same object, by bytes: `String`'s `==` takes canonical
/// equivalents for one another, and RFC 8259 §8.3 compares code unit by code unit.
struct TreeKeys {
    /// Up to so many, comparing with each is faster than a set.
    private static let few = 16

    private var seen: Set<Key> = []

    /// False where `key` is that of one of `members`, which are all those before it.
    mutating func insert(_ key: String, after members: [JSONValue.Member]) -> Bool {
        guard members.count >= Self.few else {
            return !members.contains { $0.key.hasSameBytes(as: key) }
        }
        if seen.isEmpty { seen = Set(members.map { Key(text: $0.key) }) }
        return seen.insert(Key(text: key)).inserted
    }

    /// For a complaint. By scalars: one `Character` can be as long as the document.
    static func duplicate(_ key: String) -> String {
        "the key \"\(String(key.unicodeScalars.prefix(64)))\" comes twice"
    }

    /// Hashed with the process's random seed: no sender can choose keys that collide.
    private struct Key: Hashable {
        let text: String

        static func == (left: Key, right: Key) -> Bool { left.text.hasSameBytes(as: right.text) }

        func hash(into hasher: inout Hasher) {
            let isDone: Void? = text.utf8.withContiguousStorageIfAvailable {
                hasher.combine(bytes: UnsafeRawBufferPointer($0))
            }
            // Ours are native strings, which are always contiguous.
            if isDone == nil { hasher.combine(text.utf8.count) }
        }
    }
}
