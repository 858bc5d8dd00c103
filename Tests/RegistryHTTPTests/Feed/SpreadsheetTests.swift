import RegistryModel
import Testing

@Suite("CSV for a spreadsheet", .timeLimit(.minutes(15))) struct SpreadsheetTests {
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    @Test func `of all domains holds no formula`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", tenant: "=cmd|'/C calc'!A0")
            try await registry.register("b.example.com", tenant: "plain")
            let plain = try await registry.get("/v1/export/csv")
            let safe = try await registry.get("/v1/export/csv?for=spreadsheet")
            #expect(plain.text.contains(",=cmd|'/C calc'!A0,serve,"))
            #expect(Array(safe.bytes.prefix(3)) == Self.mark)
            #expect(safe.text.contains(",'=cmd|'/C calc'!A0,serve,"))
            #expect(safe.text.contains("b.example.com,japan,plain,serve,"))
            #expect(safe.header("ETag") != plain.header("ETag"))
            let same = try await registry.get(
                "/v1/export/csv?for=spreadsheet",
                headers: [("If-None-Match", safe.header("ETag") ?? "")])
            #expect(same.status == 304)
        }
    }

    @Test func `of history holds none either`() async throws {
        try await withRegistry { registry in
            try await registry.post(
                "/v1/domains",
                #"{"fqdn":"a.example.com","tenant":"+t","reason":"@r","ticket":"-1"}"#)
            let csv = [("Accept", "text/csv")]
            let plain = try await registry.get("/v1/history", headers: csv)
            let safe = try await registry.get("/v1/history?for=spreadsheet", headers: csv)
            #expect(plain.text.contains(",+t,") && plain.text.contains(",@r,-1,"))
            #expect(Array(safe.bytes.prefix(3)) == Self.mark)
            #expect(safe.text.contains(",'+t,") && safe.text.contains(",'@r,'-1,"))
        }
    }

    @Test(arguments: [
        "/v1/export/nginx-map?for=spreadsheet", "/v1/export/traefik?for=spreadsheet",
        "/v1/history?for=spreadsheet", "/v1/export/csv?for=people",
    ])
    func `is CSV alone`(target: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get(target)
            #expect(answer.isProblem(400, "invalid-request"))
        }
    }
}
