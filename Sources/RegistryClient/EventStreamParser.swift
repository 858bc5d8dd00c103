import NIOCore

/// Reads Server-Sent Events from what comes in pieces: WHATWG HTML §9.2.6, as far as the feed uses it.
///
/// An event's data is handed on as it comes: one event may be a wave of a million domains.
struct EventStreamParser {
    enum Part {
        /// Some of the data of an event, which isn't over yet.
        case data(ByteBuffer, of: String)
        /// The event is whole. Only where it had data.
        case end(of: String)
    }

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// Bytes of one event, at most: a wave of a million domains has some 200 million.
    private static let longest = 1 << 30
    /// Of a field's name, and of what is kept as a value.
    private static let longestText = 256

    private enum Place {
        case name
        /// The first byte of a value, which may be a space that doesn't count.
        case beforeValue
        case value
    }

    private var place = Place.name
    private var field: [UInt8] = []
    private var value: [UInt8] = []
    /// Whether the last piece ended with a CR, which belongs to the data unless an LF comes.
    private var hasCarriageReturn = false
    private var event = ""
    /// Bytes of data so far.
    private var count = 0
    private var hasData = false

    /// - Parameter piece: is read from its beginning, as far as the part goes.
    /// - Returns: nil where the piece is used up.
    mutating func next(in piece: inout ByteBuffer) throws -> Part? {
        while let byte = piece.getInteger(at: piece.readerIndex, as: UInt8.self) {
            switch place {
            case .name:
                piece.moveReaderIndex(forwardBy: 1)
                if byte == 0x0A {
                    if let part = try endLine() { return part }
                } else if byte == UInt8(ascii: ":") {
                    try beginValue()
                    if isData, let line = lineBreak() { return line }
                } else if field.count <= Self.longestText {
                    // Longer than any that is known: which one doesn't matter.
                    field.append(byte)
                }
            case .beforeValue:
                if byte == UInt8(ascii: " ") { piece.moveReaderIndex(forwardBy: 1) }
                place = .value
            case .value:
                if let part = try takeValue(&piece) { return part }
            }
        }
        return nil
    }

    private var isData: Bool { field.elementsEqual("data".utf8) }

    private mutating func beginValue() throws {
        place = .beforeValue
        value = []
        hasCarriageReturn = false
    }

    /// Lines of data are joined by a line break.
    private mutating func lineBreak() -> Part? {
        guard hasData else { return nil }
        return .data(ByteBuffer(integer: UInt8(0x0A)), of: event)
    }

    private mutating func takeValue(_ piece: inout ByteBuffer) throws -> Part? {
        let view = piece.readableBytesView
        let end = view.firstIndex(of: 0x0A)
        let length = end.map { $0 - view.startIndex } ?? view.count
        guard isData else {
            if value.count <= Self.longestText {
                value += view.prefix(min(length, Self.longestText + 1))
            }
            piece.moveReaderIndex(forwardBy: length + (end == nil ? 0 : 1))
            return end == nil ? nil : try endLine()
        }
        if hasCarriageReturn, length > 0 {
            hasCarriageReturn = false
            return try data(ByteBuffer(integer: UInt8(0x0D)))
        }
        guard length > 0 else {
            piece.moveReaderIndex(forwardBy: 1)
            return try endLine()
        }
        guard var bytes = piece.readSlice(length: length) else { return nil }
        if bytes.readableBytesView.last == 0x0D {
            bytes.moveWriterIndex(to: bytes.writerIndex - 1)
            hasCarriageReturn = true
        }
        return bytes.readableBytes == 0 ? nil : try data(bytes)
    }

    private mutating func data(_ bytes: ByteBuffer) throws -> Part {
        hasData = true
        count += bytes.readableBytes
        guard count <= Self.longest else { throw Malformed(description: "an event is too long") }
        return .data(bytes, of: event)
    }

    /// - Returns: the end of the event, where the line was empty.
    private mutating func endLine() throws -> Part? {
        defer {
            place = .name
            field = []
            hasCarriageReturn = false
        }
        if place == .name {
            if field.last == 0x0D { field.removeLast() }
            if field.isEmpty {
                defer { (event, count, hasData) = ("", 0, false) }
                return hasData ? .end(of: event) : nil
            }
            value = []
        }
        if field.elementsEqual("event".utf8) {
            // What the data is, must be known before it's read.
            guard !hasData else {
                throw Malformed(description: "an event's name comes after its data")
            }
            if value.last == 0x0D { value.removeLast() }
            event = String(decoding: value, as: UTF8.self)
        }
        return nil
    }
}
