import Foundation
import RegistryClient

/// One row of an import file, or why it can't be one.
struct ImportRow {
    /// Of its first line, from 1.
    var line: Int
    var content: Result<RegistryClient.BatchRow, BadRow>
}

struct BadRow: Error, Equatable {
    var fqdn: String
    var code: String
    var detail: String
}

/// Reads an import file row by row, however large it is.
struct RowReader {
    enum Format {
        /// A header line (`fqdn,location,tenant`, the last two optional), then RFC 4180.
        case csv
        /// `{"fqdn":…,"location":…,"tenant":…}` a line.
        case ndjson
    }

    private var lines: LineReader
    private let format: Format
    private var columns: [String] = []

    /// - Throws: `CommandFailure.usage` where a CSV file has no usable header line.
    init(_ file: FileHandle, format: Format) throws {
        lines = LineReader(file)
        self.format = format
        if format == .csv { columns = try readHeader() }
    }

    /// Octets of the file read so far.
    var bytesRead: Int { lines.bytesRead }

    /// - Returns: nil at the end. Empty lines are passed over.
    mutating func next() throws -> ImportRow? {
        while let (number, text) = try lines.next() {
            if text.allSatisfy(\.isWhitespace) { continue }
            switch format {
            case .csv: return try csvRow(text, line: number)
            case .ndjson: return ImportRow(line: number, content: NDJSONRow.read(text))
            }
        }
        return nil
    }

    private mutating func readHeader() throws -> [String] {
        guard let (_, text) = try lines.next() else {
            throw CommandFailure.usage(
                "the file is empty; its first line must be fqdn,location,tenant")
        }
        let names =
            (CSVLine.fields(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text) ?? [])
            .map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        let known: Set<String> = ["fqdn", "location", "tenant"]
        guard names.contains("fqdn"), Set(names).isSubset(of: known),
            Set(names).count == names.count
        else {
            throw CommandFailure.usage(
                "the first line must name the columns: fqdn, and at most location and tenant; it is: \(text.prefix(80))"
            )
        }
        return names
    }

    private mutating func csvRow(_ first: String, line: Int) throws -> ImportRow {
        var text = first
        // A quoted field may hold line breaks: the row goes on until its quotes are even.
        while !text.filter({ $0 == "\"" }).count.isMultiple(of: 2), text.utf8.count < 65_536,
            let (_, more) = try lines.next()
        {
            text += "\n" + more
        }
        let bad = { (detail: String) in
            ImportRow(
                line: line,
                content: .failure(
                    BadRow(fqdn: String(text.prefix(80)), code: "invalid-row", detail: detail)))
        }
        guard let fields = CSVLine.fields(text) else { return bad("the quotes don't match") }
        guard fields.count <= columns.count else {
            return bad("the row has \(fields.count) fields, the header \(columns.count)")
        }
        func value(_ name: String) -> String? {
            guard let index = columns.firstIndex(of: name), index < fields.count else { return nil }
            let field = fields[index].trimmingCharacters(in: .whitespaces)
            return field.isEmpty ? nil : field
        }
        return ImportRow(
            line: line,
            content: .success(
                RegistryClient.BatchRow(
                    fqdn: value("fqdn") ?? "", location: value("location"), tenant: value("tenant"))
            ))
    }
}

/// One record of RFC 4180.
enum CSVLine {
    /// - Returns: nil where the quotes don't match.
    static func fields(_ line: String) -> [String]? {
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var rest = Substring(line)
        while let character = rest.popFirst() {
            switch (character, isQuoted) {
            case ("\"", true) where rest.first == "\"":
                field.append("\"")
                rest.removeFirst()
            case ("\"", true): isQuoted = false
            case ("\"", false) where field.isEmpty: isQuoted = true
            case (",", false):
                fields.append(field)
                field = ""
            default: field.append(character)
            }
        }
        guard !isQuoted else { return nil }
        return fields + [field]
    }
}
