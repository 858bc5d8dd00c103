/// A JSON value, read strictly.
///
/// Our own parser because the contract refuses what Foundation's lets pass: duplicate keys, depth,
/// and because every complaint carries a pointer to the field that it's about.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits.
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// In the order of the text. No key comes twice.
    case object([Member])

    package struct Member: Sendable, Equatable {
        package var key: String
        package var value: JSONValue
    }

    /// Reads one document, whole: RFC 8259, UTF-8 without a byte order mark, no duplicate keys (by
    /// octets, after unescaping), at most 32 containers deep, nothing after it.
    package init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
        // Swift's typed throws don't go through `withUnsafeBytes`; a Result does.
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, JSONSyntaxError> in
            var parser = JSONParser(buffer)
            do throws(JSONSyntaxError) {
                return .success(try parser.document())
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
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

/// Where a text stops being JSON, and why.
package struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Octets before the place.
    package var offset: Int
    package var reason: String

    package var description: String { "at octet \(offset): \(reason)" }
}
