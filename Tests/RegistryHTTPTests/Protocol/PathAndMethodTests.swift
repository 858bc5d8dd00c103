import NIOHTTP1
import Testing

@Suite("Paths and methods", .whateverTheStore, .timeLimit(.minutes(15))) struct PathAndMethodTests {
    @Test(arguments: [
        "/", "/v1", "/v2/domains", "/v1/domain", "/v1/domains/a.example.com/x",
        "/v1/domains/a.example.com/history/x", "/livez/x", "/v1/route/other", "/favicon.ico",
        "/v1/tokens/a/b", "/V1/stats", "/v1/stats%2F", "/.well-known/security.txt", "/v1/..",
        "/v1/nothing",
    ])
    func `that nobody has declared are 404, with and without a token`(path: String) async throws {
        try await withRegistry { registry in
            for sender in [Sender.role(.admin), .nobody] {
                for method in [HTTPMethod.GET, .POST, .DELETE, .PUT] {
                    let answer = try await registry.send(method, path, as: sender)
                    #expect(answer.isProblem(404, "not-found"))
                    #expect(answer["instance"]?.text == path)
                }
            }
        }
    }

    @Test func `answer 405 with Allow wherever a path hasn't the method`() async throws {
        try await withRegistry { registry in
            let operations = registry.server.operations
            let methods = Set(operations.map(\.method)).subtracting(["CONNECT", "MSEARCH"])
            for path in Set(operations.map(\.path)) {
                let here = Set(operations.filter { $0.path == path }.map(\.method))
                let target = path.replacing("{fqdn}", with: "a.example.com")
                    .replacing("{name}", with: "aws").replacing("{id}", with: "x")
                    .replacing("{path}", with: "x")
                for method in methods.subtracting(here) {
                    let answer = try await registry.send(HTTPMethod(rawValue: method), target)
                    #expect(answer.status == 405, "\(method) \(path)")
                    let allowed = answer.header("Allow")?.split(separator: ", ").map(String.init)
                    #expect(Set(allowed ?? []) == here, "\(method) \(path)")
                    if method != "HEAD" { #expect(answer.code == "method-not-allowed") }
                }
            }
        }
    }

    /// Every method that the HTTP parser knows.
    @Test(arguments: [
        "ACL", "BIND", "CHECKOUT", "COPY", "LINK", "LOCK", "M-SEARCH", "MERGE", "MKACTIVITY",
        "MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "OPTIONS", "PROPFIND", "PROPPATCH", "PURGE",
        "QUERY", "REBIND", "REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "TRACE", "UNBIND", "UNLINK",
        "UNLOCK", "UNSUBSCRIBE",
    ])
    func `answer 405 to methods that this API has no use for`(method: String) async throws {
        try await withRegistry { registry in
            for path in ["/v1/domains", "/v1/domains/a.example.com", "/livez"] {
                let answer = try await registry.raw(method, path)
                #expect(answer.isProblem(405, "method-not-allowed"))
            }
        }
    }

    @Test func `answer HEAD like GET, without the body`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let paths = [
                "/v1/domains/a.example.com", "/v1/domains", "/v1/stats", "/v1/locations",
                "/v1/history", "/v1/tokens", "/v1/route?host=a.example.com", "/livez", "/readyz",
                "/metrics", "/openapi.yaml", "/v1/domains/nobody.example.com",
                "/v1/domains/a.example.com/history", "/v1/domains/a.example.com/availability",
            ]
            for path in paths {
                let id = [("X-Request-ID", "same")]
                let get = try await registry.get(path, headers: id)
                let head = try await registry.raw("HEAD", path, headers: id, as: .role(.admin))
                #expect(head.status == get.status, "\(path)")
                for name in ["Content-Length", "Content-Type", "ETag", "X-Registry-Revision"] {
                    #expect(head.header(name) == get.header(name), "\(path) \(name)")
                }
            }
        }
    }

    @Test func `decode what the path escapes, once`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let escaped = try await registry.get("/v1/domains/%61%2Eexample.com")
            #expect(escaped["fqdn"]?.text == "a.example.com")
            for name in ["%2561.example.com", "a%2Fb.example.com", "%FF.example.com", "a%20b.com"] {
                let answer = try await registry.raw("GET", "/v1/domains/\(name)")
                #expect(answer.isProblem(400, "invalid-fqdn"))
            }
        }
    }

    @Test func `refuse parameters that they don't know, and repeated ones`() async throws {
        try await withRegistry { registry in
            let targets = [
                "/v1/domains", "/v1/stats", "/v1/locations", "/v1/history", "/v1/tokens",
                "/v1/domains/a.example.com", "/v1/domains/a.example.com/history",
                "/v1/domains/a.example.com/availability",
            ]
            for target in targets {
                let unknown = try await registry.get("\(target)?colour=red")
                #expect(unknown.isProblem(400, "invalid-request"))
                #expect(unknown.complaints == ["?colour unknown-parameter"])
                let repeated = try await registry.get("\(target)?min_revision=1&min_revision=1")
                #expect(repeated.complaints == ["?min_revision repeated"])
            }
            let post = try await registry.post("/v1/domains?dry_run=true", "{}")
            #expect(post.complaints == ["?dry_run unknown-parameter"])
            let delete = try await registry.send(.DELETE, "/v1/domains/a.example.com?force=1")
            #expect(delete.complaints == ["?force unknown-parameter"])
            let garbage = try await registry.raw("GET", "/v1/domains?tenant=%FF")
            #expect(garbage.complaints == ["?tenant invalid"])
        }
    }
}
