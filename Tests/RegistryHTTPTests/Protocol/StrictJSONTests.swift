import Testing

@Suite("A body", .whateverTheStore, .timeLimit(.minutes(15))) struct StrictJSONTests {
    private static func nested(_ depth: Int) -> String {
        // The object around it is one level.
        #"{"fqdn":"#
            + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
            + "}"
    }

    @Test(arguments: [
        "", " ", "{", #"{"fqdn"}"#, #"{"fqdn":"a.example.com",}"#, "{'fqdn':'a.example.com'}",
        #"{"fqdn":"a.example.com"} x"#, #"{"fqdn":"a.example.com"}{}"#,
        #"{"fqdn":"a.example.com","fqdn":"b.example.com"}"#,
        #"{"fqdn":"a.example.com","\u0066qdn":"b.example.com"}"#,
        #"{"fqdn":"a.example.com","reason":"\ud800"}"#, #"{"fqdn":"\x"}"#,
        "{\"fqdn\":\"a.example.com\",\"reason\":\"\t\"}", #"{"fqdn":nul}"#, #"{"fqdn":01}"#,
        #"{"fqdn":NaN}"#, #"{"fqdn":1e999}"#, "{/**/}", "\u{FEFF}{}",
    ])
    func `that isn't JSON is refused as such`(text: String) async throws {
        try await withRegistry { registry in
            // An empty body carries no length: what isn't there is no JSON either.
            let answer = try await registry.post("/v1/domains", text)
            #expect(answer.isProblem(400, "invalid-json"))
        }
    }

    @Test(arguments: [
        [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xE2, 0x82],
    ])
    func `that isn't UTF-8 is refused`(bytes: [UInt8]) async throws {
        try await withRegistry { registry in
            let body =
                Array(#"{"fqdn":"a.example.com","reason":""#.utf8) + bytes + Array("\"}".utf8)
            let answer = try await registry.send(.POST, "/v1/domains", bytes: body)
            #expect(answer.isProblem(400, "invalid-json"))
        }
    }

    @Test func `may be 32 levels deep and not 33`() async throws {
        try await withRegistry { registry in
            let deep = try await registry.post("/v1/domains", Self.nested(32))
            #expect(deep.isProblem(400, "invalid-request"))
            #expect(deep.complaints == ["/fqdn wrong-type"])
            let deeper = try await registry.post("/v1/domains", Self.nested(33))
            #expect(deeper.isProblem(400, "invalid-json"))
            #expect(deeper["detail"]?.text?.contains("deeper than 32") == true)
        }
    }

    @Test(arguments: ["[]", "null", "1", #""text""#, "true"])
    func `that is no object is refused`(text: String) async throws {
        try await withRegistry { registry in
            for (method, target) in [("POST", "/v1/domains"), ("POST", "/v1/lookup")] {
                let answer = try await registry.send(.init(rawValue: method), target, json: text)
                #expect(answer.isProblem(400, "invalid-request"))
                #expect(answer.complaints == [" wrong-type"])
            }
        }
    }

    @Test(arguments: [
        ("POST", "/v1/domains", #"{"fqdn":"a.example.com","extra/~":1}"#, "/extra~1~0"),
        (
            "POST", "/v1/domains/batch", #"{"domains":[{"fqdn":"a.example.com","x":1}]}"#,
            "/domains/0/x"
        ),
        ("POST", "/v1/lookup", #"{"fqdns":[],"limit":1}"#, "/limit"),
        ("PATCH", "/v1/domains/a.example.com", #"{"fqdn":"b.example.com"}"#, "/fqdn"),
        ("POST", "/v1/domains/a.example.com/restore", #"{"fqdn":"b.example.com"}"#, "/fqdn"),
        (
            "PUT", "/v1/locations/aws",
            #"{"upstream":"http://a","accepts_signups":true,"default_for_signups":false,"name":"b"}"#,
            "/name"
        ),
        ("POST", "/v1/tokens", #"{"name":"a","role":"reader","token":"t"}"#, "/token"),
    ])
    func `with a field that nobody knows is refused by every write`(
        method: String, target: String, body: String, pointer: String
    ) async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let answer = try await registry.send(.init(rawValue: method), target, json: body)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == ["\(pointer) unknown-field"])
            #expect(try await registry.head() == head)
        }
    }

    @Test func `is told everything that is wrong with it at once`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.post(
                "/v1/domains", #"{"location":5,"tenant":"","reason":"a\u0000b","colour":"red"}"#)
            #expect(
                answer.complaints == [
                    "/fqdn required", "/location wrong-type", "/tenant too-short",
                    "/reason invalid",
                    "/colour unknown-field",
                ])
            #expect(answer["detail"]?.text?.contains("and 4 more") == true)
        }
    }

    @Test func `gets at most a hundred complaints`() async throws {
        try await withRegistry { registry in
            let fields = (0..<500).map { #""f\#($0)":1"# }.joined(separator: ",")
            let answer = try await registry.post("/v1/domains", "{\(fields)}")
            #expect(answer.complaints.count == 100)
        }
    }

    @Test func `of a PATCH may be a merge patch`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let type = [("Content-Type", "application/merge-patch+json")]
            let patched = try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"tenant":"t"}"#, headers: type)
            #expect(patched.status == 200)
            let posted = try await registry.send(.POST, "/v1/domains", json: "{}", headers: type)
            #expect(posted.isProblem(415, "unsupported-media-type"))
        }
    }
}
