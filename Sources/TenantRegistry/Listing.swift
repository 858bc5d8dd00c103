import Foundation
import RegistryAPI

/// Rows of a command's answer, in any of the output formats.
struct Listing {
    /// Names of the fields, in order; they head a table and a CSV file.
    let columns: [String]
    private(set) var rows: [[Cell]] = []

    init(_ columns: [String]) {
        self.columns = columns
    }

    init<Row>(_ rows: [Row], _ columns: [ShapeField<Row>]) {
        self.columns = columns.map(\.name)
        self.rows = rows.map { Self.cells($0, columns) }
    }

    static func cells<Row>(_ row: Row, _ columns: [ShapeField<Row>]) -> [Cell] {
        columns.map { $0.cell?(row) ?? .absent }
    }

    mutating func add(_ cells: [Cell]) {
        rows.append(cells)
    }

    /// - Parameter heading: whether a table and a CSV file begin with the columns' names.
    func print(_ format: OutputFormat, heading: Bool = true) {
        switch format {
        case .table: printTable(heading: heading)
        case .json: StandardOutput.write(json(rows) + "\n")
        case .ndjson: rows.forEach { StandardOutput.write(Self.object(columns, $0) + "\n") }
        case .csv:
            if heading { StandardOutput.write(CSV.line(columns)) }
            rows.forEach { StandardOutput.write(CSV.line($0.map(\.plain))) }
        case .spreadsheet:
            if heading {
                StandardOutput.write(SpreadsheetText.byteOrderMark)
                StandardOutput.write(CSV.line(columns))
            }
            rows.forEach {
                StandardOutput.write(CSV.line($0.map { SpreadsheetText.inert($0.plain) }))
            }
        }
    }

    private func printTable(heading: Bool) {
        let texts =
            (heading ? [columns.map { $0.uppercased() }] : [])
            + rows.map { $0.map { Self.printable($0.plain) } }
        let widths = columns.indices.map { column in
            texts.map { TerminalWidth.of($0[column]) }.max() ?? 0
        }
        for line in texts { StandardOutput.write(Self.line(line, widths)) }
    }

    /// A table's line. What is wider than its column moves the rest of its line.
    static func line(_ texts: [String], _ widths: [Int]) -> String {
        let cells = zip(texts, widths).map { TerminalWidth.padded($0, to: $1) }
        var text = cells.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text + "\n"
    }

    /// Control characters could steer the terminal.
    static func printable(_ text: String) -> String { PrintableText.line(text) }

    private func json(_ rows: [[Cell]]) -> String {
        "[" + rows.map { Self.object(columns, $0) }.joined(separator: ",\n ") + "]"
    }

    static func object(_ columns: [String], _ row: [Cell]) -> String {
        let members = zip(columns, row).compactMap { name, cell -> String? in
            if case .absent = cell { return nil }
            var writer = JSONWriter()
            switch cell {
            case .text(let text): writer.string(text)
            case .number(let number): writer.integer(number)
            case .bool(let value): writer.bool(value)
            case .absent: break
            }
            return "\"\(name)\":" + String(decoding: writer.bytes, as: UTF8.self)
        }
        return "{" + members.joined(separator: ",") + "}"
    }
}
