/// One record of RFC 4180, put together line by line: a quoted field may hold line breaks.
package struct CSVRecord: Sendable {
    package enum Reading: Sendable {
        case fields([String])
        /// The line ends within quotes.
        case unfinished
        /// Something follows a closing quote.
        case malformed
    }

    private enum Place { case start, plain, quoted, closed, malformed }

    private var fields: [String] = []
    private var field: [UInt8] = []
    private var place = Place.start
    /// Bytes of the record so far.
    package private(set) var size = 0

    package init() {}

    /// A record of one line.
    package static func read(_ line: String) -> Reading {
        var record = CSVRecord()
        record.add(line: line.utf8)
        return record.reading
    }

    /// Goes on with the record's next line.
    ///
    /// - Parameter line: without its end.
    package mutating func add(line: some Collection<UInt8>) {
        if isUnfinished { field.append(0x0A) }
        size += line.count + 1
        for byte in line {
            switch (place, byte) {
            case (.start, UInt8(ascii: "\"")): place = .quoted
            case (.quoted, UInt8(ascii: "\"")): place = .closed
            case (.closed, UInt8(ascii: "\"")):
                field.append(byte)
                place = .quoted
            case (.quoted, _): field.append(byte)
            case (.malformed, _): return
            case (_, UInt8(ascii: ",")):
                endField()
                place = .start
            case (.closed, UInt8(ascii: " ")), (.closed, UInt8(ascii: "\t")): break
            case (.closed, _): place = .malformed
            case (.start, _), (.plain, _):
                field.append(byte)
                place = .plain
            }
        }
    }

    private mutating func endField() {
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
    }

    /// Whether another line belongs to it.
    package var isUnfinished: Bool { place == .quoted }

    package var reading: Reading {
        switch place {
        case .quoted: .unfinished
        case .malformed: .malformed
        case .start, .plain, .closed: .fields(fields + [String(decoding: field, as: UTF8.self)])
        }
    }

    /// Bytes beyond any row whose values a registry could take: names, locations and tenants are short. A quote
    /// that has no end before is a mistake of its line.
    package static let longest = 2048
}
