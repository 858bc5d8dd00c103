import RegistryModel

/// Writes JSON straight into bytes, in the order of the calls: answers have a stable order of
/// fields, and a lookup builds no tree on its way out. Foundation's encoder has neither.
///
/// Commas are its own business; that every `begin…` meets its `end…`, that an object's values come
/// after keys, and that no key comes twice is the caller's.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// Whether the next element of the container at hand needs a comma before it.
    private var needsComma = false

    /// - Parameter capacity: bytes to set aside at once; it grows beyond them.
    package init(reservingCapacity capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// Writes a document of its own behind what is there already, in the same memory.
    package init(continuing bytes: consuming [UInt8]) {
        self.bytes = bytes
    }

    /// Begins anew, in the memory that it has.
    package mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    package mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { escaped($0) }
        endKey()
    }

    /// A key that isn't known before the program runs. It has a label because a literal would
    /// otherwise always be taken for this one.
    package mutating func key(named name: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        escaped(name)
        endKey()
    }

    /// A key that has nothing to escape, with its quotes and its colon.
    static func written(_ name: String) -> [UInt8] { Array("\"\(name)\":".utf8) }

    /// - Parameter key: what `written` makes of a name.
    mutating func key(written key: [UInt8]) {
        separate()
        bytes.append(contentsOf: key)
        needsComma = false
    }

    private mutating func endKey() {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func string(_ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        escaped(text)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    package mutating func string(_ time: Timestamp) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        piece(time)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    package mutating func integer(_ number: Int) { integer(Int64(number)) }

    package mutating func integer(_ number: Int64) {
        separate()
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        digits(number.magnitude)
        needsComma = true
    }

    package mutating func integer(_ number: UInt64) {
        separate()
        digits(number)
        needsComma = true
    }

    /// The shortest decimal that reads back as the same number, always with a point or an exponent.
    /// JSON has no infinity and no NaN (RFC 8259 §6): these become null.
    package mutating func number(_ number: Double) {
        guard number.isFinite else { return null() }
        raw("\(number)")
    }

    package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    package mutating func null() { raw("null") }

    /// A tree, its members in their order.
    package mutating func write(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .integer(let value): integer(value)
        case .number(let value): number(value)
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { write(element) }
            endArray()
        case .object(let members):
            beginObject()
            for member in members {
                key(named: member.key)
                write(member.value)
            }
            endObject()
        }
    }

    // MARK: Bytes

    private mutating func open(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    // MARK: Pieces

    /// Begins a value that its caller puts together from pieces, commas, quotes and all: the one that
    /// lookups write. Field by field takes four times as many steps.
    mutating func beginPieces() { separate() }

    mutating func endPieces() { needsComma = true }

    mutating func piece(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Text that needs no escaping: a name in canonical form.
    mutating func piece(plain text: UnsafeRawBufferPointer) { bytes.append(contentsOf: text) }

    mutating func piece(plain text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func piece(escaping text: UnsafeRawBufferPointer) {
        escaped(text.bindMemory(to: UInt8.self))
    }

    mutating func piece(_ time: Timestamp) { bytes.append(time) }

    /// Not below zero.
    mutating func piece(_ number: UInt64) { digits(number) }

    private mutating func digits(_ number: UInt64) {
        // The largest has twenty.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
            var rest = number
            var start = buffer.count
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                buffer.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(digit))
                rest = quotient
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start...]))
        }
    }

    private mutating func escaped(_ text: String) {
        var text = text
        text.withUTF8 { escaped($0) }
    }

    /// RFC 8259 §7: only what must be escaped is. The rest is copied run by run.
    private mutating func escaped(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        while true {
            let end = text.firstJSONSpecial(from: start)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<end]))
            guard end < text.count else { break }
            escape(text[end])
            start = end + 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20:
            let low = byte & 15
            bytes.append(contentsOf: byte < 0x10 ? "u000".utf8 : "u001".utf8)
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: bytes.append(byte)
        }
    }
}

extension [UInt8] {
    /// A time's `description`, without a string in between.
    mutating func append(_ time: Timestamp) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { text in
            time.write(to: text)
            append(contentsOf: text)
        }
    }

    /// Lets a writer write into this memory.
    package mutating func appendJSON(_ body: (inout JSONWriter) -> Void) {
        var writer = JSONWriter(continuing: self)
        self = []
        body(&writer)
        self = writer.bytes
    }
}
