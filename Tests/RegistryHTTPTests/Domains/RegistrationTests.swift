import RegistryModel
import Testing

@Suite("Registering a domain", .timeLimit(.minutes(15))) struct RegistrationTests {
    @Test func `answers 201 with the domain and where it is`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.post(
                "/v1/domains", as: .role(.registrar),
                #"{"fqdn":"Acme.Example.com.","location":"aws","tenant":"acme","reason":"r","ticket":"T"}"#
            )
            #expect(answer.status == 201)
            #expect(answer.header("Location") == "/v1/domains/acme.example.com")
            #expect(answer["fqdn"]?.text == "acme.example.com")
            #expect(answer["location"]?.text == "aws")
            #expect(answer["mode"]?.text == "serve")
            #expect(answer["tenant"]?.text == "acme")
            let found = try await registry.get("/v1/domains/acme.example.com")
            #expect(found.bytes == answer.bytes)
        }
    }

    @Test func `without a location lands at the default for signups`() async throws {
        try await withRegistry { registry in
            let first = try await registry.register("a.example.com")
            #expect(first["location"]?.text == "japan")
            try await registry.send(
                .PUT, "/v1/locations/aws",
                json:
                    #"{"upstream":"http://aws","accepts_signups":true,"default_for_signups":true}"#)
            let second = try await registry.register("b.example.com")
            #expect(second["location"]?.text == "aws")
        }
    }

    @Test func `of a name that is taken is 409`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            for name in ["a.example.com", "A.EXAMPLE.COM", "a.example.com."] {
                let answer = try await registry.post("/v1/domains", #"{"fqdn":"\#(name)"}"#)
                #expect(answer.isProblem(409, "domain-taken"))
            }
        }
    }

    @Test func `lets exactly one of fifty racing requests through`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for number in 0..<50 {
                    tasks.addTask {
                        let body = #"{"fqdn":"a.example.com","tenant":"\#(number)"}"#
                        return try await registry.post("/v1/domains", body).status
                    }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 201 }.count == 1)
            #expect(statuses.filter { $0 == 409 }.count == 49)
            #expect(try await registry.head() == head + 1)
        }
    }

    @Test func `at a location that is closed is 409, and at the default that is closed too`()
        async throws
    {
        try await withRegistry { registry in
            for (name, isDefault) in [("aws", false), ("japan", true)] {
                try await registry.send(
                    .PUT, "/v1/locations/\(name)",
                    json:
                        #"{"upstream":"http://x","accepts_signups":false,"default_for_signups":\#(isDefault)}"#
                )
            }
            let named = try await registry.post(
                "/v1/domains", #"{"fqdn":"a.example.com","location":"aws"}"#)
            #expect(named.isProblem(409, "location-closed"))
            let unnamed = try await registry.post("/v1/domains", #"{"fqdn":"a.example.com"}"#)
            #expect(unnamed.isProblem(409, "location-closed"))
        }
    }

    @Test(arguments: ["mars", "AWS", "", "a b", "-"])
    func `at a location that doesn't exist is 422`(location: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.post(
                "/v1/domains", #"{"fqdn":"a.example.com","location":"\#(location)"}"#)
            #expect(answer.isProblem(422, "unknown-location"))
        }
    }

    @Test(arguments: [
        "www.example.com", "api.example.com", "admin.example.com", "mail.a.b", "mta-sts.a.b",
        "openpgpkey.a.b", "autoconfig.a.b", "autodiscover.a.b", "sip.a.b", "sipexternal.a.b",
        "lyncdiscover.a.b", "wpad.a.b", "submission.a.b", "caldavs.a.b", "keyserver.a.b",
    ])
    func `of a reserved name is 422`(name: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.post("/v1/domains", #"{"fqdn":"\#(name)"}"#)
            #expect(answer.isProblem(422, "domain-reserved"))
            let availability = try await registry.get("/v1/domains/\(name)/availability")
            #expect(availability["available"]?.flag == false)
            #expect(availability["code"]?.text == "domain-reserved")
        }
    }

    @Test func `outside the suffixes is 422, at a label boundary`() async throws {
        let settings = try RegistrySettings.with { settings in
            settings.suffixes = try [FQDN("kintone.com"), FQDN("cybozu.cn")]
        }
        try await withRegistry(settings) { registry in
            for name in ["acme.kintone.com", "a.b.cybozu.cn"] {
                try await registry.register(name)
            }
            for name in [
                "evilkintone.com", "kintone.com", "a.example.com", "kintone.com.example.com",
            ] {
                let answer = try await registry.post("/v1/domains", #"{"fqdn":"\#(name)"}"#)
                #expect(answer.isProblem(422, "domain-outside-suffix"))
                let availability = try await registry.get("/v1/domains/\(name)/availability")
                #expect(availability["code"]?.text == "domain-outside-suffix")
            }
        }
    }

    @Test(arguments: [
        (#"{"fqdn":""}"#, "invalid-fqdn"), (#"{"fqdn":"a\u0000.com"}"#, "invalid-fqdn"),
        (#"{"fqdn":"\#(String(repeating: "a", count: 2000)).com"}"#, "invalid-fqdn"),
        (#"{"fqdn":null}"#, "invalid-request"), (#"{"fqdn":["a.com"]}"#, "invalid-request"),
        ("{}", "invalid-request"),
    ])
    func `without a good name is 400`(body: String, code: String) async throws {
        try await withRegistry { registry in
            #expect(try await registry.post("/v1/domains", body).isProblem(400, code))
            let head = try await registry.head()
            #expect(head == 5)
        }
    }

    @Test func `counts a tenant's characters by code points`() async throws {
        try await withRegistry { registry in
            let longest = String(repeating: "名", count: 200)
            let made = try await registry.register("a.example.com", tenant: longest)
            #expect(made["tenant"]?.text == longest)
            let cases = [
                (longest + "x", "too-long"), ("", "too-short"), (#"a\u0007"#, "invalid"),
                (#"a\u0085b"#, "invalid"), (#"a\nb"#, "invalid"),
            ]
            for (tenant, code) in cases {
                let answer = try await registry.post(
                    "/v1/domains", #"{"fqdn":"b.example.com","tenant":"\#(tenant)"}"#)
                #expect(answer.complaints == ["/tenant \(code)"])
            }
        }
    }
}

@Suite("Availability", .timeLimit(.minutes(15))) struct AvailabilityTests {
    @Test func `says what a registration would meet`() async throws {
        try await withRegistry { registry in
            let path = "/v1/domains/A.example.com/availability"
            let free = try await registry.get(path, as: .role(.registrar))
            #expect(free.text == #"{"fqdn":"a.example.com","available":true}"#)
            try await registry.register("a.example.com")
            let taken = try await registry.get(path, as: .role(.registrar))
            #expect(
                taken.text == #"{"fqdn":"a.example.com","available":false,"code":"domain-taken"}"#)
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            let until = registry.clock.now.adding(.days(90))
            let resting = try await registry.get(path, as: .role(.registrar))
            #expect(resting["code"]?.text == "domain-quarantined")
            #expect(resting["available_at"]?.text == "\(until)")
            registry.clock.advance(by: .days(90))
            let again = try await registry.get(path, as: .role(.registrar))
            #expect(again["available"]?.flag == true)
        }
    }
}
