import NIOCore
import NIOPosix
import RegistryHTTP
import RegistryModel
import Testing

@Suite("A response of the fast path", .whateverTheStore, .timeLimit(.minutes(15)))
struct FastPathResponseTests {
    /// Whether the router has seen a request: it gives its logger a number of its own.
    private static func wasRouted(_ id: String, _ registry: RunningRegistry) throws -> Bool {
        let line = try #require(registry.log.lines.last { $0.metadata["request_id"] == id })
        return line.metadata["hb.request.id"] != nil
    }

    @Test func `comes for plain lookups, and the router sees none of them`() async throws {
        try await withRegistry { registry in
            let tag = try #require(try await registry.register("a.example.com").header("ETag"))
            let requests: [(String, String, [(String, String)], Int)] = [
                ("GET", "/v1/domains/a.example.com", [], 200),
                ("HEAD", "/v1/domains/A.Example.COM.", [("Accept", "*/*")], 200),
                ("GET", "/v1/domains/a.example.com", [("If-None-Match", tag)], 304),
                ("GET", "/v1/route?host=a.example.com", [("Cookie", "é"), ("X", "")], 200),
                ("HEAD", "/v1/route?host=a.example.com:443&unknown=200", [], 200),
                ("GET", "/v1/route?unknown=403&host=b.example.com", [], 403),
                ("GET", "/v1/route?host=203.0.113.7", [("Accept", "text/html")], 404),
                ("GET", "/v1/route/forwarded", [("X-Forwarded-Host", "a.example.com")], 200),
                ("GET", "/v1/route/forwarded/200", [("X-Forwarded-Host", "_")], 200),
                ("HEAD", "/v1/route/forwarded/403?x", [("X-Forwarded-Host", "_")], 403),
                ("GET", "/v1/route/forwarded?unknown=1", [("X-Forwarded-Host", "_")], 404),
                ("GET", "/v1/route/authority/deep/er?host=a.example.com", [], 404),
                ("GET", "/v1/route?host=a.example.com", [("Content-Length", "0")], 200),
                ("HEAD", "/v1/route/authority", [("content-length", " 0")], 404),
            ]
            for (number, (method, target, headers, status)) in requests.enumerated() {
                let answer = try await registry.raw(
                    method, target, headers: headers + [("X-Request-ID", "r\(number)")])
                #expect(answer.status == status, "\(method) \(target)")
                #expect(try !Self.wasRouted("r\(number)", registry), "\(method) \(target)")
            }
        }
    }

    @Test func `is left to the router where there is anything to refuse or to wait for`()
        async throws
    {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let requests: [(String, [(String, String)], Sender, Int)] = [
                ("/v1/domains/b.example.com", [], .role(.reader), 404),
                ("/v1/domains/a.example.com", [], .nobody, 401),
                ("/v1/domains/a.example.com", [("Accept", "text/html")], .role(.reader), 406),
                ("/v1/domains/a..example.com", [], .role(.reader), 400),
                ("/v1/route?host=a.example.com&min_revision=1", [], .role(.reader), 200),
                ("/v1/route?host=a.example.com&unknown=500", [], .role(.reader), 400),
                ("/v1/route?host=%61.example.com", [], .role(.reader), 200),
                ("/v1/route?host=a.example.com", [("Content-Length", "00")], .role(.reader), 200),
            ]
            for (number, (target, headers, sender, status)) in requests.enumerated() {
                let answer = try await registry.raw(
                    "GET", target, headers: headers + [("X-Request-ID", "r\(number)")], as: sender)
                #expect(answer.status == status, "\(target)")
                #expect(try Self.wasRouted("r\(number)", registry), "\(target)")
            }
        }
    }

    private static func get(_ target: String, _ registry: RunningRegistry, id: String = "x")
        -> String
    {
        "GET \(target) HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(registry.token(.reader))\r\n"
            + "X-Request-ID: \(id)\r\n\r\n"
    }

    @Test func `never overtakes an answer that takes longer`() async throws {
        let settings = RegistrySettings.with { $0.http.revisionWait = .milliseconds(300) }
        try await withOneLoop(settings) { registry in
            let slow = Self.get("/v1/stats?min_revision=1000000", registry, id: "slow")
            let quick = Self.get("/v1/route?host=a.example.com", registry, id: "quick")
            for parts in [[quick + slow + quick + quick], [quick, slow, quick, quick]] {
                try await registry.connected { connection in
                    for part in parts {
                        try await connection.send(part)
                        try await settle(registry.port)
                    }
                    for id in ["quick", "slow", "quick", "quick"] {
                        let answer = try await connection.answer()
                        #expect(answer.header("X-Request-ID") == id)
                        #expect(answer.status == (id == "slow" ? 504 : 404))
                    }
                }
            }
        }
    }

    @Test func `comes again on a connection that has sent something else`() async throws {
        try await withRegistry { registry in
            let token = registry.token(.reader)
            let body = #"{"fqdns":["a.example.com"]}"#
            let post =
                "POST /v1/lookup HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(token)\r\n"
                + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            try await registry.connected { connection in
                let lookup = { Self.get("/v1/route?host=a.example.com", registry, id: $0) }
                for text in [
                    post, lookup("r0"), lookup("r1"), Self.get("/livez", registry), lookup("r2"),
                ] {
                    try await connection.send(text)
                    #expect(try await connection.answer().status != 400)
                }
            }
            #expect(try Self.wasRouted("r0", registry))
            #expect(try !Self.wasRouted("r1", registry))
            #expect(try !Self.wasRouted("r2", registry))
        }
    }

    @Test func `ends with the token, on the connection that had it too`() async throws {
        try await withRegistry { registry in
            let expiry = registry.clock.now.adding(.seconds(10))
            for body in [
                #"{"name":"a","role":"reader"}"#,
                #"{"name":"b","role":"reader","expires_at":"\#(expiry)"}"#,
            ] {
                let made = try await registry.post("/v1/tokens", body)
                let token = try #require(made["token"]?.text)
                let get =
                    "GET /v1/route?host=a.b HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(token)\r\n\r\n"
                try await registry.connected { connection in
                    for _ in 0..<3 {
                        try await connection.send(get)
                        #expect(try await connection.answer().status == 404)
                    }
                    if body.contains("expires_at") {
                        registry.clock.advance(by: .seconds(10))
                    } else {
                        try await registry.send(.DELETE, "/v1/tokens/\(made["id"]?.text ?? "")")
                    }
                    try await connection.send(get)
                    #expect(try await connection.answer().isProblem(401, "unauthenticated"))
                }
            }
        }
    }

    /// The token is good, then it isn't, then it is again: nothing of that is remembered.
    @Test func `looks at the token of each request`() async throws {
        try await withRegistry { registry in
            let token = registry.token(.reader)
            let other = String(token.dropLast()) + (token.hasSuffix("0") ? "1" : "0")
            try await registry.connected { connection in
                for text in [token, token, other, token, other, other, token] {
                    try await connection.send(
                        "GET /v1/route?host=a.b HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(text)\r\n\r\n"
                    )
                    #expect(try await connection.answer().status == (text == token ? 404 : 401))
                }
            }
        }
    }

    @Test func `counts as a use of its token`() async throws {
        try await withRegistry { registry in
            let made = try await registry.post("/v1/tokens", #"{"name":"n","role":"reader"}"#)
            let token = try #require(made["token"]?.text)
            registry.clock.advance(by: .seconds(5))
            let answer = try await registry.raw(
                "GET", "/v1/route?host=a.b", as: .authorization("Bearer \(token)"))
            #expect(answer.status == 404)
            let list = try await registry.get("/v1/tokens")
            let item = list.items.first { $0["id"]?.text == made["id"]?.text }
            #expect(item?["last_used_at"]?.text == registry.clock.now.description)
        }
    }

    @Test func `shows a change as soon as the change is acknowledged`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            try await registry.connected { connection in
                for location in ["aws", "japan", "aws"] {
                    let changed = try await registry.send(
                        .PATCH, "/v1/domains/a.example.com", json: #"{"location":"\#(location)"}"#)
                    try await connection.send(Self.get("/v1/route?host=a.example.com", registry))
                    let answer = try await connection.answer()
                    #expect(answer.header("X-Tenant-Location") == location)
                    #expect(answer.revision == changed.revision)
                }
            }
        }
    }

    @Test func `closes the connection where the client or the stop asks for it`() async throws {
        try await withRegistry { registry in
            let get = Self.get("/v1/route?host=a.b", registry)
            let closing = get.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n")
            try await registry.connected { connection in
                try await connection.send(get + closing)
                #expect(try await connection.answer().header("Connection") == nil)
                #expect(try await connection.answer().header("Connection") == "close")
                #expect(try await connection.rest().isEmpty)
            }
            registry.drain.raise()
            try await registry.connected { connection in
                try await connection.send(get)
                #expect(try await connection.answer().header("Connection") == "close")
                #expect(try await connection.rest().isEmpty)
            }
        }
    }
}
