/// A JSON value, read strictly.
///
/// Our own parser because the contract refuses what Foundation's lets pass: duplicate keys, depth,
/// and because every complaint carries a pointer to the field that it's about.
///
/// `==` is that of `String`, which takes canonical equivalents for one another; the parser and the
/// reader of objects compare keys by octets.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits. `-0` is 0.
    case integer(Int64)
    /// Any other number, as the nearest `Double`: `1.0`, `1e3`, `9223372036854775808`. Always
    /// finite where it was parsed; what is too close to zero becomes zero.
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// In the order of the text. No key comes twice where it was parsed.
    case object([Member])

    package struct Member: Sendable, Equatable {
        package var key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Reads one document, whole: RFC 8259, UTF-8 without a byte order mark, no duplicate keys (by
    /// octets, after unescaping), at most 32 containers deep, nothing but space after it.
    ///
    /// Takes time in proportion to the octets. Their number is the caller's to limit: the values can
    /// take some 30 times as much memory (`[[[0]],[[0]],…]`), twice to four times if they're strings.
    ///
    /// - Parameter depth: of the containers around the document, where it's a part of a larger one.
    package init(
        parsing bytes: some Collection<UInt8>, inside depth: Int = 0
    ) throws(JSONSyntaxError) {
        // Swift's typed throws don't go through these closures; a Result does.
        let result =
            bytes.withContiguousStorageIfAvailable { Self.parse($0, depth) }
            ?? Array(bytes).withUnsafeBufferPointer { Self.parse($0, depth) }
        self = try result.get()
    }

    /// The same of memory that somebody else owns; it isn't referred to afterwards.
    package init(parsing bytes: UnsafeRawBufferPointer) throws(JSONSyntaxError) {
        self = try bytes.withMemoryRebound(to: UInt8.self) { Self.parse($0, 0) }.get()
    }

    private static func parse(
        _ input: UnsafeBufferPointer<UInt8>, _ depth: Int
    ) -> Result<JSONValue, JSONSyntaxError> {
        var parser = JSONParser(input, depth: depth)
        return Result { () throws(JSONSyntaxError) in try parser.document() }
    }

    /// For a complaint: "a string".
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
