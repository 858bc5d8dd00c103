import Testing

@Suite("Content negotiation", .whateverTheStore, .timeLimit(.minutes(15))) struct NegotiationTests {
    @Test(arguments: [
        "text/html", "application/xml", "application/json;q=0", "*/*;q=0", "text/*, image/png",
        "application/json;q=0.000, text/html", "*/*, application/json;q=0",
        "application/*;q=0, */*", "application/problem+json", "text/csv", "application/x-ndjson",
    ])
    func `refuses an Accept that doesn't take JSON`(accept: String) async throws {
        try await withRegistry { registry in
            for target in ["/v1/stats", "/v1/tokens", "/v1/domains/a.example.com"] {
                let answer = try await registry.get(target, headers: [("Accept", accept)])
                #expect(answer.isProblem(406, "not-acceptable"))
            }
            let write = try await registry.send(
                .POST, "/v1/domains", json: #"{"fqdn":"a.example.com"}"#,
                headers: [("Accept", accept)])
            #expect(write.isProblem(406, "not-acceptable"))
            #expect(try await registry.get("/v1/domains/a.example.com").status == 404)
        }
    }

    @Test(arguments: [
        "application/json", "application/*", "*/*", "APPLICATION/JSON", "text/html, */*;q=0.1",
        "application/json;q=0.5", "application/json; charset=utf-8", "text/html;q=0, */*", "",
        " , application/json", "*/*;q=0, application/json",
    ])
    func `takes an Accept that includes JSON`(accept: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/stats", headers: [("Accept", accept)])
            #expect(answer.status == 200)
        }
    }

    @Test(
        arguments: [
            ("application/x-ndjson", "application/x-ndjson"), ("text/csv", "text/csv"),
            ("TEXT/CSV", "text/csv"), ("text/*", "text/csv"), ("*/*", "application/json"),
            ("", "application/json"), ("application/*", "application/json"),
            ("text/csv, */*", "text/csv"), ("*/*, text/csv;q=0.5", "application/json"),
            ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
            ("application/x-ndjson, application/json", "application/x-ndjson"),
            ("application/json, application/x-ndjson", "application/json"),
            ("text/html, application/xml;q=0.9, */*;q=0.8", "application/json"),
            ("application/json;q=0, */*", "application/x-ndjson"),
            ("text/csv;header=present;q=0.1, text/html", "text/csv"),
            ("text/html", nil), ("text/csv;q=0, text/html", nil), ("*/*;q=0", nil),
            ("application/xml", nil),
        ] as [(String, String?)])
    func `gives history as the client would rather have it`(
        accept: String, type: String?
    ) async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/history", headers: [("Accept", accept)])
            let sent = answer.header("Content-Type")?.prefix { $0 != ";" }
            guard let type else {
                #expect(answer.isProblem(406, "not-acceptable"))
                #expect(answer["detail"]?.text?.contains("text/csv") == true)
                return
            }
            #expect(answer.status == 200 && sent.map(String.init) == type)
            #expect(answer.header("Vary") == "Accept")
        }
    }

    @Test func `takes several Accept fields as one list`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.raw(
                "GET", "/v1/stats",
                headers: [("Accept", "text/html"), ("Accept", "application/json")])
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [
        "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1",
        "application/jsonx", "application/merge-patch+json", "multipart/form-data; boundary=x",
        "application/json, application/json",
    ])
    func `refuses a body of another type`(type: String) async throws {
        try await withRegistry { registry in
            for target in ["/v1/domains", "/v1/lookup", "/v1/domains/a.example.com/restore"] {
                let answer = try await registry.send(
                    .POST, target, json: "{}", headers: [("Content-Type", type)])
                #expect(answer.isProblem(415, "unsupported-media-type"))
            }
        }
    }

    @Test func `refuses a body without a type, and a compressed one`() async throws {
        try await withRegistry { registry in
            let untyped = try await registry.raw(
                "POST", "/v1/lookup", body: #"{"fqdns":[]}"#)
            #expect(untyped.isProblem(415, "unsupported-media-type"))
            let compressed = try await registry.send(
                .POST, "/v1/lookup", json: #"{"fqdns":[]}"#, headers: [("Content-Encoding", "gzip")]
            )
            #expect(compressed.isProblem(415, "unsupported-media-type"))
        }
    }

    @Test(arguments: [
        "application/json", "application/json;charset=UTF-8", #"application/json; charset="utf-8""#,
        "Application/JSON",
    ])
    func `takes JSON in UTF-8`(type: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.send(
                .POST, "/v1/lookup", json: #"{"fqdns":[]}"#,
                headers: [("Content-Type", type), ("Content-Encoding", "identity")])
            #expect(answer.status == 200)
        }
    }
}
