import RegistryModel
import Testing

@Suite("Registering many", .timeLimit(.minutes(15))) struct BatchRegistrationTests {
    private static func rows(_ rows: [String]) -> String {
        #"{"domains":["# + rows.joined(separator: ",") + "]}"
    }

    private static func names(_ names: some Sequence<String>) -> String {
        rows(names.map { #"{"fqdn":"\#($0)"}"# })
    }

    @Test func `registers the good rows in one revision and names the bad ones`() async throws {
        let settings = try RegistrySettings.with { settings in
            settings.suffixes = try [FQDN("example.com")]
        }
        try await withRegistry(settings) { registry in
            try await registry.register("taken.example.com")
            try await registry.register("resting.example.com")
            try await registry.send(.DELETE, "/v1/domains/resting.example.com")
            let head = try await registry.head()
            let long = String(repeating: "x", count: 201)
            let cases: [(String, String, String?)] = [
                (
                    #"{"fqdn":"Good.example.com.","location":"aws","tenant":"t"}"#,
                    "good.example.com", nil
                ),
                (#"{"fqdn":"a_b.example.com"}"#, "a_b.example.com", "invalid-fqdn"),
                (#"{"fqdn":""}"#, "", "invalid-fqdn"),
                (#"{"fqdn":"www.example.com"}"#, "www.example.com", "domain-reserved"),
                (#"{"fqdn":"a.example.org"}"#, "a.example.org", "domain-outside-suffix"),
                (#"{"fqdn":"taken.example.com"}"#, "taken.example.com", "domain-taken"),
                (#"{"fqdn":"resting.example.com"}"#, "resting.example.com", "domain-quarantined"),
                (
                    #"{"fqdn":"l.example.com","location":"mars"}"#, "l.example.com",
                    "unknown-location"
                ),
                (#"{"fqdn":"l.example.com","location":""}"#, "l.example.com", "unknown-location"),
                (
                    #"{"fqdn":"t.example.com","tenant":"\#(long)"}"#, "t.example.com",
                    "invalid-tenant"
                ),
                (#"{"fqdn":"t.example.com","tenant":""}"#, "t.example.com", "invalid-tenant"),
                (
                    #"{"fqdn":"t.example.com","tenant":"a\u0000"}"#, "t.example.com",
                    "invalid-tenant"
                ),
                (#"{"fqdn":"m.example.com","mode":"closed"}"#, "m.example.com", "invalid-mode"),
                (#"{"fqdn":"m.example.com","mode":""}"#, "m.example.com", "invalid-mode"),
                (#"{"fqdn":"mode.example.com","mode":"read_only"}"#, "mode.example.com", nil),
                (#"{"fqdn":"good.example.com"}"#, "good.example.com", "domain-taken"),
                (#"{"fqdn":"last.example.com"}"#, "last.example.com", nil),
            ]
            let answer = try await registry.post(
                "/v1/domains/batch", as: .role(.operator_), Self.rows(cases.map(\.0)))
            #expect(answer.status == 200)
            #expect(answer["revision"]?.number == head + 1)
            let results = answer["results"]?.array ?? []
            #expect(results.map { $0["fqdn"]?.text } == cases.map(\.1))
            #expect(results.map { $0["code"]?.text } == cases.map(\.2))
            #expect(
                results.map { $0["status"]?.text }
                    == cases.map { $0.2 == nil ? "registered" : "refused" })
            let good = try await registry.get("/v1/domains/good.example.com")
            #expect(good["location"]?.text == "aws" && good["revision"]?.number == head + 1)
            let last = try await registry.get("/v1/domains/last.example.com")
            #expect(last["location"]?.text == "japan" && last["revision"]?.number == head + 1)
            #expect(
                try await registry.get("/v1/domains/mode.example.com")["mode"]?.text == "read_only")
            let route = try await registry.get("/v1/route?host=mode.example.com")
            #expect(route.header("X-Tenant-Mode") == "read_only")
            #expect(try await registry.head() == head + 1)
        }
    }

    @Test func `makes no revision where no row is good`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            for body in [Self.rows([]), Self.names(["www.example.com", "-"])] {
                let answer = try await registry.post("/v1/domains/batch", body)
                #expect(answer.status == 200 && answer["revision"]?.number == head)
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `doesn't mind locations that are closed to signups`() async throws {
        try await withRegistry { registry in
            try await registry.send(
                .PUT, "/v1/locations/aws",
                json:
                    #"{"upstream":"http://x","accepts_signups":false,"default_for_signups":false}"#)
            let answer = try await registry.post(
                "/v1/domains/batch", Self.rows([#"{"fqdn":"a.example.com","location":"aws"}"#]))
            #expect(answer["results"]?.array.first?["status"]?.text == "registered")
        }
    }

    @Test func `takes ten thousand rows, and not one more`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let names = (0...10_000).map { "n\($0).example.com" }
            let more = try await registry.post("/v1/domains/batch", Self.names(names))
            #expect(more.isProblem(400, "invalid-request"))
            #expect(more.complaints == ["/domains too-long"])
            #expect(try await registry.head() == head)
            let all = try await registry.post("/v1/domains/batch", Self.names(names.dropLast()))
            #expect(all["results"]?.array.count == 10_000)
            #expect(try await registry.head() == head + 1)
            let statistics = try await registry.get("/v1/stats")
            #expect(statistics["total"]?.number == 10_000)
        }
    }

    @Test(arguments: [
        ("{}", ["/domains required"]), (#"{"domains":{}}"#, ["/domains wrong-type"]),
        (#"{"domains":["a.example.com"]}"#, ["/domains/0 wrong-type"]),
        (#"{"domains":[{"fqdn":"a.example.com"},{}]}"#, ["/domains/1/fqdn required"]),
        (
            #"{"domains":[{"fqdn":1,"tenant":2}]}"#,
            ["/domains/0/fqdn wrong-type", "/domains/0/tenant wrong-type"]
        ),
        (
            #"{"domains":[{"fqdn":"a.example.com","revision":1,"mode":true}]}"#,
            ["/domains/0/mode wrong-type", "/domains/0/revision unknown-field"]
        ),
        (
            #"{"domains":[],"ticket":"\#(String(repeating: "x", count: 101))"}"#,
            ["/ticket too-long"]
        ),
    ])
    func `refuses a body of another shape as a whole`(
        body: String, complaints: [String]
    ) async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let answer = try await registry.post("/v1/domains/batch", body)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == complaints)
            #expect(try await registry.head() == head)
        }
    }
}
