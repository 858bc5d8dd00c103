import LookupGrammar
import Testing

@Suite("A lookup's request line") struct LookupLineTests {
    private static func read(_ text: String) -> LookupLine? {
        Array(text.utf8).withUnsafeBytes { LookupLine($0) }
    }

    /// The name or host that a target holds.
    private static func name(_ target: String) -> (LookupLine, String)? {
        let text = "GET \(target) HTTP/1.1\r\n"
        return read(text).map { line in
            (line, String(decoding: Array(text.utf8)[line.name], as: UTF8.self))
        }
    }

    @Test(arguments: [
        ("/v1/domains/a.example.com", LookupLine.Subject.domain, "a.example.com", 404),
        ("/v1/domains/A-1.", .domain, "A-1.", 404),
        ("/v1/domains/batch.x", .domain, "batch.x", 404),
        ("/v1/route?host=a.b:80", .query, "a.b:80", 404),
        ("/v1/route?host=[::1]", .query, "[::1]", 404),
        ("/v1/route?host=", .query, "", 404),
        ("/v1/route?host=a_b&unknown=403", .query, "a_b", 403),
        ("/v1/route?unknown=200&host=a.b", .query, "a.b", 200),
        ("/v1/route?unknown=404&host=", .query, "", 404),
        ("/v1/route/forwarded", .forwarded, "", 404),
        ("/v1/route/forwarded?unknown=200", .forwarded, "", 404),
        ("/v1/route/forwarded?", .forwarded, "", 404),
        ("/v1/route/forwarded/200", .forwardedStatus, "", 200),
        ("/v1/route/forwarded/403", .forwardedStatus, "", 403),
        ("/v1/route/forwarded/404?unknown=x&/", .forwardedStatus, "", 404),
        ("/v1/route/authority", .authority, "", 404),
        ("/v1/route/authority/a//b?c&unknown=200", .authority, "", 404),
        ("/v1/route/authority?x", .authority, "", 404),
    ])
    func `is read in each of its spellings`(
        target: String, subject: LookupLine.Subject, name: String, unknown: Int
    ) throws {
        let (line, found) = try #require(Self.name(target))
        #expect(line.subject == subject && found == name && line.unknownStatus == unknown)
        #expect(line.length == target.utf8.count + 15 && !line.isHead)
        let head = try #require(Self.read("HEAD \(target) HTTP/1.1\r\nHost: h"))
        #expect(head.isHead && head.length == line.length + 1)
        #expect(
            head.name.lowerBound
                == (line.name.isEmpty && name.isEmpty && subject != .query
                    ? 0 : line.name.lowerBound + 1))
    }

    @Test(arguments: [
        "/v1/domains/", "/v1/domains/batch", "/v1/domains/a/b", "/v1/domains/a?x",
        "/v1/domains/%61",
        "/v1/domains/é", "/v1/domains/a_b", "/v1/domains", "/v1/domain/a", "/v1/route",
        "/v1/route?",
        "/v1/route?host", "/v1/route?Host=a", "/v1/route?host=a&host=b", "/v1/route?host=a&",
        "/v1/routes",
        "/v1/route?host=a&unknown=500", "/v1/route?host=a&unknown=4033", "/v1/route?unknown=403",
        "/v1/route?host=a+b", "/v1/route?host=a%2eb", "/v1/route?host=é",
        "/v1/route?host=a&min_revision=1",
        "/v1/route?unknown=403&host=a&unknown=200", "/v1/route/forwarded/", "/v1/route/forwardedx",
        "/v1/route/forwarded/500", "/v1/route/forwarded/2000", "/v1/route/forwarded/200/",
        "/v1/route/forwarded?é", "/v1/route/authorityx", "/v1/route/authority/é",
        "/v1/route/authority/a b", "http://h/v1/route?host=a", "//v1/route?host=a",
        "/V1/route?host=a",
    ])
    func `isn't read where the router has to think`(target: String) {
        #expect(Self.name(target) == nil)
    }

    @Test(arguments: [
        "POST /v1/route?host=a HTTP/1.1\r\n", "get /v1/route?host=a HTTP/1.1\r\n",
        " GET /v1/route?host=a HTTP/1.1\r\n", "\r\nGET /v1/route?host=a HTTP/1.1\r\n",
        "GET  /v1/route?host=a HTTP/1.1\r\n", "GET\t/v1/route?host=a HTTP/1.1\r\n",
        "GET /v1/route?host=a  HTTP/1.1\r\n", "GET /v1/route?host=a HTTP/1.0\r\n",
        "GET /v1/route?host=a HTTP/1.1 \r\n", "GET /v1/route?host=a HTTP/1.1\n",
        "GET /v1/route?host=a http/1.1\r\n", "GET /v1/route?host=a\r\n",
    ])
    func `isn't read in any other form`(text: String) {
        #expect(Self.read(text) == nil)
    }

    @Test func `isn't read before it is whole`() {
        for text in [
            "GET /v1/domains/a.b HTTP/1.1\r\n", "HEAD /v1/route?unknown=403&host=a HTTP/1.1\r\n",
            "GET /v1/route/authority/x HTTP/1.1\r\n",
        ] {
            for length in 0..<text.utf8.count {
                let line = Array(text.utf8.prefix(length)).withUnsafeBytes { LookupLine($0) }
                #expect(line == nil)
            }
        }
    }
}
