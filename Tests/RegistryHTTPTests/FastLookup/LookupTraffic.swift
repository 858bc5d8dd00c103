import RegistryModel
import TestRandom

/// Makes requests of all kinds, plain and odd, as bytes. None of them changes anything.
struct LookupTraffic {
    /// What the requests may be about.
    struct World {
        var known: [String]
        /// The revision of each known name.
        var revisions: [Int64]
        var epoch: String
        /// Texts of `Authorization`.
        var credentials: [String]
    }

    let world: World
    private var random: SeededRandom

    init(_ world: World, seed: UInt64) {
        self.world = world
        random = SeededRandom(seed: seed)
    }

    /// One to five requests, as a client sends them at once.
    mutating func stream() -> [UInt8] {
        (0..<Int.random(in: 1...5, using: &random)).flatMap { _ in request() }
    }

    /// Nine of ten times nothing.
    private mutating func seldom() -> Bool { Int.random(in: 0..<10, using: &random) == 0 }

    private mutating func one(_ choices: String...) -> String {
        choices.randomElement(using: &random) ?? ""
    }

    private mutating func one(of choices: [String]) -> String {
        choices.randomElement(using: &random) ?? ""
    }

    mutating func request() -> [UInt8] {
        // Most are nearly plain: an odd thing is found where all else is in order.
        var fields = ["Host: registry.internal"]
        if !seldom() { fields.append("Authorization: \(one(of: world.credentials))") }
        for _ in 0..<Int.random(in: 0...3, using: &random) { fields.append(field()) }
        if seldom() { fields.append(oddField()) }
        if seldom() { fields.shuffle(using: &random) }
        let method = seldom() ? oddMethod() : one("GET", "GET", "GET", "HEAD")
        let version =
            seldom() && seldom()
            ? one("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "")
            : "HTTP/1.1"
        let end = seldom() && seldom() ? one("\n", "\r", "\r\r\n", " \r\n") : "\r\n"
        let space = seldom() && seldom() ? one("  ", "\t", "") : " "
        let lines = ["\(method)\(space)\(target())\(space)\(version)"] + fields
        return Array((lines.joined(separator: end) + end + end + body(fields)).utf8)
    }

    private mutating func oddMethod() -> String {
        one("POST", "OPTIONS", "PATCH", "get", "GETS", "CONNECT", "TRACE", "\r\nGET", "\nGET")
    }

    // MARK: Targets

    private mutating func target() -> String {
        switch Int.random(in: 0..<12, using: &random) {
        case 0...3: "/v1/domains/\(name())"
        case 4...7: "/v1/route?\(routeQuery())"
        case 8:
            "/v1/route/forwarded"
                + one(
                    "", "", "/403", "/404", "/200", "/5", "/2000", "/403/", "/%34%30%33", "/",
                    "/200/a")
                + one("", "", "?unknown=403", "?unknown=5", "?", "?a b", "?é", "?host=a.b#c")
        case 9:
            "/v1/route/authority"
                + one(
                    "", "/", "/a", "/a//b?c=d", "?x", "x", "/%2e%2e/a", "/../..", "//", "/a b", "/é"
                )
        case 10: oddTarget()
        default: "http://\(host())/v1/route?\(routeQuery())"
        }
    }

    private mutating func oddTarget() -> String {
        one(
            "/livez", "/v1/stats", "/v1/domains?limit=2", "/v1/domains/", "/v1/domains/batch",
            "/v1/domains//a.example.com", "/v1/domains/a.example.com/", "/v1/route", "/v1/route?",
            "/v1/route/", "/v1/tls-ask?domain=a.example.com", "/v1", "/", "*", "v1/route?host=a.b",
            "/v1/domains/a.example.com?at=x", "/V1/domains/a.example.com", "/v1/route#?host=a.b")
    }

    private mutating func name() -> String {
        let known = one(of: world.known)
        return switch Int.random(in: 0..<14, using: &random) {
        case 0...6: known
        case 7: known.uppercased()
        case 8: known + "."
        case 9: "x." + known
        case 10: known.replacing(".", with: one("%2e", "%2E", "..", ".-", "_", "%", "+", "%zz"))
        case 11:
            one(
                "münchen.example.com", "xn--mnchen-3ya.example.com", "xn--a.example.com",
                "a--b.c.de")
        case 12:
            one(
                "a", "1.2.3.4", "a.b.1", "-a.b", "a-.b", ".", "..", ".a.b", "a..b", "a.b..",
                "batch.")
        default:
            one(
                String(repeating: "a", count: 64) + ".example.com",
                String(repeating: "a.", count: 126) + "ab",
                String(repeating: "a.", count: 127) + "ab",
                String(repeating: "a", count: 3000))
        }
    }

    private mutating func host() -> String {
        name() + (seldom() ? one(":", ":80", ":8x", ":80:80", "]", ":٣") : "")
    }

    private mutating func routeQuery() -> String {
        let host = "host=\(host())"
        guard seldom() || seldom() else { return host }
        let status = "unknown=" + one("403", "404", "200", "500", "", "4%30%33", "404 ")
        return one(
            "\(host)&\(status)", "\(status)&\(host)", "\(status)&\(host)&\(status)",
            "\(host)&\(host)",
            "\(host)&min_revision=1", "min_revision=1&\(host)", "\(host)&", "&\(host)",
            "\(host)&x=y",
            "Host=a.b", "host", "host=", "\(status)", "h%6Fst=\(world.known[0])", "\(host)#x")
    }

    // MARK: Header fields

    private mutating func field() -> String {
        let revision = world.revisions.randomElement(using: &random) ?? 1
        let epoch = world.epoch
        return switch Int.random(in: 0..<10, using: &random) {
        case 0:
            "Accept: " + one("*/*", "application/json", "text/html", "*/*;q=0", "APPLICATION/JSON")
        case 1, 2:
            "If-None-Match: "
                + one(
                    "\"\(epoch).\(revision)\"", "\"\(epoch).\(revision)\"",
                    "W/\"\(epoch).\(revision)\"", "*", "\"0\"", "\"\(revision)\"",
                    "\"another.\(revision)\"", "\"\(epoch).0\(revision)\"", "\".\(revision)\"",
                    "\"\(epoch).\"", "\"x\"", "\(revision)", "\"1\", \"\(revision)\"", "\"\"",
                    "\"",
                    "\"99999999999999999999\"", "\"-1\"")
        case 3, 4:
            "X-Request-ID: "
                + one(
                    "abc", "a b", "", "ä", "\(String(repeating: "i", count: 128))",
                    "\(String(repeating: "i", count: 129))", " padded\t ", "a\tb")
        case 5: "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        case 6: "X-Forwarded-Host: \(host())"
        case 7: "Cookie: a=b; c=\(one("d", "é", "\"", "\u{1}"))"
        case 8:
            one(
                "User-Agent: x", "Content-Length: 0", "accept-encoding:gzip", "X-Empty:",
                "X_Y: \t z \t",
                "!#$%&'*+-.^_`|~: x")
        default:
            "Connection: " + one("keep-alive", "Keep-Alive", "close", "close, x", "x", "", "CLOSE")
        }
    }

    private mutating func oddField() -> String {
        one(
            "Host: other.example.com", "host: registry.internal", "Host:",
            "Authorization: Basic eDp5",
            "Authorization: \(one(of: world.credentials))", "Accept: text/html",
            "X-Request-ID: second",
            "Content-Length: 0", "Content-Length: 3", "Content-Length: +3", "Content-Length: 3, 3",
            "Content-Length: 3\r\nContent-Length: 4", "Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding : chunked",
            "Transfer-Encoding: xchunked", "Expect: 100-continue", "Upgrade: h2c",
            "Connection: upgrade\r\nUpgrade: websocket", "Proxy-Connection: close",
            "Connection: close",
            "X-A : b", " folded: x", "X-A: b\r\n folded", "X-A: b\r\n\tfolded", "no colon",
            ": no name",
            "X-A: b\nX-B: c", "X-A: b\u{0}c", "X-A: b\u{7F}", "X-A: b\u{1}", "X\u{E9}: y", "X(: y",
            "X-A: b\rX-B: c", "TE: trailers", "Trailer: x", "Keep-Alive: timeout=5",
            "X-Long: " + String(repeating: "l", count: 9000),
            (0..<70).map { "X-\($0): y" }.joined(separator: "\r\n"),
            (0..<210).map { "X-\($0): y" }.joined(separator: "\r\n"))
    }

    /// Where a field announces one, something like it, and now and then a request inside.
    private mutating func body(_ fields: [String]) -> String {
        let all = fields.joined()
        guard all.contains("Content-Length: 3") || all.contains("chunked") else { return "" }
        return one(
            "abc", "0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "",
            "0\r\n\r\nGET /v1/domains/\(world.known[0]) HTTP/1.1\r\nHost: h\r\n\r\n",
            "abcGET /v1/domains/\(world.known[0]) HTTP/1.1\r\nHost: h\r\n\r\n")
    }
}
