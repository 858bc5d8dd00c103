import Foundation
import RegistryAPI
import RegistryModel

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
            guard !cell.isAbsent else { return nil }
            var writer = JSONWriter()
            writer.write(cell)
            return "\"\(name)\":" + String(decoding: writer.bytes, as: UTF8.self)
        }
        return "{" + members.joined(separator: ",") + "}"
    }
}

/// Rows of an answer that comes in pages, written as they come: a list may be longer than memory.
///
/// A table's columns are as wide as the first page needs them.
struct PagedListing {
    private let columns: [String]
    private let format: OutputFormat
    private let write: (String) -> Void
    /// Of a table, as soon as they're known.
    private var widths: [Int]?
    /// Those of the first page of a table.
    private var waiting: [[String]] = []
    private var isFirst = true

    init(
        _ columns: [String], _ format: OutputFormat,
        write: @escaping (String) -> Void = { StandardOutput.write($0) }
    ) {
        self.columns = columns
        self.format = format
        self.write = write
        switch format {
        case .csv: write(CSV.line(columns))
        case .spreadsheet:
            write(String(decoding: SpreadsheetText.byteOrderMark, as: UTF8.self))
            write(CSV.line(columns))
        case .table: waiting = [columns.map { $0.uppercased() }]
        case .json, .ndjson: break
        }
    }

    /// Rows that wait to be written.
    var held: Int { waiting.count }

    /// An item of a list: as JSON the object that the service answers with, with all that doesn't fit into a column.
    mutating func add<Item: Shape>(_ item: Item) {
        switch format {
        case .json, .ndjson:
            var writer = JSONWriter()
            item.write(to: &writer)
            add(object: String(decoding: writer.bytes, as: UTF8.self))
        case .table, .csv, .spreadsheet: add(Listing.cells(item, Item.tableColumns))
        }
    }

    private mutating func add(object: String) {
        guard format == .json else { return write(object + "\n") }
        write((isFirst ? "[" : ",\n ") + object)
        isFirst = false
    }

    mutating func add(_ cells: [Cell]) {
        switch format {
        case .csv: write(CSV.line(cells.map(\.plain)))
        case .spreadsheet: write(CSV.line(cells.map { SpreadsheetText.inert($0.plain) }))
        case .json, .ndjson: add(object: Listing.object(columns, cells))
        case .table:
            let texts = cells.map { Listing.printable($0.plain) }
            if let widths { write(Listing.line(texts, widths)) } else { waiting.append(texts) }
        }
    }

    /// A page is over.
    mutating func endPage() {
        guard format == .table, widths == nil else { return }
        let widths = columns.indices.map { column in
            waiting.map { TerminalWidth.of($0[column]) }.max() ?? 0
        }
        self.widths = widths
        for texts in waiting { write(Listing.line(texts, widths)) }
        waiting = []
    }

    mutating func finish() {
        endPage()
        if format == .json { write(isFirst ? "[]\n" : "]\n") }
    }
}

extension PagedListing {
    /// Asks for page after page, and writes each before it asks for the next.
    ///
    /// - Parameter limit: rows at most, as `--limit` says; nil: all.
    static func print<Item: Shape>(
        _ format: OutputFormat, limit: Int? = nil,
        pages: (_ limit: Int, _ cursor: String?) async throws -> ListPage<Item>
    ) async throws {
        guard limit.map({ $0 > 0 }) ?? true else {
            throw CommandFailure.usage("--limit: a number above 0 is expected")
        }
        var listing = PagedListing(Item.tableColumns.map(\.name), format)
        var rest = limit ?? .max
        var cursor: String?
        repeat {
            let page = try await pages(min(rest, 1000), cursor)
            for item in page.items { listing.add(item) }
            listing.endPage()
            rest -= page.items.count
            cursor = page.nextCursor
        } while cursor != nil && rest > 0
        listing.finish()
    }
}
