import RegistryAPI
import Testing

@testable import TenantRegistry

@Suite("A list that comes in pages") struct PagedListingTests {
    private final class Written {
        var text = ""
    }

    private static func row(_ number: Int) -> [Cell] {
        [.text("t\(number)"), number.isMultiple(of: 2) ? .absent : .number(Int64(number))]
    }

    @Test(arguments: OutputFormat.allCases)
    func `is written page by page, and holds one at most`(format: OutputFormat) {
        let written = Written()
        var listing = PagedListing(["name", "number"], format) { written.text += $0 }
        for page in 0..<5 {
            for row in 0..<1000 { listing.add(Self.row(page * 1000 + row)) }
            #expect(listing.held <= (page == 0 ? 1001 : 0))
            listing.endPage()
            #expect(listing.held == 0)
            #expect(written.text.utf8.count > page * 1000 * 6)
        }
        listing.finish()
        let lines = written.text.utf8.count { $0 == UInt8(ascii: "\n") }
        #expect(lines == 5000 + (format == .csv || format == .table ? 1 : 0))
    }

    @Test func `has columns as wide as the first page, and is one array of JSON`() throws {
        let table = Written()
        var listing = PagedListing(["name", "number"], .table) { table.text += $0 }
        listing.add([.text("abcdef"), .number(1)])
        listing.endPage()
        listing.add([.text("longer than before"), .number(2)])
        listing.finish()
        #expect(table.text == "NAME    NUMBER\nabcdef  1\nlonger than before  2\n")

        for count in [0, 1, 3] {
            let json = Written()
            var listing = PagedListing(["name", "number"], .json) { json.text += $0 }
            for number in 0..<count {
                listing.add(Self.row(number))
                listing.endPage()
            }
            listing.finish()
            guard case .array(let items) = try JSONValue(parsing: Array(json.text.utf8)) else {
                Issue.record("\(json.text)")
                continue
            }
            #expect(items.count == count)
        }
    }
}
