import RegistryModel

/// Writes JSON straight into bytes, in the order of the calls: answers have a stable order of
/// fields, and a lookup builds no tree on its way out. Foundation's encoder has neither.
///
/// Commas are its own business; that every `begin…` meets its `end…`, that an object's values come
/// after keys, and that no key comes twice is the caller's.
package struct JSONWriter: Sendable {
    /// What was written, up to `count`, and room behind it: an array that is appended to looks for its owner and for
    /// room with each byte, and this does once for a key or a value.
    private var memory: [UInt8]
    /// Bytes that were written.
    package private(set) var count = 0
    /// Whether the next element of the container at hand needs a comma before it.
    private var needsComma = false

    /// - Parameter capacity: bytes to set aside at once; it grows beyond them.
    package init(reservingCapacity capacity: Int = 256) {
        memory = Array(repeating: 0, count: capacity)
    }

    /// Writes a document of its own behind what is there already, in the same memory.
    package init(continuing bytes: consuming [UInt8]) {
        count = bytes.count
        memory = bytes
    }

    package var bytes: [UInt8] { Array(memory[..<count]) }

    /// What was written, where it lies.
    package func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        memory.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// The bytes, in the memory that they were written to.
    package consuming func finish() -> [UInt8] {
        memory.removeLast(memory.count - count)
        return memory
    }

    /// Begins anew, in the memory that it has.
    package mutating func clear() {
        count = 0
        needsComma = false
    }

    /// Ends a document that is a line; the next one is another.
    package mutating func endLine() {
        write(atMost: 1) { $0.byte("\n") }
        needsComma = false
    }

    /// - Parameter most: as many bytes as `body` may write.
    @inline(__always)
    private mutating func write(atMost most: Int, _ body: (inout JSONCursor) -> Void) {
        while memory.count - count < most { memory += Self.room }
        let start = count
        count = memory.withUnsafeMutableBufferPointer { memory in
            guard let first = memory.baseAddress else { return start }
            var cursor = JSONCursor(place: first + start)
            body(&cursor)
            return cursor.place - first
        }
    }

    private static let room = [UInt8](repeating: 0, count: 512)

    package mutating func beginObject() { open("{") }
    package mutating func endObject() { close("}") }
    package mutating func beginArray() { open("[") }
    package mutating func endArray() { close("]") }

    package mutating func key(_ name: StaticString) {
        name.withUTF8Buffer { quoted($0) }
        endKey()
    }

    /// A key that isn't known before the program runs. It has a label because a literal would
    /// otherwise always be taken for this one.
    package mutating func key(named name: String) {
        string(name)
        endKey()
    }

    private mutating func endKey() {
        write(atMost: 1) { $0.byte(":") }
        needsComma = false
    }

    /// A key with its quotes and its colon.
    static func written(_ name: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.key(named: name)
        return writer.finish()
    }

    /// - Parameter key: what `written` makes of a name.
    mutating func key(written key: [UInt8]) {
        let comma = needsComma
        key.withUnsafeBufferPointer { key in
            write(atMost: key.count + 1) { cursor in
                cursor.comma(comma)
                cursor.bytes(key)
            }
        }
        needsComma = false
    }

    package mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { quoted($0) }
    }

    private mutating func quoted(_ text: UnsafeBufferPointer<UInt8>) {
        let comma = needsComma
        write(atMost: text.count * JSONCursor.longestEscape + 3) { cursor in
            cursor.comma(comma)
            cursor.byte("\"")
            cursor.escaped(text)
            cursor.byte("\"")
        }
        needsComma = true
    }

    package mutating func string(_ time: Timestamp) {
        separate()
        write(atMost: 26) { cursor in
            cursor.byte("\"")
            cursor.time(time)
            cursor.byte("\"")
        }
        needsComma = true
    }

    package mutating func integer(_ number: Int) { integer(Int64(number)) }

    package mutating func integer(_ number: Int64) {
        separate()
        if number < 0 { write(atMost: 1) { $0.byte("-") } }
        piece(number.magnitude)
        needsComma = true
    }

    package mutating func integer(_ number: UInt64) {
        separate()
        piece(number)
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

    private mutating func open(_ byte: Unicode.Scalar) {
        let comma = needsComma
        write(atMost: 2) { cursor in
            cursor.comma(comma)
            cursor.byte(byte)
        }
        needsComma = false
    }

    private mutating func close(_ byte: Unicode.Scalar) {
        write(atMost: 1) { $0.byte(byte) }
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { write(atMost: 1) { $0.byte(",") } }
    }

    private mutating func raw(_ text: String) {
        separate()
        piece(plain: text)
        needsComma = true
    }

    // MARK: Pieces

    /// Begins a value that its caller puts together from pieces, commas, quotes and all: the one that
    /// lookups write. Field by field takes four times as many steps.
    mutating func beginPieces() { separate() }

    mutating func endPieces() { needsComma = true }

    mutating func piece(_ text: StaticString) {
        write(atMost: text.utf8CodeUnitCount) { cursor in
            text.withUTF8Buffer { cursor.bytes($0) }
        }
    }

    /// Text that needs no escaping: a name in canonical form.
    mutating func piece(plain text: UnsafeRawBufferPointer) {
        write(atMost: text.count) { $0.bytes(text.bindMemory(to: UInt8.self)) }
    }

    mutating func piece(plain text: String) {
        var text = text
        text.withUTF8 { text in write(atMost: text.count) { $0.bytes(text) } }
    }

    mutating func piece(escaping text: UnsafeRawBufferPointer) {
        write(atMost: text.count * JSONCursor.longestEscape) {
            $0.escaped(text.bindMemory(to: UInt8.self))
        }
    }

    mutating func piece(_ time: Timestamp) { write(atMost: 24) { $0.time(time) } }

    /// Not below zero.
    mutating func piece(_ number: UInt64) {
        // The largest has twenty.
        write(atMost: 20) { $0.digits(number) }
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
        self = writer.finish()
    }
}
