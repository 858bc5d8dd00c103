/// A recursive-descent parser of RFC 8259, which makes a document's index; the limit on depth bounds the recursion.
///
/// Works on borrowed memory: only `JSONDocument` makes one, and it doesn't outlive it.
struct JSONParser {
    static let maximumDepth = 32

    let input: UnsafeBufferPointer<UInt8>
    var index = 0
    /// What was found so far. Whoever has memory to use again puts it here.
    var tokens: [JSONDocument.Token] = []
    private var depth: Int

    /// - Parameter depth: of the containers around the document, where it's a part of a larger one.
    init(_ input: UnsafeBufferPointer<UInt8>, depth: Int = 0) {
        self.input = input
        self.depth = depth
    }

    mutating func document() throws(JSONSyntaxError) {
        // Offsets are kept as 32 bits.
        guard input.count < Int(UInt32.max) else { throw error("the document is too large") }
        // RFC 8259 §8.1 lets a parser ignore the mark; our contract doesn't.
        guard !input.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw error("a byte order mark isn't allowed")
        }
        skipSpace()
        try value()
        skipSpace()
        guard index == input.count else {
            throw error("there is something after the end of the document")
        }
    }

    private mutating func value() throws(JSONSyntaxError) {
        switch peek {
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "{"): try members()
        case UInt8(ascii: "["): try elements()
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try number()
        case UInt8(ascii: "t"): try literal("true", .yes)
        case UInt8(ascii: "f"): try literal("false", .no)
        case UInt8(ascii: "n"): try literal("null", .null)
        case nil: throw error("the document ends where a value is expected")
        default: throw error("a value is expected")
        }
    }

    private mutating func members() throws(JSONSyntaxError) {
        let place = try enter(.object)
        var keys = JSONKeys()
        if try !leave("}") {
            repeat {
                skipSpace()
                guard peek == UInt8(ascii: "\"") else { throw error("a key in quotes is expected") }
                let start = index
                let key = tokens.count
                try string()
                guard isNew(key, in: place, &keys) else {
                    throw JSONSyntaxError(offset: start, reason: JSONKeys.duplicate(text(at: key)))
                }
                tokens[place].count += 1
                skipSpace()
                guard take(":") else { throw error("a colon is expected") }
                skipSpace()
                try value()
                skipSpace()
            } while take(",")
            guard try leave("}") else {
                throw error("a comma or the end of the object is expected")
            }
        }
        end(place)
    }

    private mutating func elements() throws(JSONSyntaxError) {
        let place = try enter(.array)
        if try !leave("]") {
            repeat {
                skipSpace()
                try value()
                tokens[place].count += 1
                skipSpace()
            } while take(",")
            guard try leave("]") else {
                throw error("a comma or the end of the array is expected")
            }
        }
        end(place)
    }

    /// Past the opening bracket.
    /// - Returns: the number of the container's token.
    private mutating func enter(_ kind: JSONDocument.Token.Kind) throws(JSONSyntaxError) -> Int {
        guard depth < Self.maximumDepth else {
            throw error("nesting is deeper than \(Self.maximumDepth)")
        }
        depth += 1
        tokens.append(JSONDocument.Token(kind: kind, start: UInt32(index)))
        index += 1
        return tokens.count - 1
    }

    /// Past the closing bracket, if that is what comes.
    private mutating func leave(_ bracket: Unicode.Scalar) throws(JSONSyntaxError) -> Bool {
        skipSpace()
        guard index < input.count else { throw error("the document ends inside a container") }
        guard take(bracket) else { return false }
        depth -= 1
        return true
    }

    private mutating func end(_ place: Int) {
        tokens[place].end = UInt32(index)
        tokens[place].next = UInt32(tokens.count)
    }

    private mutating func literal(
        _ text: StaticString, _ kind: JSONDocument.Token.Kind
    ) throws(JSONSyntaxError) {
        let length = text.utf8CodeUnitCount
        guard input.count - index >= length,
            text.withUTF8Buffer({ $0.elementsEqual(input[index..<index + length]) })
        else { throw error("a value is expected") }
        append(kind, index..<index + length)
        index += length
    }

    /// A value that has none inside.
    mutating func append(
        _ kind: JSONDocument.Token.Kind, _ range: Range<Int>, hasEscapes: Bool = false
    ) {
        tokens.append(
            JSONDocument.Token(
                kind: kind, hasEscapes: hasEscapes, start: UInt32(range.lowerBound),
                end: UInt32(range.upperBound), next: UInt32(tokens.count + 1)))
    }

    // MARK: Keys

    /// Whether a key is none of those before it in the same object.
    private func isNew(_ key: Int, in object: Int, _ keys: inout JSONKeys) -> Bool {
        let count = Int(tokens[object].count)
        guard count >= JSONKeys.few else {
            var other = object + 1
            for _ in 0..<count {
                if hasSameText(other, key) { return false }
                other = Int(tokens[other + 1].next)
            }
            return true
        }
        if count == JSONKeys.few {
            var other = object + 1
            for _ in 0..<count {
                _ = keys.insert(text(at: other))
                other = Int(tokens[other + 1].next)
            }
        }
        return keys.insert(text(at: key))
    }

    private func hasSameText(_ one: Int, _ other: Int) -> Bool {
        let (one, other) = (tokens[one], tokens[other])
        guard !one.hasEscapes, !other.hasEscapes else {
            return text(of: one).hasSameBytes(as: text(of: other))
        }
        return one.end - one.start == other.end - other.start
            && input[Int(one.start)..<Int(one.end)].elementsEqual(
                input[Int(other.start)..<Int(other.end)])
    }

    private func text(at number: Int) -> String { text(of: tokens[number]) }

    private func text(of token: JSONDocument.Token) -> String {
        input.text(Int(token.start)..<Int(token.end), hasEscapes: token.hasEscapes)
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

/// Where a text stops being JSON, and why. Short enough to show to who sent the text.
package struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bytes before the place.
    package var offset: Int
    package var reason: String

    package init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }

    package var description: String { "at byte \(offset): \(reason)" }
}
