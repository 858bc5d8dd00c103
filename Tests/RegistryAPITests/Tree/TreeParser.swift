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
