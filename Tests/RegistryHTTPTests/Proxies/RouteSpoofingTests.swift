import RegistryModel
import Testing

/// A visitor writes headers, path, query, method and body; only the one source may count.
@Suite("A visitor", .whateverTheStore, .timeLimit(.minutes(15))) struct RouteSpoofingTests {
    private static let mine = "mine.example.com"
    private static let theirs = "theirs.example.com"

    private static func both(_ registry: RunningRegistry) async throws {
        try await registry.register(mine, location: "japan")
        try await registry.register(theirs, location: "aws")
    }

    @Test func `can't choose the host of another endpoint's source`() async throws {
        try await withRegistry { registry in
            try await Self.both(registry)
            let forged = [
                ("X-Forwarded-Host", Self.theirs), ("X-Original-Host", Self.theirs),
                ("X-Host", Self.theirs), ("Forwarded", "host=\(Self.theirs)"),
                ("X-Original-URL", "/?host=\(Self.theirs)"), (":authority", Self.theirs),
            ].filter { $0.0 != ":authority" }
            let query = try await registry.raw(
                "GET", "/v1/route?host=\(Self.mine)", host: [Self.theirs], headers: forged)
            #expect(query.header("X-Tenant-Location") == "japan")
            let forwarded = try await registry.raw(
                "GET", "/v1/route/forwarded?host=\(Self.theirs)&domain=\(Self.theirs)",
                host: [Self.theirs],
                headers: [("X-Forwarded-Host", Self.mine)] + forged.dropFirst())
            #expect(forwarded.header("X-Tenant-Location") == "japan")
            let authority = try await registry.raw(
                "GET", "/v1/route/authority/?host=\(Self.theirs)", host: [Self.mine],
                headers: forged)
            #expect(authority.header("X-Tenant-Location") == "japan")
        }
    }

    @Test func `isn't known by another source where the right one is missing`() async throws {
        try await withRegistry { registry in
            try await Self.both(registry)
            let forwarded = [("X-Forwarded-Host", Self.theirs)]
            let answers = [
                try await registry.raw("GET", "/v1/route", host: [Self.theirs], headers: forwarded),
                try await registry.raw(
                    "GET", "/v1/route?domain=\(Self.theirs)", host: [Self.theirs],
                    headers: forwarded),
                try await registry.raw(
                    "GET", "/v1/route/forwarded?host=\(Self.theirs)", host: [Self.theirs]),
                try await registry.raw(
                    "GET", "/v1/route/authority?host=\(Self.theirs)", host: ["nobody.example.com"],
                    headers: forwarded),
                try await registry.raw(
                    "GET", "/v1/tls-ask?host=\(Self.theirs)", host: [Self.theirs],
                    headers: forwarded),
            ]
            for answer in answers { #expect(answer.isUnknown) }
        }
    }

    @Test(arguments: RouteEndpoint.allCases)
    func `can't change the answer with headers of its own request`(
        route: RouteEndpoint
    ) async throws {
        try await withRegistry { registry in
            try await Self.both(registry)
            let plain = try await route.ask(registry, Self.mine)
            let fields = [
                ("If-None-Match", "*"), ("If-Match", "\"0\""), ("If-Modified-Since", "x"),
                ("Accept", "text/html"), ("Content-Type", "text/plain"), ("Range", "bytes=0-0"),
                ("Accept-Encoding", "br"), ("Content-Encoding", "gzip"), ("Idempotency-Key", ""),
                ("Cookie", "a=b"), ("Upgrade", "websocket"), ("X-HTTP-Method-Override", "DELETE"),
                ("X-Tenant-Location", "aws"), ("X-Tenant-Mode", "reject"),
                ("If-None-Match", plain.header("X-Tenant-Revision").map { "\"\($0)\"" } ?? "*"),
                ("If-None-Match", "W/\"1\", *"), ("If-Range", "x"), ("Prefer", "wait=100"),
                ("Prefer", "respond-async, return=representation"), ("Cache-Control", "no-store"),
                ("Accept", "*/*;q=0"), ("Accept", "\"/ ,;"), ("Content-Type", "application/json"),
                ("Proxy-Authorization", "Bearer trk_a_b"), ("Traceparent", "x"),
                ("X-HTTP-Method", "POST"), ("X-Forwarded-Method", "POST"),
                ("X-Forwarded-Uri", "/v1/route?host=\(Self.theirs)"),
            ]
            for field in fields {
                let answer = try await Self.ask(route, registry, [field])
                #expect(answer.status == plain.status && answer.bytes.isEmpty, "\(field)")
                let name = "X-Tenant-Location"
                #expect(answer.header(name) == plain.header(name), "\(field)")
            }
            let body = try await Self.ask(
                route, registry, [], body: "unknown=1&host=\(Self.theirs)")
            #expect(body.status == plain.status && body.bytes.isEmpty)
            #expect(body.header("X-Tenant-Location") == plain.header("X-Tenant-Location"))
        }
    }

    private static func ask(
        _ route: RouteEndpoint, _ registry: RunningRegistry, _ headers: [(String, String)],
        body: String = "", as sender: Sender = .role(.reader)
    ) async throws -> Answer {
        switch route {
        case .query:
            try await registry.raw(
                "GET", "/v1/route?host=\(mine)", headers: headers, body: body, as: sender)
        case .forwarded, .forwardedStatus:
            try await registry.raw(
                "GET", route.forwardedPath, headers: headers + [("X-Forwarded-Host", mine)],
                body: body, as: sender)
        case .authority:
            try await registry.raw(
                "GET", "/v1/route/authority/", host: [mine], headers: headers, body: body,
                as: sender)
        case .certificate:
            try await registry.raw(
                "GET", "/v1/tls-ask?domain=\(mine)", headers: headers, body: body, as: sender)
        }
    }

    /// Where nobody needs a token, the visitor's own credentials at his application may come along.
    @Test(arguments: RouteEndpoint.allCases)
    func `isn't asked for his credentials where nobody needs any`(
        route: RouteEndpoint
    ) async throws {
        try await withRegistry(.with { $0.http.allowsAnonymousReads = true }) { registry in
            try await Self.both(registry)
            for credentials in [
                "Basic dTpw", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "Bearer",
                "Digest username=\"x\"",
                "trk_a_b", "AWS4-HMAC-SHA256 Credential=x", "", "Negotiate YII=",
            ] {
                let answer = try await Self.ask(
                    route, registry, [], as: .authorization(credentials))
                #expect(answer.status == 200 && answer.bytes.isEmpty, "\(credentials)")
            }
        }
    }

    /// Caddy's `forward_auth` sends the visitor's query with its own path.
    @Test(arguments: [
        "unknown=1", "unknown=200", "unknown=503", "unknown=", "unknown=403&unknown=x",
        "min_revision=999999999", "min_revision=x", "host=theirs.example.com",
        "domain=theirs.example.com", "%", "%zz=%ff", "&&=", "?", "/../..", "a=b+c;d#e",
    ])
    func `steers nothing by the query that a proxy hands on`(query: String) async throws {
        try await withRegistry { registry in
            try await Self.both(registry)
            for (path, unknown) in [
                ("/v1/route/forwarded", 404), ("/v1/route/forwarded/404", 404),
                ("/v1/route/forwarded/403", 403), ("/v1/route/forwarded/200", 200),
                ("/v1/route/authority", 404), ("/v1/route/authority/200", 404),
            ] {
                for (host, status, mode) in [
                    (Self.mine, 200, "serve"), ("nobody.example.com", unknown, "unknown"),
                ] {
                    let answer = try await registry.raw(
                        "GET", "\(path)?\(query)", host: [host],
                        headers: [("X-Forwarded-Host", host)])
                    #expect(answer.status == status && answer.bytes.isEmpty, "\(path) of \(host)")
                    #expect(answer.header("X-Tenant-Mode") == mode, "\(path) of \(host)")
                    let place = host == Self.mine ? "japan" : nil
                    #expect(answer.header("X-Tenant-Location") == place, "\(path) of \(host)")
                }
            }
        }
    }

    @Test(arguments: [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH",
        "QUERY",
        "REPORT", "MKCOL", "LOCK", "PURGE", "NOTIFY", "SOURCE", "HEAD", "COPY", "SEARCH",
    ])
    func `is routed by its authority with any method, path, query and body`(
        method: String
    ) async throws {
        try await withRegistry { registry in
            try await Self.both(registry)
            let targets = [
                "/v1/route/authority", "/v1/route/authority/", "/v1/route/authority/a/b/c.html",
                "/v1/route/authority/?unknown=200&min_revision=999999999",
                "/v1/route/authority/%ff/%2e%2e/%00?%", "/v1/route/authority//x//y",
                "/v1/route/authority/v1/domains/x?host=\(Self.theirs)&host=",
                "/v1/route/authority/ä",
            ]
            for target in targets {
                let body = method == "POST" || method == "PUT" ? "\u{0}not JSON at all" : ""
                let known = try await registry.raw(
                    method, target, host: ["\(Self.mine):443"], body: body)
                #expect(known.status == 200 && known.bytes.isEmpty, "\(target)")
                #expect(known.header("X-Tenant-Location") == "japan")
                let unknown = try await registry.raw(
                    method, target, host: ["nobody.example.com"], body: body)
                #expect(unknown.isUnknown, "\(target)")
            }
        }
    }

    @Test func `can't make the others take its method`() async throws {
        try await withRegistry { registry in
            for target in [
                "/v1/route?host=a.b", "/v1/route/forwarded", "/v1/route/forwarded/200",
                "/v1/tls-ask?domain=a.b",
            ] {
                let answer = try await registry.raw("POST", target)
                #expect(answer.isProblem(405, "method-not-allowed"))
            }
        }
    }

    @Test func `can't reach what stands behind the host in a query`() async throws {
        try await withRegistry(.with { $0.http.revisionWait = .milliseconds(1) }) { registry in
            try await Self.both(registry)
            // A proxy that writes the visitor's host unescaped at the end of its query.
            for tail in ["&unknown=200", "&min_revision=999999999", "&min_revision=x"] {
                let answer = try await registry.raw(
                    "GET", "/v1/route?unknown=403&host=nobody.example.com\(tail)")
                #expect(answer.status == 403 && answer.header("X-Tenant-Mode") == "unknown")
            }
        }
    }
}

@Suite("The status of an unknown host", .whateverTheStore, .timeLimit(.minutes(15)))
struct UnknownStatusTests {
    @Test func `is the first one in the query of a host`() async throws {
        try await withRegistry { registry in
            let cases = [
                ("", 404), ("unknown=404", 404), ("unknown=403", 403), ("unknown=200", 200),
                ("unknown=403&unknown=200", 403), ("unknown=200&unknown=x", 200),
                ("host=x&unknown=403", 403), ("other=1&unknown=403", 403),
            ]
            for (query, status) in cases {
                let answer = try await registry.raw("GET", "/v1/route?\(query)")
                #expect(answer.status == status && answer.bytes.isEmpty, "\(query)")
                #expect(answer.header("X-Tenant-Mode") == "unknown")
                #expect(answer.header("X-Tenant-Location") == nil)
                #expect(answer.header("Cache-Control") == nil)
            }
        }
    }

    @Test(arguments: ["", "500", "302", "20", "2000", "x", "%", "404%20", "+404", "0404"])
    func `is one of three, and any other is 400`(value: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let asked = try await registry.raw(
                "GET", "/v1/route?host=a.example.com&unknown=\(value)&unknown=404")
            #expect(asked.isProblem(400, "invalid-request"))
            #expect(asked.complaints == ["?unknown invalid"])
            guard !value.isEmpty else { return }
            let named = try await registry.raw(
                "GET", "/v1/route/forwarded/\(value)",
                headers: [("X-Forwarded-Host", "a.example.com")])
            #expect(named.isProblem(400, "invalid-request"))
            #expect(named.complaints == ["{status} invalid"])
        }
    }

    @Test func `doesn't touch a known host`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            for value in ["200", "403", "404"] {
                let answer = try await registry.raw(
                    "GET", "/v1/route?unknown=\(value)&host=a.example.com")
                #expect(answer.status == 200 && answer.header("X-Tenant-Mode") == "serve")
            }
        }
    }
}

@Suite("Asking for a certificate", .whateverTheStore, .timeLimit(.minutes(15)))
struct CertificateTests {
    @Test func `is 200 for a registered domain in any mode, and 404 for the rest`() async throws {
        let settings = RegistrySettings.with { $0.http.allowsAnonymousReads = true }
        try await withRegistry(settings) { registry in
            try await registry.register("a.example.com")
            for mode in ["serve", "read_only", "reject"] {
                try await registry.send(
                    .PATCH, "/v1/domains/a.example.com", json: #"{"mode":"\#(mode)"}"#)
                // Caddy sends no token.
                let answer = try await registry.get("/v1/tls-ask?domain=a.example.com", as: .nobody)
                #expect(answer.status == 200 && answer.bytes.isEmpty)
                #expect(answer.header("Content-Length") == "0")
            }
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            let gone = try await registry.get("/v1/tls-ask?domain=a.example.com", as: .nobody)
            #expect(gone.isUnknown)
            let other = try await registry.get("/v1/tls-ask?min_revision=999999&x=1", as: .nobody)
            #expect(other.isUnknown)
        }
    }
}
