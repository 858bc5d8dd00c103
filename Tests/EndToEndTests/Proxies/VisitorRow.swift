import Testing

/// One request of a visitor, and what every proxy has to make of it.
struct VisitorRow: Sendable {
    enum Answer: Sendable, Equatable {
        /// The application's on this side, told the truth, with a body of so many bytes.
        case side(String, mode: String = "serve", body: Int = 0)
        /// There is no such site: 404.
        case nobody
        /// The site is being moved: 503, with `Retry-After: 30`.
        case moving
        /// Nobody says where the site lives: 503, with `Retry-After: 5`, and a body.
        case away
        /// The proxy's own refusal of what it can't or won't read.
        case refused
    }

    var name: String
    var host: String
    var method = "GET"
    var path = "/"
    var fields: [String] = []
    var body = ""
    var answers: [Answer]

    init(
        _ name: String, _ host: String, _ method: String = "GET", _ path: String = "/",
        _ fields: [String] = [], body: String = "", gets answers: Answer...
    ) {
        self.name = name
        self.host = host
        self.method = method
        self.path = path
        self.fields = fields
        self.body = body
        self.answers = answers
    }

    /// - Returns: what is wrong with a page; nil where it's as it should be.
    func fault(_ page: Visitor.Page, from addresses: [String]) -> String? {
        for secret in ["trk_", "x-registry-", "problems/", "www-authenticate", "x-request-id: "] {
            // The application may say what it likes, and its page is what it was told.
            let text = page.told == nil ? page.text : page.fields.joined(separator: "\n")
            if text.contains(secret) { return "shows \(secret): \(page)" }
        }
        let faults = answers.map { fault(page, $0, addresses) }
        return faults.contains(nil) ? nil : faults.compactMap(\.self).joined(separator: "; or ")
    }

    /// What a visitor said of himself or of tenants in the proxies' place has to go; the application's own fields have
    /// to come.
    private func fault(of field: String, in told: ToldRequest) -> String? {
        let parts = field.split(separator: ":", maxSplits: 1)
        let (name, value) = (
            parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces)
        )
        let isTold = told.headers.contains { $0[0].lowercased() == name && $0[1] == value }
        let plain = name.replacing("_", with: "-")
        if plain.hasPrefix("x-forwarded-"), plain != "x-forwarded-for" || plain != name {
            return isTold ? "\(field) is a visitor's word" : nil
        }
        if plain == "x-real-ip" { return isTold ? "\(field) is a visitor's word" : nil }
        let own = [
            "cookie", "authorization", "range", "if-match", "if-none-match", "accept", "prefer",
            "content-type", "if-modified-since",
        ]
        return own.contains(name) && !isTold ? "\(field) is the application's" : nil
    }

    private func fault(
        _ page: Visitor.Page, _ answer: Answer, _ addresses: [String]
    ) -> String? {
        switch answer {
        case .side(let side, let mode, let bytes):
            guard page.status == 200, page.fields.contains("x-side: \(side)") else {
                return "not \(side): \(page)"
            }
            guard method != "HEAD", !path.hasPrefix("/slow") else { return nil }
            guard let told = page.told else { return "nothing told: \(page)" }
            var lies = told.lies(
                host: host, location: side, mode: mode, addresses: addresses)
            lies += fields.compactMap { fault(of: $0, in: told) }
            if told.method != method { lies.append("method \(told.method)") }
            if told.body != bytes { lies.append("body \(told.body)") }
            return lies.isEmpty ? nil : "\(lies)"
        case .nobody:
            // There's nothing to try again.
            return page.status == 404 && page.retryAfter == nil ? nil : "not 404: \(page)"
        case .moving:
            guard page.status == 503, page.retryAfter == "30" else { return "not moving: \(page)" }
            return nil
        case .away:
            guard page.status == 503, page.retryAfter == "5", method == "HEAD" || page.body != ""
            else { return "not away: \(page)" }
            return nil
        case .refused:
            return [400, 403, 405, 413, 414, 421, 431, 501].contains(page.status)
                ? nil : "not refused: \(page)"
        }
    }
}

extension VisitorRow {
    /// A name of 253 bytes.
    static let longest =
        String(repeating: String(repeating: "a", count: 59) + ".", count: 4)
        + "kintone.com."
        .dropLast() + ""

    static let tenants: [(host: String, location: String, mode: String)] = [
        ("j.kintone.com", "japan", "serve"), ("a.kintone.com", "aws", "serve"),
        ("r.kintone.com", "japan", "read_only"), ("x.kintone.com", "aws", "reject"),
        ("xn--zckzah.kintone.com", "aws", "serve"),
        (String(repeating: "l", count: 63) + ".kintone.com", "aws", "serve"),
        (longest, "aws", "serve"),
    ]

    /// What a proxy knows of every tenant and of who is none, as long as it knows anything.
    static let known = sides + spellings + methods + frozen

    /// What becomes of them where nobody says where they live.
    static let away =
        tenants.flatMap { tenant in
            ["GET", "HEAD", "POST"].map {
                VisitorRow(
                    "\($0) of \(tenant.host), nobody answering", tenant.host, $0, "/",
                    ["Content-Length: 0"], gets: .away)
            }
        } + [VisitorRow("nobody, nobody answering", "nobody.kintone.com", gets: .away)]

    static let all = sides + spellings + methods + bodies + frozen + steering + forged + long

    private static let (japan, aws, frozenHost, rejected) = (
        tenants[0].host, tenants[1].host, tenants[2].host, tenants[3].host
    )

    private static let sides = [
        VisitorRow("japan", japan, gets: .side("japan")),
        VisitorRow("aws", aws, gets: .side("aws")),
        VisitorRow("nobody", "nobody.kintone.com", gets: .nobody),
        VisitorRow("the zone itself", "kintone.com", gets: .nobody),
        VisitorRow("below a tenant", "www.\(japan)", gets: .nobody),
        VisitorRow("an address", "127.0.0.1", gets: .nobody),
        VisitorRow("a location's name", "japan", gets: .nobody),
    ]

    private static let spellings = [
        VisitorRow("capitals", "A.KinTone.COM", gets: .side("aws")),
        VisitorRow("a port", "\(aws):8443", gets: .side("aws")),
        VisitorRow("a dot at the end", "\(aws).", gets: .side("aws")),
        VisitorRow("all of them", "A.KINTONE.COM.:443", gets: .side("aws")),
        VisitorRow("an A-label", tenants[4].host, gets: .side("aws")),
        VisitorRow("a label of 63", tenants[5].host, gets: .side("aws")),
        VisitorRow("a name of 253", longest, gets: .side("aws")),
        VisitorRow("two dots", "a..kintone.com", gets: .nobody, .refused),
        VisitorRow("a comma", "\(aws),\(japan)", gets: .nobody, .refused),
        VisitorRow("nothing", "", gets: .nobody, .refused),
        VisitorRow("a percent", "a%2ekintone.com", gets: .nobody, .refused),
    ]

    private static let methods =
        ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "REPORT"].map {
            VisitorRow($0, aws, $0, "/", ["Content-Length: 0"], gets: .side("aws"))
        }

    private static let bodies = [
        VisitorRow(
            "a body", aws, "POST", "/", ["Content-Length: 5"], body: "hello",
            gets: .side("aws", body: 5)),
        VisitorRow(
            "a large body", aws, "POST", "/", ["Content-Length: 500000"],
            body: String(repeating: "b", count: 500_000), gets: .side("aws", body: 500_000)),
        VisitorRow(
            "a body in chunks", aws, "PUT", "/", ["Transfer-Encoding: chunked"],
            body: "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", gets: .side("aws", body: 11)),
        VisitorRow(
            "a body of a GET", aws, "GET", "/", ["Content-Length: 3"], body: "abc",
            gets: .side("aws", body: 3)),
        VisitorRow("a slow answer", aws, "GET", "/slow", gets: .side("aws")),
    ]

    private static let frozen =
        ["GET", "HEAD", "OPTIONS"].map {
            VisitorRow("\($0) in a freeze", frozenHost, $0, gets: .side("japan", mode: "read_only"))
        }
        + ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MKCOL"].map {
            VisitorRow(
                "\($0) in a freeze", frozenHost, $0, "/", ["Content-Length: 0"], gets: .moving)
        }
        + [
            VisitorRow(
                "an upgrade in a freeze", frozenHost, "GET", "/", Upgrades.browsers, gets: .moving),
            VisitorRow("GET of a rejected one", rejected, gets: .moving),
        ]
        + [
            "/v1/route?host=j.kintone.com", "/v1/route/forwarded", "/_registry", "/registry",
            "/./registry", "/ask", "/ask?unknown=200", "/away", "/livez",
        ].flatMap { path in
            [
                VisitorRow(
                    "POST of \(path) in a freeze", frozenHost, "POST", path, ["Content-Length: 0"],
                    gets: .moving),
                VisitorRow(
                    "GET of \(path) of a rejected one", rejected, "GET", path, gets: .moving),
            ]
        }
        + [
            VisitorRow("HEAD of a rejected one", rejected, "HEAD", gets: .moving),
            VisitorRow(
                "POST of a rejected one", rejected, "POST", "/", ["Content-Length: 0"],
                gets: .moving),
            VisitorRow(
                "an upgrade of a rejected one", rejected, "GET", "/", Upgrades.browsers,
                gets: .moving),
            VisitorRow(
                "a write that says it's a GET", frozenHost, "POST", "/",
                ["Content-Length: 0", "X-HTTP-Method-Override: GET", "X-Forwarded-Method: GET"],
                gets: .moving),
        ]

    /// What stands in a path or a query is the application's business.
    private static let steering =
        [
            "/?unknown=1", "/?unknown=200", "/?unknown=403&host=j.kintone.com",
            "/?host=j.kintone.com", "/?min_revision=999999999", "/v1/route?host=j.kintone.com",
            "/v1/route/forwarded", "/_tenant", "/tenant", "/./tenant", "/%2e/tenant", "/_registry",
            "/ask", "/away", "//x", "/a/../b",
            "/%2e%2e/x", "/?q=%zz", "/livez", "/metrics",
        ].map { VisitorRow("path \($0)", aws, "GET", $0, gets: .side("aws"), .refused) }
        + ["/?unknown=200", "/?unknown=403", "/?unknown=1", "/?host=j.kintone.com"].map {
            VisitorRow("nobody's \($0)", "nobody.kintone.com", "GET", $0, gets: .nobody)
        }

    private static let forged =
        Crowd.lies(against: "aws").map { lie in
            VisitorRow("\(lie)", aws, "GET", "/", [lie], gets: .side("aws"))
        }
        + [
            "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: evil", "X-Forwarded-Proto: https",
            "X-Real-IP: 203.0.113.9", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /evil",
            "X-Forwarded-Proto: https", "X_Real_IP: 203.0.113.9", "X_Forwarded_For: 203.0.113.9",
            "Cookie: session=secret",
            "Authorization: Basic dTpw", "Range: bytes=0-3", "Accept-Encoding: gzip, br",
            "If-Match: *", "X-HTTP-Method-Override: DELETE", "Via: 1.1 evil",
            "If-None-Match: *", "If-Modified-Since: x", "Prefer: wait=100", "Accept: */*;q=0",
            "Content-Type: text/plain", "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
        ].map { VisitorRow("\($0)", aws, "GET", "/", [$0], gets: .side("aws")) }
        + [
            VisitorRow(
                "all lies in a freeze", frozenHost, "POST", "/",
                ["Content-Length: 0"] + Crowd.lies(against: "aws").filter { !$0.hasPrefix("Conn") },
                gets: .moving),
            VisitorRow(
                "all lies of nobody", "nobody.kintone.com", "GET", "/",
                Crowd.lies(against: "aws").filter { !$0.hasPrefix("Conn") }, gets: .nobody),
        ]

    private static let long = [
        VisitorRow(
            "a path of 4,000", aws, "GET", "/" + String(repeating: "p", count: 4000),
            gets: .side("aws")),
        VisitorRow(
            "a path of 60,000", aws, "GET", "/" + String(repeating: "p", count: 60_000),
            gets: .side("aws"), .refused),
        VisitorRow(
            "cookies of 4,000", aws, "GET", "/",
            ["Cookie: c=" + String(repeating: "c", count: 4000)], gets: .side("aws")),
        VisitorRow(
            "cookies of 60,000", aws, "GET", "/",
            ["Cookie: c=" + String(repeating: "c", count: 60_000)], gets: .side("aws"), .refused),
    ]
}
