/// A JSON value as a tree, for what is about any document: what a request means, a schema, a field of a table.
/// What knows which fields it wants uses `JSONObjectReader`, which makes no tree.
///
/// `==` is that of `String`, which takes canonical equivalents for one another; the parser and the
/// reader of objects compare keys by bytes.
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

    /// Reads one document, whole, as `JSONDocument` does.
    ///
    /// The values can take some 30 times as much memory as the bytes (`[[[0]],[[0]],…]`), twice to four times if
    /// they're strings.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONSyntaxError) {
        self.init(try JSONDocument(parsing: bytes))
    }

    package init(_ document: JSONDocument) {
        self = document.value(at: 0)
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

extension JSONDocument {
    func value(at number: Int) -> JSONValue {
        switch token(number).kind {
        case .null: .null
        case .no: .bool(false)
        case .yes: .bool(true)
        case .integer: .integer(integer(at: number))
        case .number: .number(self.number(at: number))
        case .string: .string(text(at: number))
        case .array: .array(inside(number).map { value(at: $0) })
        case .object:
            .object(
                inside(number).map {
                    JSONValue.Member(key: text(at: $0), value: value(at: $0 + 1))
                })
        }
    }
}
