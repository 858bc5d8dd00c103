import Foundation
import Testing

@testable import TenantRegistry

@Suite("A list of names") struct NameListTests {
    private static func read(_ text: String) throws -> NameList {
        let folder = try TestFolder()
        let file = try folder.write(text, to: "names")
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        return try NameList(handle)
    }

    @Test func `has one a line, comments, and nothing lost of the numbering`() throws {
        let list = try Self.read(
            "\u{FEFF}# canaries\n\na.example.com\r\n  b.example.com \n#c.example.com\nd.example.com # x"
        )
        #expect(list.bad == [])
        #expect(list.names == ["a.example.com", "b.example.com", "d.example.com"])
        #expect(list.entries.map(\.line) == [3, 4, 6])
    }

    @Test func `may be CSV with a column fqdn`() throws {
        let list = try Self.read(
            "# export\ntenant, FQDN ,location\n\"A, Inc\",a.example.com,japan\n#x\nb,\"b.example.com\",\n"
        )
        #expect(list.bad == [])
        #expect(list.names == ["a.example.com", "b.example.com"])
        #expect(list.entries.map(\.line) == [3, 5])
        #expect(try Self.read("fqdn\na.example.com\n").names == ["a.example.com"])
    }

    @Test func `names bad lines with the rule that they break`() throws {
        let list = try Self.read("a_b.example.com\nexample\nok.example.com\nx.example.com,japan\n")
        #expect(list.names == ["ok.example.com"])
        #expect(list.bad.map(\.line) == [1, 2, 4])
        #expect(list.bad[0].description.hasPrefix("line 1: a_b.example.com: a label holds"))
        let table = try Self.read("fqdn,tenant\n\"a.example.com,x\n,y\nc.example.com,z\n")
        #expect(table.names == ["c.example.com"])
        #expect(table.bad.map(\.line) == [2, 3])
        #expect(try Self.read("tenant,fqdn\nonly\n").bad.map(\.line) == [2])
    }

    @Test func `takes names as people write them`() throws {
        let list = try Self.read("ACME.Example.COM.\nbücher.example.com\n")
        #expect(list.bad == [])
        #expect(list.names == ["ACME.Example.COM.", "bücher.example.com"])
    }

    @Test func `knows the line of a place in the request`() throws {
        let list = try Self.read("\na.example.com\n\nb.example.com\n")
        #expect(list.entry(at: "/select/fqdns/1")?.line == 4)
        for pointer in ["/select/fqdns/2", "/select/fqdns/-1", "/select/fqdns/x", "/name", ""] {
            #expect(list.entry(at: pointer) == nil)
        }
    }

    @Test func `may be empty`() throws {
        #expect(try Self.read("").entries.isEmpty)
        #expect(try Self.read("# nothing\n\n").entries.isEmpty)
    }
}
