import Foundation
import Testing

@testable import RegistryAPI

@Suite("A list of names that comes in pieces") struct NameListReaderTests {
    /// Names as they stand there, and `!` before what holds none.
    private static func read(
        _ list: String, _ format: NameListFormat, pieces size: Int = .max
    ) throws -> [String] {
        var reader = NameListReader(format)
        var found: [String] = []
        let take = { (entry: ListedName) in
            switch entry {
            case .name(let text): found.append(String(decoding: text, as: UTF8.self))
            case .unreadable(let text): found.append("!" + String(decoding: text, as: UTF8.self))
            }
        }
        var rest = Array(list.utf8)[...]
        while !rest.isEmpty {
            try rest.prefix(size).withUnsafeBytes { try reader.read($0, take) }
            rest = rest.dropFirst(size)
        }
        try reader.finish(take)
        return found
    }

    private static let lists: [(NameListFormat, String, [String])] = [
        (.text, "", []), (.text, "a.b", ["a.b"]), (.text, "\n\n a.b \r\n\tc.d", ["a.b", "c.d"]),
        (.text, "\u{FEFF}a.b\n\u{FEFF}c.d\n", ["a.b", "\u{FEFF}c.d"]),
        (.text, "# x\na.b # y\n#\n", ["a.b"]),
        (.csv, "fqdn\na.b\nc.d", ["a.b", "c.d"]),
        (.csv, "\u{FEFF} Tenant , FQDN ,\r\nx, a.b ,\r\n\r\n\"x,\ny\",c.d\r\n", ["a.b", "c.d"]),
        (.csv, "fqdn,tenant\n\"a.b\",\"say \"\"hi\"\"\"\nc.d\n", ["a.b", "c.d"]),
        (.csv, "fqdn,tenant\na.b,x,y\n,x\n\"\",x\n", ["!a.b,x,y", "!,x", "!\"\",x"]),
        // A quote that has no end is a mistake of its line alone.
        (.csv, "fqdn,t\na.b,\"x\nc.d,y\ne.f,z\n", ["!a.b,\"x", "c.d", "e.f"]),
        (.csv, "fqdn,t\na.b,\"x\nc.d,\"y\ne.f,z\n", ["!a.b,\"x", "!c.d,\"y", "e.f"]),
        (.csv, "fqdn,t\na.b,\"x\"y\nc.d,\n", ["!a.b,\"x\"y", "c.d"]),
        (.ndjson, "{\"fqdn\":\"a.b\"}\n{ \"x\":1, \"fqdn\" : \"c.d\" } \r\n", ["a.b", "c.d"]),
        (.ndjson, #"{"fqdn":"\u0061.b"}"#, ["a.b"]),
        (.ndjson, #"{"fqdn":"ä.b"}"#, ["ä.b"]),
        (.ndjson, "{\"fqdn\":\"a\\\"}\nnull\n", ["!{\"fqdn\":\"a\\\"}", "!null"]),
        (.ndjson, #"{"fqdn":"a.b","fqdn":"c.d"}"#, ["!" + #"{"fqdn":"a.b","fqdn":"c.d"}"#]),
        (.ndjson, #"{"fqdn":"a","x":"b"}"#, ["a"]), (.ndjson, #"{"fqdn":""}"#, [""]),
    ]

    @Test(arguments: lists.indices) func `is the same, wherever it's cut`(number: Int) throws {
        let (format, list, names) = Self.lists[number]
        for size in [Int.max, 1, 2, 3, 5, 7] {
            #expect(try Self.read(list, format, pieces: size) == names, "\(format), \(size)")
        }
    }

    @Test func `keeps no quote open for longer than a row can be`() throws {
        let rows = (0..<500).map { "n\($0).example.com,\"x" }
        // The quotes of two lines match, with text behind: each line is a mistake of its own.
        #expect(
            try Self.read("fqdn,t\n" + rows.joined(separator: "\n"), .csv)
                == rows.map { "!\($0)" })
        let names = (0..<500).map { "n\($0).example.com" }
        #expect(
            try Self.read("fqdn,t\nx,\"y\n" + names.joined(separator: "\n"), .csv)
                == ["!x,\"y"] + names)
    }

    @Test(arguments: NameListFormat.allCases) func `has lines of bounded length`(
        format: NameListFormat
    ) throws {
        let long = String(repeating: "x", count: NameListReader.longestLine + 1)
        for size in [Int.max, 1000] {
            #expect(throws: NameListFault.tooLongLine(2)) {
                try Self.read("fqdn\n\(long)\n", format, pieces: size)
            }
            #expect(throws: NameListFault.tooLongLine(2)) {
                try Self.read("fqdn\n\(long)", format, pieces: size)
            }
        }
    }

    @Test func `of a table begins with a line that names the columns, each once`() throws {
        for table in ["", "\nfqdn\n", "a.b\n", "fqdn,fqdn\n", "\"fqdn"] {
            #expect(throws: NameListFault.self) { try Self.read(table, .csv) }
        }
    }
}
