import RegistryAPI
import RegistryModel
import Testing

@Suite("Webhooks", .timeLimit(.minutes(15))) struct WebhookTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    private static func put(
        _ registry: RunningRegistry, _ name: String = "chat",
        url: String = "https://chat.example/hooks/1?key=hidden",
        actions: String = #"["moved","frozen"]"#, more: String = "", key: String? = nil
    ) async throws -> Answer {
        try await registry.send(
            .PUT, "/v1/webhooks/\(name)", json: #"{"url":"\#(url)","actions":\#(actions)\#(more)}"#,
            headers: key.map { [("Idempotency-Key", $0)] } ?? [])
    }

    @Test func `a PUT makes one, and shows its secret this once`() async throws {
        try await withRegistry { registry in
            let made = try await Self.put(registry, key: "k")
            #expect(made.status == 201 && made["revision"]?.number == made.revision)
            let secret = try #require(made["secret"]?.text)
            #expect(WebhookSecret(secret)?.bytes.count == 32)
            #expect(made["actions"]?.array.compactMap(\.text) == ["moved", "frozen"])

            let replay = try await Self.put(registry, key: "k")
            #expect(replay.status == 201 && replay["secret"] == nil)
            #expect(replay.header("Idempotency-Replayed") == "true")
            let same = try await Self.put(registry)
            #expect(same.status == 200 && same["secret"] == nil && same.revision == made.revision)
            let changed = try await Self.put(registry, actions: #"["moved"]"#)
            #expect(changed.status == 200 && changed["secret"] == nil)
            #expect(changed.revision == made.revision.map { $0 + 1 })
            for path in ["/v1/webhooks", "/v1/webhooks/chat", "/v1/history?action=webhook_changed"]
            {
                let shown = try await registry.get(path)
                #expect(shown.status == 200 && !shown.text.contains(secret.dropFirst(6)), "\(path)")
            }
            #expect(!registry.log.text.contains(secret.dropFirst(6)))
        }
    }

    @Test func `a secret that was sent isn't shown`() async throws {
        try await withRegistry { registry in
            let made = try await Self.put(registry, more: #","secret":"\#(Self.secret)""#)
            #expect(made.status == 201 && made["secret"] == nil)
            let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            let rotated = try await Self.put(registry, more: #","secret":"\#(other)""#)
            #expect(rotated.status == 200 && rotated["secret"] == nil)
            let shown = try await registry.get("/v1/webhooks/chat")
            let until = registry.clock.now.adding(.days(1))
            #expect(shown["former_secret_until"]?.text == "\(until)")
        }
    }

    @Test func `are listed with how far they have come`() async throws {
        try await withRegistry { registry in
            #expect(try await registry.get("/v1/webhooks").items.isEmpty)
            for name in ["b", "a", "c"] {
                _ = try await Self.put(registry, name, actions: #"["registered"]"#)
            }
            try await registry.register("a.example.com")
            let first = try await registry.get("/v1/webhooks?limit=2")
            #expect(first.items.map { $0["name"]?.text } == ["a", "b"])
            #expect(first.items.allSatisfy { $0["behind"]?.number == 1 })
            #expect(first.items.allSatisfy { $0["given_up"]?.number == 0 })
            let cursor = try #require(first["next_cursor"]?.text)
            let second = try await registry.get("/v1/webhooks?limit=2&cursor=\(cursor)")
            #expect(second.items.map { $0["name"]?.text } == ["c"])
            let own = try await registry.get("/v1/webhooks/b")
            #expect(own["behind"]?.number == 1 && own["name"]?.text == "b")
        }
    }

    @Test func `history says who has set one, and where it leads, without what may be a password`()
        async throws
    {
        try await withRegistry { registry in
            let made = try await Self.put(registry, more: #","reason":"r","ticket":"T-1""#)
            let deleted = try await registry.send(
                .DELETE, "/v1/webhooks/chat?reason=over&ticket=T-2")
            #expect(deleted.status == 204)
            let history = try await registry.get(
                "/v1/history?action=webhook_changed&order=asc", as: .role(.auditor))
            #expect(history.items.count == 2 && !history.text.contains("hidden"))
            let first = try #require(history.items.first)
            #expect(first["revision"]?.number == made.revision && first["before"] == .null)
            #expect(first["subject"]?.text == "chat" && first["reason"]?.text == "r")
            #expect(first["after"]?["url"]?.text == "https://chat.example")
            #expect(first["after"]?["actions"]?.array.compactMap(\.text) == ["moved", "frozen"])
            #expect(history.items[1]["before"] == first["after"])
            #expect(history.items[1]["after"] == .null && history.items[1]["ticket"]?.text == "T-2")
            let csv = try await registry.get(
                "/v1/history?action=webhook_changed", headers: [("Accept", "text/csv")])
            #expect(
                csv.text.contains("webhook_changed") && csv.text.contains("https://chat.example"))
        }
    }

    @Test(arguments: [
        ("{}", ["/url required", "/actions required"]),
        (#"{"url":"https://a.example","actions":[]}"#, ["/actions too-short"]),
        (#"{"url":"https://a.example","actions":["moved","flown"]}"#, ["/actions/1 invalid"]),
        (#"{"url":"https://a.example","actions":"moved"}"#, ["/actions wrong-type"]),
        (#"{"url":"chat.example","actions":["moved"]}"#, ["/url invalid"]),
        (#"{"url":"https://u:p@a.example","actions":["moved"]}"#, ["/url invalid"]),
        (#"{"url":"https://a.example","actions":["moved"],"secret":"x"}"#, ["/secret invalid"]),
        (#"{"url":"https://a.example","actions":["moved"],"x":1}"#, ["/x unknown-field"]),
    ])
    func `that are wrong are refused with all that is wrong`(body: String, complaints: [String])
        async throws
    {
        try await withRegistry { registry in
            let answer = try await registry.send(.PUT, "/v1/webhooks/chat", json: body)
            #expect(answer.isProblem(400, "invalid-request"), "\(answer.text)")
            #expect(answer.complaints == complaints, "\(answer.text)")
            #expect(!answer.text.contains("u:p@"))
        }
    }

    @Test func `name the action that there isn't`() async throws {
        try await withRegistry { registry in
            let answer = try await Self.put(registry, actions: #"["flown"]"#)
            #expect(answer.text.contains("there is no action flown; there are registered, moved,"))
        }
    }

    @Test(arguments: ["Chat", "a_b", "-a", "a-", "%20", String(repeating: "a", count: 64)])
    func `have names as locations have`(name: String) async throws {
        try await withRegistry { registry in
            let put = try await Self.put(registry, name)
            #expect(put.isProblem(400, "invalid-request"))
            for answer in [
                try await registry.get("/v1/webhooks/\(name)"),
                try await registry.send(.DELETE, "/v1/webhooks/\(name)"),
            ] {
                #expect(answer.isProblem(404, "unknown-webhook"))
            }
        }
    }

    @Test(arguments: [
        "http://chat.example", "http://127.0.0.1:9", "https://127.0.0.1", "https://[::1]/",
        "https://localhost", "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:169.254.169.254]/", "https://[fd00:ec2::254]/", "https://[fe80::1]/",
        "https://0.0.0.0/", "https://224.0.0.1", "https://[64:ff9b::a9fe:a9fe]/",
    ])
    func `lead nowhere that mustn't be reached`(url: String) async throws {
        try await withRegistry { registry in
            let answer = try await Self.put(registry, url: url)
            #expect(answer.isProblem(422, "webhook-forbidden"), "\(answer.text)")
            #expect(try await registry.get("/v1/webhooks").items.isEmpty)
        }
    }

    @Test func `may lead into a private network`() async throws {
        try await withRegistry { registry in
            for url in ["https://10.1.2.3/in", "https://[fd12::1]:8443/", "https://chat.internal"] {
                let answer = try await Self.put(registry, "n", url: url)
                #expect(answer.status < 300, "\(url)")
            }
        }
    }

    @Test(arguments: [Role.reader, .registrar, .auditor, .operator_])
    func `are an admin's to see`(role: Role) async throws {
        try await withRegistry { registry in
            _ = try await Self.put(registry)
            for path in ["/v1/webhooks", "/v1/webhooks/chat"] {
                #expect(
                    try await registry.get(path, as: .role(role)).isProblem(403, "forbidden"))
            }
        }
    }
}
