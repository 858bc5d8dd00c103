import NIOHTTP1
import RegistryModel
import Testing

/// The endpoints for proxies and the one for certificates, each with its one source of the
/// host.
enum RouteEndpoint: String, CaseIterable, Sendable {
    case query, forwarded, forwardedStatus, authority, certificate

    func ask(
        _ registry: RunningRegistry, _ host: String, method: String = "GET",
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        switch self {
        case .query:
            try await registry.raw(method, "/v1/route?host=\(host)", at: place)
        case .forwarded, .forwardedStatus:
            try await registry.raw(
                method, forwardedPath, headers: [("X-Forwarded-Host", host)], at: place)
        case .authority:
            try await registry.raw(method, "/v1/route/authority/x/y", host: [host], at: place)
        case .certificate:
            try await registry.raw(method, "/v1/tls-ask?domain=\(host)", at: place)
        }
    }

    static let routes: [RouteEndpoint] = [.query, .forwarded, .forwardedStatus, .authority]

    /// Of those that read `X-Forwarded-Host`.
    var forwardedPath: String {
        self == .forwardedStatus ? "/v1/route/forwarded/404" : "/v1/route/forwarded"
    }
}

extension Answer {
    /// What a proxy may learn of an unknown host: nothing.
    var isUnknown: Bool {
        status == 404 && bytes.isEmpty && header("Content-Length") == "0"
            && ["X-Tenant-Location", "X-Tenant-Upstream", "X-Tenant-Revision", "Cache-Control"]
                .allSatisfy { header($0) == nil }
    }
}

@Suite("A route", .whateverTheStore, .timeLimit(.minutes(15))) struct RouteTests {
    @Test(arguments: RouteEndpoint.routes)
    func `says where a known host lives, with an empty body`(route: RouteEndpoint) async throws {
        try await withRegistry { registry in
            let made = try await registry.register("acme.example.com", location: "aws")
            try await registry.send(
                .PUT, "/v1/locations/aws",
                json:
                    #"{"upstream":"https://up.example:8443","accepts_signups":true,"default_for_signups":false}"#
            )
            for method in ["GET", "HEAD"] {
                let answer = try await route.ask(registry, "acme.example.com", method: method)
                #expect(answer.status == 200 && answer.bytes.isEmpty)
                #expect(answer.header("Content-Length") == "0")
                #expect(answer.header("X-Tenant-Location") == "aws")
                #expect(answer.header("X-Tenant-Mode") == "serve")
                #expect(answer.header("X-Tenant-Upstream") == "https://up.example:8443")
                #expect(answer.header("X-Tenant-Revision") == made.header("X-Registry-Revision"))
                let cache = answer.header("Cache-Control") ?? ""
                for directive in ["max-age=", "stale-while-revalidate=", "stale-if-error="] {
                    #expect(cache.contains(directive))
                }
                #expect(answer.header("Retry-After") == nil)
                #expect(answer.header("ETag") == nil)
            }
        }
    }

    @Test(arguments: RouteEndpoint.routes)
    func `carries Retry-After in a mode other than serve`(route: RouteEndpoint) async throws {
        let settings = RegistrySettings.with {
            $0.http.retryAfterSeconds = 77
            $0.http.routeCacheControl = "no-store"
        }
        try await withRegistry(settings) { registry in
            try await registry.register("acme.example.com")
            for mode in ["read_only", "reject"] {
                try await registry.send(
                    .PATCH, "/v1/domains/acme.example.com", json: #"{"mode":"\#(mode)"}"#)
                let answer = try await route.ask(registry, "acme.example.com")
                #expect(answer.status == 200)
                #expect(answer.header("X-Tenant-Mode") == mode)
                #expect(answer.header("Retry-After") == "77")
                #expect(answer.header("Cache-Control") == "no-store")
            }
        }
    }

    @Test(arguments: RouteEndpoint.allCases)
    func `strips a port, a trailing dot and capitals`(route: RouteEndpoint) async throws {
        try await withRegistry { registry in
            try await registry.register("acme.example.com")
            for host in [
                "acme.example.com:443", "acme.example.com:", "ACME.example.com:65536",
                "acme.example.com.", "acme.example.com.:80",
            ] {
                let answer = try await route.ask(registry, host)
                #expect(answer.status == 200, "\(host)")
            }
        }
    }

    /// Hosts that no tenant can have, in every way in which a proxy may pass them on.
    @Test(arguments: RouteEndpoint.allCases)
    func `takes every strange host for unknown, never for an error`(
        route: RouteEndpoint
    ) async throws {
        try await withRegistry { registry in
            try await registry.register("acme.example.com")
            var hosts = [
                "", "nobody.example.com", "com", "localhost", ".", "..", "acme..example.com",
                ".acme.example.com", "-acme.example.com", "acme_x.example.com", "*.example.com",
                "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:80", "[acme.example.com]", "::1",
                "acme.example.com:80:80", "acme.example.com:http", "acme.example.com:-1",
                "acme.example.com,b.example.com", "acme.example.com,", "acme.example.com;x",
                "acme.example.com/", "acme.example.com/path", "http://acme.example.com",
                "user@acme.example.com", "acme.example.com?x", "\"acme.example.com\"", "'", "\"",
                "<script>", "acme.example.com\\", "$(id)", "${x}", "`id`", "a|b", "{}", "^", "~",
                "../../etc/passwd", "xn--", "xn--a.example.com", "xn--zzzz99999.example.com",
                "äcme.example.com", "acme.example。com", "ａcme.example.com", "日本語", "💥.com",
                "acme\u{200D}.example.com", "acme.example.com\u{FEFF}", "ß.example.com",
                "acme.example.com..", String(repeating: "a", count: 300) + ".com",
                String(repeating: "a.", count: 200) + "com", String(repeating: "a", count: 8000),
                String(repeating: "ä", count: 500) + ".com", String(repeating: ".", count: 2000),
            ]
            switch route {
            case .query, .certificate:
                hosts += [
                    "%", "%2", "%zz.example.com", "%FF", "%C3", "%C3%28", "%00",
                    "acme.example.com%00",
                    "%20acme.example.com", "acme.example.com%20", "acme+example.com", "+", "%0d%0a",
                    "acme%2Fexample.com", "acme.example.com%0a", "%ED%A0%80", "%C3%A9%00.com",
                    "%25",
                    "acme.example.com&host=acme.example.com&domain=acme.example.com", "=", "=a=b",
                ]
                hosts.removeAll { $0.contains("#") }
            case .forwarded, .forwardedStatus, .authority:
                hosts += [
                    "acme example.com", "acme.example.com b.example.com", "a\tb",
                    "%61cme.example.com",
                ]
            }
            for host in hosts {
                let answer = try await route.ask(registry, host)
                #expect(answer.isUnknown, "\(host.debugDescription)")
                #expect(answer.header("X-Tenant-Mode") == (route == .certificate ? nil : "unknown"))
            }
        }
    }

    @Test(arguments: RouteEndpoint.allCases)
    func `knows a host outside ASCII by its canonical name`(route: RouteEndpoint) async throws {
        try await withRegistry { registry in
            try await registry.register("münchen.example.com")
            for host in ["münchen.example.com", "xn--mnchen-3ya.example.com:443"] {
                #expect(try await route.ask(registry, host).status == 200, "\(host)")
            }
        }
    }

    @Test(arguments: RouteEndpoint.allCases)
    func `of a missing or repeated host is unknown`(route: RouteEndpoint) async throws {
        try await withRegistry { registry in
            let good = "acme.example.com"
            try await registry.register(good)
            let answers: [Answer] =
                switch route {
                case .query:
                    [
                        try await registry.raw("GET", "/v1/route"),
                        try await registry.raw("GET", "/v1/route?host"),
                        try await registry.raw("GET", "/v1/route?host=\(good)&host=\(good)"),
                        try await registry.raw("GET", "/v1/route?host=\(good)&host="),
                        try await registry.raw("GET", "/v1/route?Host=\(good)"),
                    ]
                case .forwarded, .forwardedStatus:
                    [
                        try await registry.raw("GET", route.forwardedPath),
                        try await registry.raw(
                            "GET", route.forwardedPath,
                            headers: [("X-Forwarded-Host", good), ("x-forwarded-host", good)]),
                        try await registry.raw(
                            "GET", route.forwardedPath,
                            headers: [("X-Forwarded-Host", "\(good), \(good)")]),
                    ]
                case .authority:
                    [
                        try await registry.raw("GET", "/v1/route/authority/", host: []),
                        try await registry.raw("GET", "/v1/route/authority/", host: [good, good]),
                        try await registry.raw("GET", "/v1/route/authority/", host: [good, "b.c"]),
                        try await registry.raw("GET", "/v1/route/authority/", host: ["b.c", good]),
                        try await registry.raw("GET", "/v1/route/authority/", host: ["", good]),
                    ]
                case .certificate:
                    [
                        try await registry.raw("GET", "/v1/tls-ask"),
                        try await registry.raw("GET", "/v1/tls-ask?domain=\(good)&domain=\(good)"),
                    ]
                }
            for answer in answers { #expect(answer.isUnknown) }
        }
    }
}
