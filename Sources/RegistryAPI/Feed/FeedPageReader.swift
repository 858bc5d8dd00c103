import RegistryModel

/// Reads a page of changes as it comes, in pieces cut anywhere, and yields each change as soon as it's whole:
/// a page may be a wave of a million, of which nobody has to hold more than one at a time.
///
/// As strict as reading the whole page at once, and its members may come in any order. Whether the changes are
/// the page's is known at its end: until `finish()` has returned nobody may act on them.
package struct FeedPageReader {
    /// What comes next.
    private enum Place {
        case start
        /// The first member, or the end of the object.
        case firstKey
        /// A member: there was a comma.
        case key
        case inKey
        case colon
        case value
        case inValue
        case afterValue
        case firstChange
        case change
        case inChange
        case afterChange
        case end
    }

    private var place = Place.start
    private var scan = JSONScan()
    private var name = ""
    private var names: [String] = []
    /// A change, or another part of the page, that is whole: one after the other in the same memory.
    private var part = JSONDocument()
    /// What isn't a change and is known, as members of an object that isn't closed.
    private var members: [UInt8] = []
    private var hasChanges = false
    private var offset = 0
    private var first: Revision?
    private var last: Revision?

    private static let known = ["epoch", "from", "to", "head"]
    /// Members of a page, at most: each name is kept, because none may come twice.
    private static let memberLimit = 1000

    package init() {}

    /// - Parameter receive: called with each change that is whole by now, in order.
    package mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ receive: (FeedChange) throws -> Void
    ) throws {
        var index = 0
        while index < bytes.count {
            switch place {
            case .inKey, .inValue, .inChange:
                let next = try collect(bytes, from: index, receive)
                offset += next - index
                index = next
            default:
                // A scalar or a bracket that begins a value is read by the scan, which begins with it.
                if try step(bytes[index]) {
                    index += 1
                    offset += 1
                }
            }
        }
    }

    /// - Returns: what the page is of, when it's whole.
    package func finish() throws(FeedFormatError) -> FeedPageBounds {
        guard place == .end else { throw FeedFormatError("a page of changes is cut off") }
        guard hasChanges else { throw FeedFormatError("a page of changes: it has no changes") }
        let page: JSONDocument
        do throws(JSONSyntaxError) {
            page = try JSONDocument(parsing: "{".utf8 + members + "}".utf8)
        } catch {
            throw wrong("it isn't JSON: \(error)")
        }
        return try FeedPageBounds(page, first: first, last: last)
    }

    /// - Returns: whether the byte is used up.
    private mutating func step(_ byte: UInt8) throws(FeedFormatError) -> Bool {
        if Self.isSpace(byte) { return true }
        switch (place, byte) {
        case (.start, UInt8(ascii: "{")): place = .firstKey
        case (.firstKey, UInt8(ascii: "}")), (.afterValue, UInt8(ascii: "}")): place = .end
        case (.firstKey, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            place = .inKey
            scan = JSONScan()
            return false
        case (.colon, UInt8(ascii: ":")): place = .value
        case (.value, UInt8(ascii: "[")) where name.hasSameBytes(as: "changes"):
            place = .firstChange
            hasChanges = true
        case (.value, _):
            guard !name.hasSameBytes(as: "changes") else {
                throw FeedFormatError("a page of changes: /changes isn't an array")
            }
            place = .inValue
            scan = JSONScan()
            return false
        case (.afterValue, UInt8(ascii: ",")): place = .key
        case (.firstChange, UInt8(ascii: "]")), (.afterChange, UInt8(ascii: "]")):
            place = .afterValue
        case (.firstChange, _), (.change, _):
            place = .inChange
            scan = JSONScan()
            return false
        case (.afterChange, UInt8(ascii: ",")): place = .change
        default: throw wrong("it isn't JSON")
        }
        return true
    }

    /// - Returns: the place after what belongs to the value.
    private mutating func collect(
        _ bytes: UnsafeRawBufferPointer, from index: Int, _ receive: (FeedChange) throws -> Void
    ) throws -> Int {
        let (next, isWhole) = scan.take(bytes, from: index)
        guard scan.text.count <= JSONScan.longest else { throw wrong("a part of it is too long") }
        guard isWhole else { return next }
        do {
            try part.read(scan.text, inside: place == .inChange ? 2 : 1)
        } catch {
            throw wrong("it isn't JSON: \(error)")
        }
        switch place {
        case .inKey: try takeName()
        case .inChange:
            place = .afterChange
            try receive(change())
        default:
            place = .afterValue
            if Self.known.contains(where: { $0.hasSameBytes(as: name) }) {
                if !members.isEmpty { members.append(UInt8(ascii: ",")) }
                members += "\"\(name)\":".utf8 + scan.text
            }
        }
        return next
    }

    private mutating func takeName() throws(FeedFormatError) {
        guard part.token(0).kind == .string else { throw wrong("a key is expected") }
        let name = part.text(at: 0)
        guard !names.contains(where: { $0.hasSameBytes(as: name) }) else {
            throw wrong(JSONKeys.duplicate(name))
        }
        guard names.count < Self.memberLimit else { throw wrong("it has too many members") }
        names.append(name)
        self.name = name
        place = .colon
    }

    private mutating func change() throws(FeedFormatError) -> FeedChange {
        let change = try JSONObjectReader.read(part, "a page of changes") { FeedChange(&$0) }
        if let last, change.revision < last {
            throw FeedFormatError("a page of changes: revisions aren't in order")
        }
        first = first ?? change.revision
        last = change.revision
        return change
    }

    private func wrong(_ what: String) -> FeedFormatError {
        FeedFormatError("a page of changes, at byte \(offset): \(what)")
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}

/// Finds where a JSON value ends, and keeps its bytes until then. What is in them, a parser says.
private struct JSONScan {
    /// Bytes of one value, at most: a change has some 200, and never more than 6,000. What a later version may
    /// add has some room.
    static let longest = 1 << 20

    private(set) var text: [UInt8] = []
    /// Containers that are open.
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// - Returns: the place after what belongs to the value, and whether it's whole.
    mutating func take(
        _ bytes: UnsafeRawBufferPointer, from start: Int
    ) -> (next: Int, isWhole: Bool) {
        var index = start
        var isWhole = false
        while index < bytes.count, !isWhole {
            let byte = bytes[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                    isWhole = depth == 0
                }
                index += 1
                continue
            }
            // A scalar ends before what can't be in it.
            if depth == 0, Self.endsScalar(byte), index > start || !text.isEmpty {
                isWhole = true
                break
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                isWhole = depth <= 0
            default: break
            }
            index += 1
        }
        text.append(contentsOf: bytes[start..<index])
        return (index, isWhole)
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): true
        default: false
        }
    }
}
