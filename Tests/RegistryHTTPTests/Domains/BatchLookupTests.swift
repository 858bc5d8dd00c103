import RegistryModel
import Testing

@Suite("Looking up many", .timeLimit(.minutes(15))) struct BatchLookupTests {
    private static func body(_ names: [String]) -> String {
        #"{"fqdns":["# + names.map { "\"\($0)\"" }.joined(separator: ",") + "]}"
    }

    @Test func `answers in request order, duplicates and bad names too`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(["a.example.com", "b.example.com"])
            let names = [
                "b.example.com", "nobody.example.com", "A.Example.com.", "-bad-", "b.example.com",
                "",
                "NOBODY.example.com", "a_b.c",
            ]
            let answer = try await registry.post(
                "/v1/lookup", as: .role(.reader), Self.body(names))
            #expect(answer["revision"]?.number == answer.revision)
            let results = answer["results"]?.array ?? []
            #expect(
                results.map { $0["fqdn"]?.text } == [
                    "b.example.com", "nobody.example.com", "a.example.com", "-bad-",
                    "b.example.com",
                    "", "nobody.example.com", "a_b.c",
                ])
            #expect(
                results.map { $0["code"]?.text } == [
                    nil, "unknown-domain", nil, "invalid-fqdn", nil, "invalid-fqdn",
                    "unknown-domain", "invalid-fqdn",
                ])
        }
    }

    @Test func `takes none and ten thousand, not one more`() async throws {
        try await withRegistry { registry in
            let names = (0..<10_000).map { "n\($0).example.com" }
            try await registry.registerAll(Array(names[..<5_000]))
            let none = try await registry.post("/v1/lookup", Self.body([]))
            #expect(none["results"] == .array([]))
            let all = try await registry.post("/v1/lookup", Self.body(names))
            let found = all["results"]?.array ?? []
            #expect(found.map { $0["fqdn"]?.text } == names)
            #expect(found.filter { $0["location"] != nil }.count == 5_000)
            let more = try await registry.post("/v1/lookup", Self.body(names + ["x.example.com"]))
            #expect(more.isProblem(400, "invalid-request"))
            #expect(more.complaints == ["/fqdns too-long"])
        }
    }

    @Test(arguments: [
        ("{}", "/fqdns required"), (#"{"fqdns":null}"#, "/fqdns wrong-type"),
        (#"{"fqdns":"a.example.com"}"#, "/fqdns wrong-type"),
        (#"{"fqdns":["a.example.com",5]}"#, "/fqdns/1 wrong-type"),
    ])
    func `refuses a body of another shape`(body: String, complaint: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.post("/v1/lookup", body)
            #expect(answer.complaints == [complaint])
        }
    }

    /// A writer moves both domains to and fro in turn: at one revision, at most one of them is ahead.
    @Test func `is at one revision, whatever is written meanwhile`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(["a.example.com", "b.example.com"])
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for round in 0..<40 {
                        for name in ["a", "b"] {
                            try await registry.send(
                                .PATCH, "/v1/domains/\(name).example.com",
                                json: #"{"tenant":"\#(round)"}"#)
                        }
                    }
                }
                for _ in 0..<100 {
                    let answer = try await registry.post(
                        "/v1/lookup", Self.body(["a.example.com", "b.example.com"]))
                    let rounds = (answer["results"]?.array ?? []).map {
                        $0["tenant"]?.text.flatMap { Int($0) } ?? -1
                    }
                    #expect([0, 1].contains(rounds[0] - rounds[1]))
                }
                try await tasks.waitForAll()
            }
        }
    }
}
