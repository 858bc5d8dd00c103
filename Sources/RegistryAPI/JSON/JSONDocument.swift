/// A JSON document that was read strictly: its bytes, and where in them each of its values stands.
///
/// Our own parser because the contract refuses what Foundation's lets pass: duplicate keys, depth,
/// and because every complaint carries a pointer to the field that it's about.
///
/// Nothing is made of a value before somebody asks for it: a document of a million names takes its bytes and 20
/// more for each value. Memory is used again for the next document that is read into the same one.
package struct JSONDocument: Sendable {
    /// Where a value stands, in the order of the text; those inside a container follow it, a key its object's value.
    struct Token: Sendable {
        enum Kind: UInt8, Sendable {
            case null, no, yes, integer, number, string, array, object
        }

        var kind: Kind
        /// Whether a string isn't just its bytes.
        var hasEscapes = false
        /// Bytes before it; of a string, before what is in its quotes.
        var start: UInt32
        /// Bytes up to its end; of a string, to the end of what is in its quotes.
        var end: UInt32 = 0
        /// The number of the first token that doesn't belong to it.
        var next: UInt32 = 0
        /// Of elements or members.
        var count: UInt32 = 0
    }

    private(set) var bytes: [UInt8] = []
    private(set) var tokens: [Token] = []

    package init() {}

    /// Reads one document, whole: RFC 8259, UTF-8 without a byte order mark, no duplicate keys (by
    /// bytes, after unescaping), at most 32 containers deep, nothing but space after it.
    ///
    /// Takes time in proportion to the bytes. Their number is the caller's to limit: the index can take ten
    /// times as much memory (`[0,0,…]`).
    ///
    /// - Parameter depth: of the containers around the document, where it's a part of a larger one.
    package init(
        parsing text: some Collection<UInt8>, inside depth: Int = 0
    ) throws(JSONSyntaxError) {
        try read(text, inside: depth)
    }

    /// The same in the place of what was here. Where it throws, no value is there.
    package mutating func read(
        _ text: some Collection<UInt8>, inside depth: Int = 0
    ) throws(JSONSyntaxError) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: text)
        try index(inside: depth)
    }

    private mutating func index(inside depth: Int) throws(JSONSyntaxError) {
        var index: [Token] = []
        swap(&index, &tokens)
        index.removeAll(keepingCapacity: true)
        // Swift's typed throws don't go through this closure; a Result does.
        let result = bytes.withUnsafeBufferPointer { input in
            var parser = JSONParser(input, depth: depth)
            swap(&parser.tokens, &index)
            defer { swap(&parser.tokens, &index) }
            return Result { () throws(JSONSyntaxError) in try parser.document() }
        }
        try result.get()
        swap(&index, &tokens)
    }

    // MARK: Values

    func token(_ number: Int) -> Token { tokens[number] }

    /// The string at a token that is one.
    func text(at number: Int) -> String {
        let token = tokens[number]
        let range = Int(token.start)..<Int(token.end)
        return bytes.withUnsafeBufferPointer { $0.text(range, hasEscapes: token.hasEscapes) }
    }

    /// Where an object has a member, and the number of its key's token: by bytes, for `String`'s `==` takes
    /// canonical equivalents for one another, and RFC 8259 §8.3 compares code unit by code unit.
    func member(_ name: String, of object: Int) -> (index: Int, key: Int)? {
        let isDone = name.utf8.withContiguousStorageIfAvailable { name in
            bytes.withUnsafeBufferPointer { bytes in
                var key = object + 1
                for index in 0..<Int(tokens[object].count) {
                    if isText(name, at: key, in: bytes) { return (index, key) as (Int, Int)? }
                    key = Int(tokens[key + 1].next)
                }
                return nil
            }
        }
        // Ours are native strings, which are always contiguous.
        return isDone ?? nil
    }

    /// The text of a member of the document's object; nil where there's none, or it's no text.
    func text(ofMember name: String) -> String? {
        guard tokens.first?.kind == .object, let key = member(name, of: 0)?.key,
            tokens[key + 1].kind == .string
        else { return nil }
        return text(at: key + 1)
    }

    private func isText(
        _ text: UnsafeBufferPointer<UInt8>, at number: Int, in bytes: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let token = tokens[number]
        let range = Int(token.start)..<Int(token.end)
        guard !token.hasEscapes else {
            return bytes.text(range, hasEscapes: true).utf8.elementsEqual(text)
        }
        return range.count == text.count
            && UnsafeBufferPointer(rebasing: bytes[range]).elementsEqual(text)
    }

    /// The number at a token that is an integer.
    func integer(at number: Int) -> Int64 {
        let token = tokens[number]
        var digits = bytes[Int(token.start)..<Int(token.end)]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        // Counted below zero: that side has room for one more.
        let negated = digits.reduce(0) { $0 * 10 - Int64($1 - 0x30) }
        return isNegative ? negated : -negated
    }

    /// The number at a token that is one, but no integer.
    func number(at number: Int) -> Double {
        let token = tokens[number]
        let text = String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self)
        // The parser has read it before.
        return Double(text) ?? .nan
    }

    /// The numbers of the tokens of an array's elements, or of an object's keys.
    func inside(_ number: Int) -> ContainerIterator {
        ContainerIterator(document: self, container: number)
    }

    struct ContainerIterator: Sequence, IteratorProtocol {
        private let document: JSONDocument
        private var place: Int
        private let end: Int
        private let isObject: Bool

        fileprivate init(document: JSONDocument, container: Int) {
            self.document = document
            let token = document.tokens[container]
            isObject = token.kind == .object
            place = container + 1
            end = Int(token.next)
        }

        mutating func next() -> Int? {
            guard place < end else { return nil }
            defer { place = Int(document.tokens[isObject ? place + 1 : place].next) }
            return place
        }
    }

    // MARK: Places

    /// The JSON pointer of a value, RFC 6901, from the document's own.
    func pointer(to number: Int, from root: String) -> String {
        var (pointer, container) = (root, 0)
        while container != number {
            let isObject = tokens[container].kind == .object
            guard
                let (index, child) = inside(container).enumerated().first(where: { _, child in
                    let value = isObject ? child + 1 : child
                    return (value..<Int(tokens[value].next)).contains(number)
                })
            else { return pointer }
            pointer =
                isObject
                ? JSONPointer.appending(text(at: child), to: pointer)
                : JSONPointer.appending(index, to: pointer)
            container = isObject ? child + 1 : child
        }
        return pointer
    }
}

extension JSONDocument.Token.Kind {
    /// For a complaint: "a string".
    var name: String {
        switch self {
        case .null: "null"
        case .no, .yes: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
