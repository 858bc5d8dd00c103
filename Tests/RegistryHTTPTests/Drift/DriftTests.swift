import RegistryAPI
import RegistryModel
import Testing

@Suite("A comparison", .timeLimit(.minutes(15))) struct DriftTests {
    /// Two names in aws, one in japan, and one that was released.
    private static func fill(_ registry: RunningRegistry) async throws {
        for name in ["a.example.com", "b.example.com"] {
            try await registry.register(name, location: "aws")
        }
        try await registry.register("j.example.com", location: "japan")
        try await registry.register("gone.example.com", location: "aws")
        try await registry.release("gone.example.com")
    }

    @Test func `tells every finding, and last how many`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry)
            let list = "x.example.com\nj.example.com\nb.example.com\na_b.example.com\n"
            let found = try await registry.compare(list)
            #expect(
                found.findings == [
                    "unknown x.example.com", "elsewhere j.example.com japan",
                    "invalid a_b.example.com", "missing a.example.com",
                ])
            var counts = DriftCounts()
            (counts.missing, counts.elsewhere, counts.unknown, counts.invalid) = (1, 1, 1, 1)
            let head = try await registry.head()
            #expect(found.summary == DriftSummary(counts: counts, revision: Revision(head)))
            #expect(found.answer.revision == head)
            #expect(found.answer.header("Content-Type") == "application/x-ndjson")
            #expect(
                found.answer.text.hasSuffix(
                    #"{"summary":{"missing":1,"elsewhere":1,"unknown":1,"invalid":1},"revision":\#(head)}"#
                        + "\n"))
        }
    }

    @Test func `finds nothing where the list is right`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry)
            let found = try await registry.compare("b.example.com\r\n\r\n  a.example.com")
            #expect(found.findings == [])
            #expect(found.summary?.counts == DriftCounts())
        }
    }

    @Test func `misses everything in an empty list, by name`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(
                ["b.example.com", "a.x.example.com", "a-b.example.com", "ab.example.com"])
            let found = try await registry.compare("", of: "japan")
            #expect(
                found.findings == [
                    "missing a-b.example.com", "missing a.x.example.com",
                    "missing ab.example.com", "missing b.example.com",
                ])
            let none = try await registry.compare("", of: "aws")
            #expect(none.entries.isEmpty && none.summary?.counts.total == 0)
        }
    }

    @Test func `says that a released name is unknown`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry)
            let found = try await registry.compare(
                "a.example.com\nb.example.com\ngone.example.com\n")
            #expect(found.findings == ["unknown gone.example.com"])
        }
    }

    @Test func `reads names by the rules of lookups`() async throws {
        try await withRegistry { registry in
            for name in ["bücher.example.com", "acme.example.com"] {
                try await registry.register(name, location: "aws")
            }
            #expect(
                try await registry.compare("ACME.Example.COM.\nbücher.example.com\n").entries
                    .isEmpty)
            #expect(
                try await registry.compare("acme.example.com\nXN--BCHER-KVA.example.com\n")
                    .entries.isEmpty)
            let others = [
                "acme.example.com:443", "acme.example.com..", "acme", "BÜCHER.example.com",
            ]
            for text in others {
                let lookup = try await registry.post("/v1/lookup", #"{"fqdns":["\#(text)"]}"#)
                #expect(lookup["results"]?.array.first?["code"]?.text == "invalid-fqdn")
                let found = try await registry.compare("\(text)\n")
                #expect(found.findings.first == "invalid \(text)")
                #expect(found.summary?.counts.missing == 2)
            }
        }
    }

    @Test func `counts a name once, however it's written`() async throws {
        try await withRegistry { registry in
            try await Self.fill(registry)
            let names = ["a.example.com", "j.example.com", "x.example.com"]
            let list = (names + names.map { $0.uppercased() } + names.map { "\($0)." })
            let found = try await registry.compare(list.joined(separator: "\n"))
            #expect(
                found.findings == [
                    "elsewhere j.example.com japan", "unknown x.example.com",
                    "missing b.example.com",
                ])
            let invalid = try await registry.compare("a\na\na.example.com\nb.example.com\n")
            #expect(invalid.findings == ["invalid a", "invalid a"])
        }
    }

    /// Memory is bounded: names beyond those that are kept are told each time.
    @Test func `tells each of many unknown names once`() async throws {
        try await withRegistry { registry in
            let names = (0..<65_546).map { "n\($0).example.com" }
            let list = (names + names).joined(separator: "\n")
            let found = try await registry.compare(list)
            #expect(found.summary?.counts.unknown == 65_556)
            #expect(found.entries.last?.fqdn == "n65545.example.com")
            #expect(Set(found.entries.dropLast(10).map(\.fqdn)).count == 65_546)
        }
    }

    @Test func `waits for the revision that a client names`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", location: "aws")
            let head = try await registry.head()
            let found = try await registry.compare(
                "a.example.com\n", query: "&min_revision=\(head)")
            #expect(found.summary?.revision == Revision(head) && found.entries.isEmpty)
            let other = try await registry.compare("", query: "&min_revision=other.1")
            #expect(other.answer.isProblem(410, "resync"))
        }
    }

    @Test func `needs a location that there is`() async throws {
        try await withRegistry { registry in
            let unknown = try await registry.compare("a.example.com\n", of: "mars")
            #expect(unknown.answer.isProblem(422, "unknown-location"))
            let invalid = try await registry.compare("", of: "Not%20one")
            #expect(invalid.answer.complaints == ["?location invalid"])
            let type = [("Content-Type", "text/plain")]
            let missing = try await registry.send(.POST, "/v1/drift", bytes: [], headers: type)
            #expect(missing.complaints == ["?location required"])
            let twice = try await registry.compare("", of: "aws", query: "&location=japan")
            #expect(twice.answer.complaints == ["?location repeated"])
            let other = try await registry.compare("", of: "aws", query: "&format=csv")
            #expect(other.answer.complaints == ["?format unknown-parameter"])
        }
    }

    /// A location that is only mentioned by a table's rows isn't there; one without domains is.
    @Test func `knows a location as soon as it's made, and no longer than it's there`()
        async throws
    {
        try await withRegistry { registry in
            let settings =
                #"{"upstream":"http://mars.internal","accepts_signups":true,"default_for_signups":false}"#
            try await registry.send(.PUT, "/v1/locations/mars", json: settings)
            try await registry.register("a.example.com")
            let found = try await registry.compare("a.example.com\n", of: "mars")
            #expect(found.findings == ["elsewhere a.example.com japan"])
            try await registry.send(.DELETE, "/v1/locations/mars")
            let gone = try await registry.compare("a.example.com\n", of: "mars")
            #expect(gone.answer.isProblem(422, "unknown-location"))
        }
    }

    @Test func `is for auditors`() async throws {
        try await withRegistry { registry in
            for role in [Role.reader, .registrar] {
                let answer = try await registry.send(
                    .POST, "/v1/drift?location=aws", as: .role(role), bytes: [],
                    headers: [("Content-Type", "text/plain")])
                #expect(answer.isProblem(403, "forbidden"))
            }
            #expect(try await registry.get("/v1/drift").status == 405)
        }
    }

    @Test func `takes three types, in UTF-8 and not compressed`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", location: "aws")
            let lists = [
                ("text/plain; charset=utf-8", "a.example.com\n"),
                ("Text/CSV; header=present; charset=\"UTF-8\"", "fqdn\na.example.com\n"),
                ("application/x-ndjson", #"{"fqdn":"a.example.com"}"#),
            ]
            for (type, list) in lists {
                let found = try await registry.compare(list, as: type)
                #expect(found.answer.status == 200 && found.entries.isEmpty)
            }
            for type in ["application/json", "application/x-www-form-urlencoded", ""] {
                let found = try await registry.compare("a.example.com\n", as: type)
                #expect(found.answer.isProblem(415, "unsupported-media-type"))
            }
            let latin = try await registry.compare("a\n", as: "text/plain; charset=latin1")
            #expect(latin.answer.isProblem(415, "unsupported-media-type"))
            let packed = try await registry.send(
                .POST, "/v1/drift?location=aws", bytes: [0x1F, 0x8B],
                headers: [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")])
            #expect(packed.isProblem(415, "unsupported-media-type"))
            let wanted = try await registry.send(
                .POST, "/v1/drift?location=aws", bytes: [],
                headers: [("Content-Type", "text/plain"), ("Accept", "text/csv")])
            #expect(wanted.isProblem(406, "not-acceptable"))
        }
    }
}
