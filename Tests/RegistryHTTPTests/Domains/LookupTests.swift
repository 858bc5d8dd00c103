import RegistryModel
import Testing

@Suite("Looking up a domain", .timeLimit(.minutes(15))) struct LookupTests {
    @Test func `gives all that is known of it`() async throws {
        try await withRegistry { registry in
            let now = registry.clock.now
            let made = try await registry.register("acme.example.com", tenant: "acme-inc")
            registry.clock.advance(by: .days(1))
            try await registry.send(
                .PATCH, "/v1/domains/acme.example.com", json: #"{"location":"aws"}"#)
            let answer = try await registry.get("/v1/domains/acme.example.com", as: .role(.reader))
            #expect(
                answer.text
                    == #"{"fqdn":"acme.example.com","location":"aws","mode":"serve","#
                    + #""tenant":"acme-inc","revision":\#(made.revision! + 1),"#
                    + #""registered_at":"\#(now)","changed_at":"\#(now.adding(.days(1)))"}"#)
        }
    }

    @Test func `leaves the tenant out where there is none`() async throws {
        try await withRegistry { registry in
            try await registry.register("acme.example.com")
            let answer = try await registry.get("/v1/domains/acme.example.com")
            #expect(answer.status == 200 && answer["tenant"] == nil)
        }
    }

    @Test(arguments: ["ACME.Example.COM", "acme.example.com.", "AcMe.example.com."])
    func `takes the name as people write it`(name: String) async throws {
        try await withRegistry { registry in
            try await registry.register("acme.example.com")
            let answer = try await registry.get("/v1/domains/\(name)")
            #expect(answer["fqdn"]?.text == "acme.example.com")
        }
    }

    @Test func `takes a name outside ASCII, escaped or raw, and as A-labels`() async throws {
        try await withRegistry { registry in
            let made = try await registry.register("münchen.example.com")
            #expect(made["fqdn"]?.text == "xn--mnchen-3ya.example.com")
            #expect(made.header("Location") == "/v1/domains/xn--mnchen-3ya.example.com")
            for name in [
                "m%C3%BCnchen.example.com", "münchen.example.com", "xn--mnchen-3ya.example.com",
            ] {
                let answer = try await registry.raw("GET", "/v1/domains/\(name)")
                #expect(answer["fqdn"]?.text == "xn--mnchen-3ya.example.com")
            }
        }
    }

    @Test func `of an unknown one is 404`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/domains/nobody.example.com")
            #expect(answer.isProblem(404, "unknown-domain"))
            #expect(answer["instance"]?.text == "/v1/domains/nobody.example.com")
        }
    }

    @Test(arguments: [
        ("com", FQDN.Malformed.tooFewLabels), ("a..com", .emptyLabel),
        ("a_b.example.com", .forbiddenCharacter), ("-a.example.com", .hyphenAtEdge),
        ("a.1", .numericLastLabel), ("\(String(repeating: "a", count: 64)).com", .labelTooLong),
        (String(repeating: "a.", count: 127) + "com", .tooLong),
        ("xn--a.example.com", .notIDNA2008), ("a.example.com:80", .forbiddenCharacter),
        ("%C2%A0.example.com", .compatibilityForm), ("127.0.0.1", .numericLastLabel),
    ])
    func `of a malformed one is 400 with the rule`(
        name: String, rule: FQDN.Malformed
    ) async throws {
        try await withRegistry { registry in
            let paths = ["", "/availability", "/history"].map { "/v1/domains/\(name)\($0)" }
            for path in paths {
                let answer = try await registry.raw("GET", path, as: .role(.admin))
                #expect(answer.isProblem(400, "invalid-fqdn"))
                #expect(answer["detail"]?.text == rule.explanation)
            }
            let body = name.replacing("%C2%A0", with: "\u{A0}")
            let post = try await registry.post("/v1/domains", #"{"fqdn":"\#(body)"}"#)
            #expect(post.isProblem(400, "invalid-fqdn"))
            #expect(post["detail"]?.text == rule.explanation)
        }
    }
}
