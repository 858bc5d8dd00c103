import RegistryAPI
import RegistryModel

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

    mutating func add(_ cells: [Cell]) {
        switch format {
        case .csv: write(CSV.line(cells.map(\.plain)))
        case .spreadsheet: write(CSV.line(cells.map { SpreadsheetText.inert($0.plain) }))
        case .ndjson: write(Listing.object(columns, cells) + "\n")
        case .json:
            write((isFirst ? "[" : ",\n ") + Listing.object(columns, cells))
            isFirst = false
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
    /// - Parameter limit: rows at most; nil: all.
    static func print<Item: Shape>(
        _ format: OutputFormat, limit: Int? = nil,
        pages: (_ limit: Int, _ cursor: String?) async throws -> ListPage<Item>
    ) async throws {
        var listing = PagedListing(Item.tableColumns.map(\.name), format)
        var rest = limit ?? .max
        var cursor: String?
        repeat {
            let page = try await pages(min(rest, 1000), cursor)
            for item in page.items { listing.add(Listing.cells(item, Item.tableColumns)) }
            listing.endPage()
            rest -= page.items.count
            cursor = page.nextCursor
        } while cursor != nil && rest > 0
        listing.finish()
    }
}
