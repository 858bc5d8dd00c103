import NIOHTTP1
import Testing

@Suite("Conditional requests", .timeLimit(.minutes(15))) struct ConditionalRequestTests {
    private static let path = "/v1/domains/a.example.com"

    @Test func `a domain has epoch and revision as strong ETag, wherever it's answered`()
        async throws
    {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com")
            let epoch = try #require(made.epoch)
            let tag = "\"\(epoch).\(try #require(made["revision"]?.number))\""
            #expect(made.header("ETag") == tag)
            #expect(try await registry.get(Self.path).header("ETag") == tag)
            let patched = try await registry.send(.PATCH, Self.path, json: #"{"tenant":"t"}"#)
            #expect(patched.header("ETag") != tag)
            try await registry.send(.DELETE, Self.path)
            let restored = try await registry.post("\(Self.path)/restore", "{}")
            #expect(restored.header("ETag") == "\"\(epoch).\(try #require(restored.revision))\"")
        }
    }

    @Test func `If-None-Match is 304 for the tag, weak or in a list, and for a star`() async throws
    {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com")
            let tag = try #require(made.header("ETag"))
            for field in [tag, "W/\(tag)", "\"x\", \(tag)", "\"a,b\",W/\(tag) ,", "*", " \(tag) "] {
                let answer = try await registry.get(Self.path, headers: [("If-None-Match", field)])
                #expect(answer.status == 304, "\(field)")
                #expect(answer.header("ETag") == tag)
                #expect(answer.header("Content-Length") == nil)
                let head = try await registry.raw(
                    "HEAD", Self.path, headers: [("If-None-Match", field)])
                #expect(head.status == 304, "\(field)")
            }
            let fields = [("If-None-Match", "\"x\""), ("If-None-Match", tag)]
            #expect(try await registry.raw("GET", Self.path, headers: fields).status == 304)
        }
    }

    @Test func `If-None-Match with another tag, or none, is 200`() async throws {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com")
            let number = try #require(made["revision"]?.number)
            let epoch = try #require(made.epoch)
            for field in [
                "\"\(epoch).\(number + 1)\"", "\"\"", "\(epoch).\(number)",
                "\"\(epoch).0\(number)\"", "\"\(epoch).+\(number)\"", "garbage", "\"\(number)\"",
                "\"another.\(number)\"", "W/\"another.\(number)\"", "\".\(number)\"",
                "", "\"x,\(epoch).\(number)\"", "w/\"\(epoch).\(number)\"",
                "'\(epoch).\(number)'", "\" \(epoch).\(number)\"",
            ] {
                let answer = try await registry.get(Self.path, headers: [("If-None-Match", field)])
                #expect(answer.status == 200, "\(field)")
            }
            let unknown = try await registry.get(
                "/v1/domains/b.example.com", headers: [("If-None-Match", "*")])
            #expect(unknown.isProblem(404, "unknown-domain"))
        }
    }

    @Test func `If-None-Match holds for lookups of the past`() async throws {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com")
            let tag = try #require(made.header("ETag"))
            try await registry.send(.PATCH, Self.path, json: #"{"tenant":"t"}"#)
            let past = try await registry.get(
                "\(Self.path)?revision=\(try #require(made.revision))",
                headers: [("If-None-Match", tag)])
            #expect(past.status == 304)
        }
    }

    @Test func `If-Match lets a write through for the tag, in a list, or a star`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            for (index, form) in ["TAG", "\"x\", TAG", "*", "\"a,b\",,TAG"].enumerated() {
                let tag = try #require(try await registry.get(Self.path).header("ETag"))
                let answer = try await registry.send(
                    .PATCH, Self.path, json: #"{"tenant":"t\#(index)"}"#,
                    headers: [("If-Match", form.replacing("TAG", with: tag))])
                #expect(answer.status == 200, "\(form)")
            }
            let tag = try #require(try await registry.get(Self.path).header("ETag"))
            let released = try await registry.send(
                .DELETE, Self.path, headers: [("If-Match", tag)])
            #expect(released.status == 204)
        }
    }

    /// What nobody looks at guards nothing.
    @Test func `a write that can't be held to a precondition isn't done`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", tenant: "t")
            let head = try await registry.head()
            let domain = (HTTPMethod.PATCH, Self.path, #"{"mode":"reject"}"#)
            let others: [(HTTPMethod, String, String)] = [
                (.PATCH, "/v1/tenants/t", #"{"mode":"reject"}"#),
                (.PUT, "/v1/webhooks/chat", #"{"url":"https://o.example","actions":["moved"]}"#),
                (.DELETE, "/v1/tokens/abc", ""),
                (.POST, "/v1/domains", #"{"fqdn":"b.example.com"}"#),
            ]
            for (method, path, body) in others + [domain] {
                let fields =
                    ["If-None-Match", "If-Unmodified-Since"]
                    + (path == Self.path ? [] : ["If-Match"])
                for (field, value) in fields.flatMap({ [($0, "*"), ($0, "\"x\"")] }) {
                    let answer = try await registry.send(
                        method, path, json: body, headers: [(field, value)])
                    #expect(answer.isProblem(400, "invalid-request"), "\(method) \(path) \(field)")
                    #expect(answer.text.contains(field))
                }
            }
            #expect(try await registry.head() == head)
            // A question is no write, and a read has nothing to lose.
            let lookup = try await registry.send(
                .POST, "/v1/lookup", json: #"{"fqdns":["a.example.com"]}"#,
                headers: [("If-Match", "\"x\"")])
            #expect(lookup.status == 200)
        }
    }

    @Test func `If-Match that doesn't hold is 412 with the current revision`() async throws {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com")
            let number = try #require(made["revision"]?.number)
            let epoch = try #require(made.epoch)
            let head = try await registry.head()
            let fields = [
                "\"\(epoch).\(number + 1)\"", "\"x\"", "\"1\", \"2\"", "\"\"", "\"a,b\"",
                "\"\(epoch).0\(number)\"", "W/\"\(epoch).\(number)\", \"x\"",
                "\"\(number)\"", "\"another.\(number)\"",
            ]
            for field in fields {
                for method in ["PATCH", "DELETE"] {
                    let answer = try await registry.send(
                        .init(rawValue: method), Self.path,
                        json: method == "PATCH" ? #"{"mode":"reject"}"# : nil,
                        headers: [("If-Match", field)])
                    #expect(answer.isProblem(412, "revision-mismatch"))
                    #expect(answer["revision"]?.number == number)
                }
            }
            #expect(try await registry.head() == head)
        }
    }

    @Test func `If-Match with weak tags alone is 412, and says that they are weak`() async throws {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com")
            let number = try #require(made["revision"]?.number)
            let epoch = try #require(made.epoch)
            for field in ["W/\"\(epoch).\(number)\"", "W/\"1\", W/\"\(epoch).\(number)\""] {
                for method in ["PATCH", "DELETE"] {
                    let answer = try await registry.send(
                        .init(rawValue: method), Self.path,
                        json: method == "PATCH" ? #"{"mode":"reject"}"# : nil,
                        headers: [("If-Match", field)])
                    #expect(answer.isProblem(412, "revision-mismatch"))
                    #expect(answer["detail"]?.text?.contains("weak") == true)
                }
            }
        }
    }

    @Test func `If-Match for a domain that isn't there is 412 without a revision`() async throws {
        try await withRegistry { registry in
            for field in ["*", "\"1\""] {
                let answer = try await registry.send(
                    .DELETE, "/v1/domains/b.example.com", headers: [("If-Match", field)])
                #expect(answer.isProblem(412, "revision-mismatch"))
                #expect(answer["revision"] == nil)
            }
        }
    }

    @Test(arguments: ["", ",", "5", "\"5", "W/5", "w/\"5\"", "\"5\" \"6\"", "\"a b\"", "\"5\", x"])
    func `If-Match that is no tag is 400`(field: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let answer = try await registry.raw(
                "DELETE", Self.path, headers: [("If-Match", field)], as: .role(.operator_))
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == ["If-Match invalid"])
        }
    }
}
