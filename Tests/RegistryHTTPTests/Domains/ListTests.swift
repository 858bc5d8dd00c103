import RegistryAPI
import RegistryModel
import Testing

extension RunningRegistry {
    /// All pages of a list, following the `Link` of each as it is.
    func pages(
        _ target: String, between: (Int) async throws -> Void = { _ in },
        at place: SourceLocation = #_sourceLocation
    ) async throws -> [[JSONValue]] {
        var pages: [[JSONValue]] = []
        var next: String? = target
        while let target = next {
            let answer = try await raw("GET", target, as: .role(.admin), at: place)
            try #require(answer.status == 200, sourceLocation: place)
            pages.append(answer.items)
            let link = answer.header("Link")
            next = link.flatMap { $0.split(separator: ">").first?.dropFirst() }.map(String.init)
            #expect(link == next.map { "<\($0)>; rel=\"next\"" }, sourceLocation: place)
            let cursor = answer["next_cursor"]?.text
            #expect((cursor == nil) == (link == nil), sourceLocation: place)
            if let cursor, let link { #expect(link.contains(cursor), sourceLocation: place) }
            try await between(pages.count)
        }
        return pages
    }
}

@Suite("Lists", .timeLimit(.minutes(15))) struct ListTests {
    private static let lists = [
        "/v1/domains", "/v1/locations", "/v1/tokens", "/v1/history",
        "/v1/domains/a.example.com/history",
    ]

    @Test(arguments: ["0", "-1", "1001", "x", "", "1.0", "99999999999999999999", "1e2"])
    func `refuse a limit that isn't 1 to 1000`(limit: String) async throws {
        try await withRegistry { registry in
            for list in Self.lists {
                let answer = try await registry.get("\(list)?limit=\(limit)")
                #expect(answer.isProblem(400, "invalid-request"))
                #expect(answer.complaints == ["?limit invalid"])
            }
        }
    }

    @Test(arguments: ["x", "%00", "!!!!", "YQ==", "Y", "////", "a.example.com", "%FF%FE", "YWJj="])
    func `refuse a cursor that they didn't give`(cursor: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            for list in Self.lists {
                let answer = try await registry.raw(
                    "GET", "\(list)?cursor=\(cursor)", as: .role(.admin))
                #expect(answer.status == 400, "\(list)")
                #expect(["invalid-cursor", "invalid-request"].contains(answer.code))
            }
        }
    }

    @Test func `refuse a cursor of another list`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(["a.example.com", "b.example.com"])
            let domains = try await registry.get("/v1/domains?limit=1")
            let cursor = try #require(domains["next_cursor"]?.text)
            for list in ["/v1/history", "/v1/locations"] {
                let answer = try await registry.get("\(list)?cursor=\(cursor)")
                #expect(answer.isProblem(400, "invalid-cursor"))
            }
        }
    }

    @Test func `have a hundred items a page unless told otherwise`() async throws {
        try await withRegistry { registry in
            let names = (1000..<1250).map { "n\($0).example.com" }
            try await registry.registerAll(names)
            let pages = try await registry.pages("/v1/domains")
            #expect(pages.map(\.count) == [100, 100, 50])
            #expect(pages.joined().map { $0["fqdn"]?.text } == names)
            let all = try await registry.get("/v1/domains?limit=1000")
            #expect(all.items.count == 250 && all["next_cursor"] == nil)
            #expect(all.header("Link") == nil)
            let exact = try await registry.pages("/v1/domains?limit=125")
            #expect(exact.map(\.count) == [125, 125])
        }
    }

    @Test func `are whole and in order at every size of page`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<7).map { "n\($0).example.com" })
            for list in ["/v1/domains", "/v1/locations", "/v1/tokens", "/v1/history"] {
                let whole = try await registry.get("\(list)?limit=1000").items
                for size in [1, 2, 3, whole.count] {
                    let pages = try await registry.pages("\(list)?limit=\(size)")
                    #expect(Array(pages.joined()) == whole, "\(list) by \(size)")
                }
            }
        }
    }

    @Test func `never skip or repeat a row that was there all the time`() async throws {
        try await withRegistry { registry in
            let constant = (0..<30).map { "m\($0 * 10 + 100).example.com" }
            try await registry.registerAll(constant)
            let pages = try await registry.pages("/v1/domains?limit=7") { page in
                // Before, between and after what has been read; and some that go again.
                for name in ["a\(page)", "m\(page)01", "z\(page)"] {
                    try await registry.register("\(name).example.com")
                }
                try await registry.send(.DELETE, "/v1/domains/a\(page).example.com")
            }
            let names = pages.joined().compactMap { $0["fqdn"]?.text }
            #expect(names == names.sorted())
            #expect(Set(names).count == names.count)
            #expect(Set(names).isSuperset(of: constant))
        }
    }

    @Test func `of history never skip or repeat while it grows`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll((0..<20).map { "n\($0).example.com" })
            let before = try await registry.get("/v1/history?limit=1000").items
            let pages = try await registry.pages("/v1/history?limit=6") { page in
                try await registry.register("x\(page).example.com")
            }
            #expect(Array(pages.joined()) == before)
            let ascending = try await registry.get("/v1/history?limit=1000&order=asc").items
            let growing = try await registry.pages("/v1/history?limit=6&order=asc") { page in
                if page < 3 { try await registry.register("y\(page).example.com") }
            }
            #expect(growing.joined().count == ascending.count + 2)
            #expect(Array(growing.joined().prefix(ascending.count)) == ascending)
        }
    }

    @Test(arguments: [
        "?limit=2&tenant=%C3%A4", "?tenant=ä&limit=2", "?limit=2&tenant=%C3%A4&%63ursor=",
        "?limit=2&prefix=n&suffix=example.com&contains=.exa&location=japan&mode=serve&min_revision=0",
    ])
    func `keep their filters in Link, which can be used as it is`(query: String) async throws {
        try await withRegistry { registry in
            let rows = (0..<5).map { #"{"fqdn":"n\#($0).example.com","tenant":"ä"}"# }
            try await registry.post(
                "/v1/domains/batch", #"{"domains":[\#(rows.joined(separator: ","))]}"#)
            try await registry.register("other.example.org")
            let first = query.replacing("&%63ursor=", with: "")
            let pages = try await registry.pages("/v1/domains\(first)")
            #expect(pages.map(\.count) == [2, 2, 1])
        }
    }
}

@Suite("The list of domains", .timeLimit(.minutes(15))) struct DomainListTests {
    private static func names(
        _ registry: RunningRegistry, _ query: String
    ) async throws -> [String] {
        let answer = try await registry.get("/v1/domains?\(query)", as: .role(.reader))
        try #require(answer.status == 200)
        return answer.items.compactMap { $0["fqdn"]?.text }
    }

    @Test func `is filtered by each field, joined by and`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.kintone.com", location: "aws", tenant: "t")
            try await registry.post(
                "/v1/domains",
                #"{"fqdn":"ab.kintone.com","location":"japan","tenant":"t","allow_split":true}"#)
            try await registry.register("evilkintone.com", location: "aws")
            try await registry.post(
                "/v1/domains", #"{"fqdn":"kintone.com","allow_nested":true}"#)
            try await registry.send(
                .PATCH, "/v1/domains/ab.kintone.com", json: #"{"mode":"reject"}"#)
            let cases: [(String, [String])] = [
                ("", ["a.kintone.com", "ab.kintone.com", "evilkintone.com", "kintone.com"]),
                ("prefix=", ["a.kintone.com", "ab.kintone.com", "evilkintone.com", "kintone.com"]),
                ("location=aws", ["a.kintone.com", "evilkintone.com"]),
                ("mode=reject", ["ab.kintone.com"]),
                ("tenant=t", ["a.kintone.com", "ab.kintone.com"]),
                ("tenant=T", []), ("prefix=a", ["a.kintone.com", "ab.kintone.com"]),
                ("prefix=A.", ["a.kintone.com"]), ("prefix=a.kintone.com", ["a.kintone.com"]),
                ("suffix=kintone.com", ["a.kintone.com", "ab.kintone.com", "kintone.com"]),
                ("suffix=.Kintone.com", ["a.kintone.com", "ab.kintone.com", "kintone.com"]),
                ("suffix=kintone.com.", ["a.kintone.com", "ab.kintone.com", "kintone.com"]),
                (
                    "suffix=com",
                    ["a.kintone.com", "ab.kintone.com", "evilkintone.com", "kintone.com"]
                ),
                ("prefix=b.", []), ("suffix=B%C3%BCcher.example", []),
                ("suffix=one.com", []), ("location=aws&tenant=t", ["a.kintone.com"]),
                (
                    "contains=INTO",
                    ["a.kintone.com", "ab.kintone.com", "evilkintone.com", "kintone.com"]
                ),
                ("contains=b.k", ["ab.kintone.com"]), ("contains=lk", ["evilkintone.com"]),
                ("contains=.kin&tenant=t&location=aws", ["a.kintone.com"]),
                ("contains=.kin&prefix=k", []), ("contains=nowhere", []),
                ("location=mars", []), ("tenant=%25", []), ("prefix=ac-", []),
            ]
            for (query, expected) in cases {
                #expect(try await Self.names(registry, query) == expected, "\(query)")
            }
        }
    }

    @Test(arguments: [
        ("location=A%20B", "?location invalid"), ("location=", "?location invalid"),
        ("mode=off", "?mode invalid"), ("mode=", "?mode invalid"), ("suffix=", "?suffix invalid"),
        ("suffix=%25", "?suffix invalid"), ("suffix=a_b", "?suffix invalid"),
        ("suffix=B%C3%9CCHER.example", "?suffix invalid"), ("suffix=127.1", "?suffix invalid"),
        ("suffix=a..com", "?suffix invalid"), ("prefix=%25", "?prefix invalid"),
        ("prefix=_", "?prefix invalid"), ("prefix=b%C3%BC", "?prefix invalid"),
        ("prefix=.", "?prefix invalid"), ("prefix=a..", "?prefix invalid"),
        ("prefix=-a", "?prefix invalid"), ("prefix=a-.", "?prefix invalid"),
        ("contains=", "?contains invalid"), ("contains=a", "?contains invalid"),
        ("contains=a_b", "?contains invalid"), ("contains=%25%25", "?contains invalid"),
        ("contains=a..b", "?contains invalid"), ("contains=b%C3%BC", "?contains invalid"),
        ("contains=\(String(repeating: "x", count: 64))", "?contains invalid"),
        ("suffix=.", "?suffix invalid"), ("tenant=a&tenant=b", "?tenant repeated"),
        ("prefix=\(String(repeating: "x", count: 513))", "?prefix too-long"),
    ])
    func `refuses filters that make no sense`(query: String, complaint: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/domains?\(query)")
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == [complaint])
        }
    }
}
