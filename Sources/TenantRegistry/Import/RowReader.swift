import Foundation
import RegistryAPI
import RegistryClient
import RegistryModel

/// One row of an import file, or why it can't be one.
struct ImportRow {
    /// Of its first line, from 1.
    var line: Int
    var content: Result<BatchRegistration.Row, InvalidRow>
}

struct InvalidRow: Error, Equatable {
    var fqdn: String
    var code: String
    var detail: String
}

/// Reads an import file row by row, however large it is.
struct RowReader {
    enum Format {
        /// A header line (`fqdn,location,tenant,mode`, all but the first optional), then RFC 4180.
        case csv
        /// `{"fqdn":…,"location":…,"tenant":…,"mode":…}` a line.
        case ndjson
    }

    private var lines: LineReader
    /// Lines that were read and turned out to be rows of their own.
    private var waiting: [(number: Int, text: String)] = []
    private let format: Format
    private var columns: [String] = []
    /// Columns that no domain has, with the number of their values: what an import leaves behind.
    private(set) var leftBehind: [String: Int] = [:]
    /// What exports have that says how a domain was, as far as it was met: it belongs to the registry that
    /// the file is from.
    private(set) var notCarried: Set<String> = []

    private static let known = Set(BatchRegistration.Row.fields.map(\.name))
    static let exportedOnly = Set(Domain.fields.map(\.name) + ["epoch"]).subtracting(known)

    /// - Throws: `CommandFailure.usage` where a CSV file has no usable header line.
    init(_ file: FileHandle, format: Format) throws {
        lines = LineReader(file)
        self.format = format
        if format == .csv { columns = try readHeader() }
    }

    /// Bytes of the file read so far.
    var bytesRead: Int { lines.bytesRead }

    /// - Returns: nil at the end. Empty lines are passed over.
    mutating func next() throws -> ImportRow? {
        while let (number, text) = try nextLine() {
            if text.allSatisfy(\.isWhitespace) { continue }
            guard !text.unicodeScalars.contains("\u{FFFD}") else {
                let bad = InvalidRow(
                    fqdn: String(text.prefix(80)), code: "invalid-row",
                    detail: "the row isn't UTF-8")
                return ImportRow(line: number, content: .failure(bad))
            }
            guard text.utf8.count <= CSVRecord.longest else {
                let bad = InvalidRow(
                    fqdn: String(text.prefix(80)), code: "invalid-row",
                    detail: "the row is longer than \(CSVRecord.longest) bytes")
                return ImportRow(line: number, content: .failure(bad))
            }
            switch format {
            case .csv: return try csvRow(text, line: number)
            case .ndjson:
                return ImportRow(
                    line: number, content: NDJSONRow.read(text, notCarried: &notCarried))
            }
        }
        return nil
    }

    private mutating func readHeader() throws -> [String] {
        guard let (_, text) = try lines.next() else {
            throw CommandFailure.usage(
                "the file is empty; its first line must be fqdn,location,tenant,mode")
        }
        var names: [String] = []
        if case .fields(let fields) = CSVRecord.read(text) {
            names = fields.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        }
        let named = names.filter { !$0.isEmpty }
        guard named.contains("fqdn"), Set(named).count == named.count else {
            throw CommandFailure.usage(
                "the first line must name the columns, each once: fqdn, and location, tenant and mode where they're there; it is: \(Listing.printable(String(text.prefix(80))))"
            )
        }
        notCarried = Self.exportedOnly.intersection(named)
        for name in named where !Self.known.union(Self.exportedOnly).contains(name) {
            leftBehind[name] = 0
        }
        return names
    }

    private mutating func csvRow(_ first: String, line: Int) throws -> ImportRow {
        var record = CSVRecord()
        record.add(line: first.utf8)
        // A quoted field may hold line breaks. Where no end is found, or a wrong one, the quote was
        // a mistake of this line alone: the lines that were tried are rows of their own.
        var tried: [(number: Int, text: String)] = []
        while record.isUnfinished, record.size < CSVRecord.longest, let more = try nextLine() {
            tried.append(more)
            record.add(line: more.text.utf8)
        }
        let bad = { (detail: String) in
            ImportRow(
                line: line,
                content: .failure(
                    InvalidRow(fqdn: String(first.prefix(80)), code: "invalid-row", detail: detail))
            )
        }
        guard case .fields(let fields) = record.reading else {
            waiting = tried + waiting
            return bad("the quotes don't match")
        }
        guard fields.count <= columns.count else {
            return bad("the row has \(fields.count) fields, the header \(columns.count)")
        }
        func value(_ name: String) -> String? {
            guard let index = columns.firstIndex(of: name), index < fields.count else { return nil }
            let field = fields[index].trimmingCharacters(in: .whitespaces)
            guard !field.isEmpty else { return nil }
            // What was made for a spreadsheet comes back as it was before.
            return lines.hadMark ? SpreadsheetText.original(field) : field
        }
        let row = BatchRegistration.Row(
            fqdn: value("fqdn") ?? "", placement: PlacementText(reading: value))
        countLeftBehind(fields)
        return ImportRow(line: line, content: .success(row))
    }

    /// A column without a name is what spreadsheets leave at the end of a line: only its values count.
    private mutating func countLeftBehind(_ fields: [String]) {
        for (name, field) in zip(columns, fields)
        where !Self.known.union(Self.exportedOnly).contains(name) {
            guard field.contains(where: { !$0.isWhitespace }) else { continue }
            leftBehind[name, default: 0] += 1
        }
    }

    private mutating func nextLine() throws -> (number: Int, text: String)? {
        waiting.isEmpty ? try lines.next() : waiting.removeFirst()
    }
}
