import RegistryAPI
import Testing

/// What stands in lists, right and wrong. `NameListReaderTests` has the rest.
@Suite("A list that is compared", .whateverTheStore, .timeLimit(.minutes(15))) struct DriftListTests
{
    private static func findings(
        _ list: String, as type: String = "text/plain"
    ) async throws -> [String] {
        var findings: [String] = []
        try await withRegistry { registry in
            try await registry.register("a.example.com", location: "aws")
            let found = try await registry.compare(list, as: type)
            try #require(found.summary?.counts.total == found.entries.count)
            findings = found.findings
        }
        return findings
    }

    @Test func `may have a mark, comments and blanks`() async throws {
        let list = "\u{FEFF}# names\r\n\r\n\ta.example.com # the only one\r\n   \r\n"
        #expect(try await Self.findings(list) == [])
    }

    @Test func `may be any export`() async throws {
        try await withRegistry { registry in
            for name in ["a.example.com", "b.example.com"] {
                try await registry.register(name, location: "aws", tenant: "A, Inc")
            }
            try await registry.register("j.example.com")
            let csv = try await registry.get("/v1/export/csv")
            let sheet = try await registry.get("/v1/export/csv?for=spreadsheet")
            for export in [csv, sheet] {
                let found = try await registry.compare(bytes: export.bytes, as: "text/csv")
                #expect(found.findings == ["elsewhere j.example.com japan"])
            }
            let snapshot = try await registry.get("/v1/snapshot")
            let lines = snapshot.bytes.split(separator: 0x0A).dropFirst().joined(separator: [0x0A])
            let found = try await registry.compare(bytes: Array(lines), as: "application/x-ndjson")
            #expect(found.findings == ["elsewhere j.example.com japan"])
        }
    }

    @Test func `shows what is no name as it stands there`() async throws {
        let long = String(repeating: "ä", count: 300)
        let list = "a.example.com\n\"a\u{1B}\\\n\(long)\nб г\n"
        #expect(
            try await Self.findings(list) == [
                "invalid \"a\u{1B}\\", "invalid \(String(repeating: "ä", count: 253))…",
                "invalid б г",
            ])
    }

    @Test func `may hold bytes that are no UTF-8`() async throws {
        try await withRegistry { registry in
            let bytes = Array("a".utf8) + [0xFF, 0xC3, 0x0A, 0x00, 0x0A]
            let found = try await registry.compare(bytes: bytes)
            #expect(found.findings == ["invalid a\u{FFFD}\u{FFFD}", "invalid \u{0}"])
        }
    }

    @Test func `has findings for rows that hold no name`() async throws {
        let table = "tenant,fqdn\nx,a.example.com\nx\nx,\n1,2,3\n\"x\"y,b.example.com\n"
        #expect(
            try await Self.findings(table, as: "text/csv") == [
                "invalid x", "invalid x,", "invalid 1,2,3", "invalid \"x\"y,b.example.com",
            ])
        let objects = ##"{"fqdn":"a.example.com","x":[]}"## + "\n{}\n[1]\n{\"fqdn\":1}\n{\n"
        #expect(
            try await Self.findings(objects, as: "application/x-ndjson") == [
                "invalid {}", "invalid [1]", "invalid {\"fqdn\":1}", "invalid {",
            ])
    }

    @Test(arguments: ["", "\n", "name,location\n", "fqdn,FQDN\n", "\"fqdn\n", "a.example.com\n"])
    func `is none where a table doesn't name its column`(table: String) async throws {
        try await withRegistry { registry in
            let found = try await registry.compare(table, as: "text/csv")
            #expect(found.answer.isProblem(400, "invalid-list"))
            #expect(found.answer["detail"]?.text?.contains("fqdn among them") == true)
        }
    }

    @Test(arguments: ["text/plain", "text/csv", "application/x-ndjson"])
    func `is none where a line is too long`(type: String) async throws {
        try await withRegistry { registry in
            let line = String(repeating: "x", count: 65_537)
            for list in ["fqdn\na.example.com\n\(line)\n", "fqdn\nx\n\(line)"] {
                let found = try await registry.compare(list, as: type)
                #expect(found.answer.isProblem(400, "invalid-list"))
                #expect(found.answer["detail"]?.text == "line 3 is longer than 65536 bytes")
            }
            let longest = String(repeating: "x", count: 65_536)
            let found = try await registry.compare("fqdn\n\(longest)\n", as: type)
            #expect(found.answer.status == 200)
        }
    }
}
