/// How a list of names is written.
package enum NameListFormat: String, Sendable, CaseIterable {
    /// A name a line.
    case text
    /// With a header line that names the column `fqdn`.
    case csv
    /// An object a line, with a member `fqdn`.
    case ndjson

    package var type: MediaType {
        switch self {
        case .text: .plain
        case .csv: .csv
        case .ndjson: .ndjson
        }
    }
}

/// What a line of a list has: in place, good until the closure that was given it returns.
package enum ListedName {
    /// Text that may be a name.
    case name(UnsafeRawBufferPointer)
    /// A row that holds none.
    case unreadable(UnsafeRawBufferPointer)
}

/// Why a list is none.
package enum NameListFault: Error, Sendable, Equatable, CustomStringConvertible {
    case tooLongLine(Int)
    case noColumn(header: String)

    package var description: String {
        switch self {
        case .tooLongLine(let number):
            "line \(number) is longer than \(NameListReader.longestLine) bytes"
        case .noColumn(let header):
            "the first line must name the columns, each once, fqdn among them; it is: \(header)"
        }
    }
}

/// Reads the names of a list that comes in pieces, in memory for a line: however long it is.
///
/// Lines end with LF or CRLF, the last one needn't, and a byte order mark before the first counts nothing. Lines of
/// blanks are passed over; so is, in text, what follows a `#`.
package struct NameListReader: Sendable {
    private let format: NameListFormat
    /// The beginning of a line.
    private var rest: [UInt8] = []
    private var lineNumber = 0
    private var table = NameTable()
    private var document = JSONDocument()

    /// Bytes. Beyond any line that has a name, with whatever else somebody's export has beside it.
    package static let longestLine = 65_536

    package init(_ format: NameListFormat) {
        self.format = format
    }

    /// - Parameter take: its argument is good until it returns.
    package mutating func read(
        _ piece: UnsafeRawBufferPointer, _ take: (ListedName) -> Void
    ) throws(NameListFault) {
        var start = 0
        while let end = piece.firstLineBreak(from: start) {
            let part = UnsafeRawBufferPointer(rebasing: piece[start..<end])
            start = end + 1
            guard !rest.isEmpty else {
                try line(part, take)
                continue
            }
            rest.append(contentsOf: part)
            try endRest(take)
        }
        rest.append(contentsOf: piece[start...])
        guard rest.count <= Self.longestLine else { throw .tooLongLine(lineNumber + 1) }
    }

    /// The list is over.
    package mutating func finish(_ take: (ListedName) -> Void) throws(NameListFault) {
        if !rest.isEmpty { try endRest(take) }
        guard format == .csv else { return }
        guard table.hasHeader else { throw .noColumn(header: "") }
        table.finish(take)
    }

    private mutating func endRest(_ take: (ListedName) -> Void) throws(NameListFault) {
        var whole: [UInt8] = []
        swap(&whole, &rest)
        // Swift's typed throws don't go through this closure; a Result does.
        let result = whole.withUnsafeBytes { bytes in
            Result { () throws(NameListFault) in try line(bytes, take) }
        }
        whole.removeAll(keepingCapacity: true)
        swap(&whole, &rest)
        try result.get()
    }

    private mutating func line(
        _ bytes: UnsafeRawBufferPointer, _ take: (ListedName) -> Void
    ) throws(NameListFault) {
        lineNumber += 1
        guard bytes.count <= Self.longestLine else { throw .tooLongLine(lineNumber) }
        var text = bytes
        if lineNumber == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            text = UnsafeRawBufferPointer(rebasing: bytes[3...])
        }
        switch format {
        case .text:
            let end = text.firstIndex(of: UInt8(ascii: "#")) ?? text.count
            let name = UnsafeRawBufferPointer(rebasing: text[..<end]).withoutBlanks
            if !name.isEmpty { take(.name(name)) }
        case .csv: try table.add(line: text, take)
        case .ndjson:
            let object = text.withoutBlanks
            if !object.isEmpty { member(of: object, take) }
        }
    }

    private mutating func member(
        of object: UnsafeRawBufferPointer, _ take: (ListedName) -> Void
    ) {
        if let name = object.onlyMember { return take(.name(name)) }
        guard (try? document.read(object)) != nil, let text = document.text(ofMember: "fqdn") else {
            return take(.unreadable(object))
        }
        var name = text
        name.withUTF8 { take(.name(UnsafeRawBufferPointer($0))) }
    }
}

/// The rows of a CSV file, and where in them the names stand.
private struct NameTable: Sendable {
    private var column: Int?
    private var columns = 0
    /// A record that isn't whole yet, and its lines: where it never is, those after the first are rows of their own.
    private var record: CSVRecord?
    private var tried: [[UInt8]] = []

    var hasHeader: Bool { column != nil }

    mutating func add(
        line: UnsafeRawBufferPointer, _ take: (ListedName) -> Void
    ) throws(NameListFault) {
        guard let column else { return try readHeader(line) }
        guard record == nil else { return goOn(line, take) }
        let row = line.withoutLineEnd
        guard !row.withoutBlanks.isEmpty else { return }
        guard row.contains(UInt8(ascii: "\"")) else {
            let field = row.plainField(column, of: columns)
            return take(field.map { .name($0) } ?? .unreadable(row))
        }
        begin(row, take)
    }

    private mutating func readHeader(_ line: UnsafeRawBufferPointer) throws(NameListFault) {
        let text = String(decoding: line.withoutBlanks, as: UTF8.self)
        var names: [String] = []
        if case .fields(let fields) = CSVRecord.read(text) {
            names = fields.map { $0.utf8.withoutBlanks.lowercased() }
        }
        let named = names.filter { !$0.isEmpty }
        guard let column = names.firstIndex(of: "fqdn"), Set(named).count == named.count else {
            throw .noColumn(header: PrintableText.line(String(text.prefix(80))))
        }
        self.column = column
        columns = names.count
    }

    private mutating func begin(_ row: UnsafeRawBufferPointer, _ take: (ListedName) -> Void) {
        var record = CSVRecord()
        record.add(line: row)
        if record.isUnfinished, record.size < CSVRecord.longest {
            self.record = record
            tried = [Array(row)]
        } else {
            end(record, row, take)
        }
    }

    private mutating func goOn(_ line: UnsafeRawBufferPointer, _ take: (ListedName) -> Void) {
        guard var record else { return }
        let row = line.withoutLineEnd
        record.add(line: row)
        tried.append(Array(row))
        self.record = record
        guard !record.isUnfinished || record.size >= CSVRecord.longest else { return }
        endRecord(take)
    }

    mutating func finish(_ take: (ListedName) -> Void) {
        while record != nil { endRecord(take) }
    }

    /// The record is whole, or will never be.
    private mutating func endRecord(_ take: (ListedName) -> Void) {
        guard let record, let first = tried.first else { return }
        let others = tried.dropFirst()
        self.record = nil
        tried = []
        first.withUnsafeBytes { end(record, $0, take) }
        if case .fields = record.reading { return }
        for line in others {
            // Once its header is there, a table throws nothing.
            line.withUnsafeBytes { try? add(line: $0, take) }
        }
    }

    private func end(
        _ record: CSVRecord, _ first: UnsafeRawBufferPointer, _ take: (ListedName) -> Void
    ) {
        guard case .fields(let fields) = record.reading, let column, fields.count <= columns,
            column < fields.count
        else { return take(.unreadable(first)) }
        var name = fields[column].utf8.withoutBlanks
        name.withUTF8 {
            take($0.isEmpty ? .unreadable(first) : .name(UnsafeRawBufferPointer($0)))
        }
    }
}
