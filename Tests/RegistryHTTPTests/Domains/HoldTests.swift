import Logging
import NIOHTTP1
import RegistryModel
import Testing

@testable import RegistryService

@Suite("A name that is held, over HTTP", .timeLimit(.minutes(15))) struct HoldTests {
    private static func hold(
        _ registry: RunningRegistry, _ name: String, seconds: Int = 900, _ more: String = "",
        as role: Role = .registrar, key: String? = nil
    ) async throws -> Answer {
        try await registry.post(
            "/v1/domains", as: .role(role),
            #"{"fqdn":"\#(name)","hold_seconds":\#(seconds)\#(more)}"#, key: key)
    }

    private static func deadlines(_ registry: RunningRegistry) -> Deadlines {
        Deadlines(
            registry.service,
            logger: Logger(label: "test") { _ in RecordedLog.Handler(log: registry.log) })
    }

    @Test func `outlives its holder's token, and is an operator's then`() async throws {
        try await withRegistry { registry in
            let made = try await registry.post(
                "/v1/tokens", #"{"name":"signup","role":"registrar"}"#)
            let token = try #require(made["token"]?.text)
            let holder = Sender.authorization("Bearer \(token)")
            for name in ["a", "b", "c"] {
                let held = try await registry.post(
                    "/v1/domains", as: holder, #"{"fqdn":"\#(name).example.com","hold_seconds":60}"#
                )
                #expect(held["holder"]?.text == made["id"]?.text)
            }
            let revoked = try await registry.send(
                .DELETE, "/v1/tokens/\(try #require(made["id"]?.text))")
            #expect(revoked.status == 204)
            let path = "/v1/domains/a.example.com"
            let late = try await registry.post("\(path)/activate", as: holder, "{}")
            #expect(late.isProblem(401, "unauthenticated"))
            let other = try await registry.post("\(path)/activate", as: .role(.registrar), "{}")
            #expect(other.isProblem(403, "forbidden"))
            #expect(try await registry.get("/v1/domains?state=held").items.count == 3)
            let activated = try await registry.post(
                "\(path)/activate", as: .role(.operator_), "{}")
            #expect(activated.status == 200)
            let released = try await registry.send(
                .DELETE, "/v1/domains/b.example.com", as: .role(.operator_))
            #expect(released.status == 204)
            registry.clock.advance(by: .seconds(60))
            let free = try await registry.get("/v1/domains/c.example.com/availability")
            #expect(free["available"] == .bool(true))
            #expect(try await registry.get("/v1/history/verify")["ok"] == .bool(true))
        }
    }

    @Test func `is nowhere until it's activated`() async throws {
        try await withRegistry { registry in
            let held = try await Self.hold(registry, "a.example.com", #","tenant":"acme""#)
            #expect(held.status == 201 && held["state"]?.text == "held")
            #expect(held["location"]?.text == "japan" && held.header("Location") == nil)
            let end = registry.clock.now.adding(.seconds(900)).description
            #expect(held["held_until"]?.text == end)
            let holder = registry.token(.registrar).split(separator: "_")[1]
            #expect(held["holder"]?.text == String(holder))

            #expect(
                try await registry.get("/v1/domains/a.example.com").isProblem(404, "unknown-domain")
            )
            #expect(try await registry.get("/v1/route?host=a.example.com").status == 404)
            #expect(try await registry.get("/v1/tls-ask?domain=a.example.com").status == 404)
            #expect(try await registry.get("/v1/domains").items.isEmpty)
            #expect(try await registry.get("/v1/tenants").items.isEmpty)
            #expect(try await registry.get("/v1/stats")["total"]?.number == 0)
            #expect(try await registry.get("/v1/export/csv").text.contains("a.example") == false)
            #expect(try await registry.get("/v1/snapshot").text.contains("a.example") == false)
            let feed = try await registry.get("/v1/changes?after=0&limit=100")
            #expect(!feed.text.contains("a.example"))
            let listed = try await registry.get("/v1/domains?state=held&tenant=acme").items
            #expect(listed.map { $0["fqdn"]?.text } == ["a.example.com"])
            #expect(try await registry.get("/v1/domains?state=held&tenant=other").items.isEmpty)

            let path = "/v1/domains/a.example.com"
            let free = try await registry.get("\(path)/availability")
            #expect(free["code"]?.text == "domain-held" && free["available_at"]?.text == end)
            let taken = try await registry.post(
                "/v1/domains", as: .role(.registrar), #"{"fqdn":"a.example.com"}"#)
            #expect(taken.isProblem(409, "domain-held") && taken["available_at"]?.text == end)
            #expect(try await Self.hold(registry, "a.example.com").isProblem(409, "domain-held"))
            #expect(
                try await registry.post("\(path)/restore", "{}").isProblem(409, "domain-held"))

            let live = try await registry.send(
                .POST, "\(path)/activate", as: .role(.registrar))
            #expect(live.status == 200 && live["location"]?.text == "japan")
            #expect(try await registry.get("/v1/route?host=a.example.com").status == 200)
            let actions = try await registry.get("\(path)/history").items
            #expect(actions.map { $0["action"]?.text } == ["registered", "held"])
            #expect(actions.last?["after"]?["held_until"]?.text == end)
            #expect(actions.last?["after"]?["location"]?.text == "japan")
            let csv = try await registry.get(
                "\(path)/history", headers: [("Accept", "text/csv")])
            #expect(csv.text.contains("held_until"))
            #expect(try await registry.get("/v1/history/verify")["ok"] == .bool(true))
        }
    }

    @Test func `is its holder's, and operators'`() async throws {
        try await withRegistry { registry in
            _ = try await Self.hold(registry, "a.example.com", as: .operator_)
            let path = "/v1/domains/a.example.com"
            for method in [HTTPMethod.POST, .DELETE] {
                let target = method == .POST ? "\(path)/activate" : path
                let refused = try await registry.send(method, target, as: .role(.registrar))
                #expect(refused.isProblem(403, "forbidden"))
                #expect(
                    try await registry.send(method, target, as: .role(.reader))
                        .isProblem(403, "forbidden"))
            }
            #expect(try await registry.send(.DELETE, path, as: .role(.admin)).status == 204)
            #expect(
                try await registry.send(.DELETE, path, as: .role(.registrar))
                    .isProblem(404, "unknown-domain"))
            // A registrar lets go what it holds, and no domain.
            _ = try await Self.hold(registry, "a.example.com")
            #expect(try await registry.send(.DELETE, path, as: .role(.registrar)).status == 204)
            try await registry.register("a.example.com")
            #expect(
                try await registry.send(.DELETE, path, as: .role(.registrar))
                    .isProblem(403, "forbidden"))
            // The holder's token doesn't work any more.
            let made = try await registry.post(
                "/v1/tokens", #"{"name":"signup","role":"registrar"}"#)
            let secret = try #require(made["token"]?.text)
            let held = try await registry.send(
                .POST, "/v1/domains", as: .authorization("Bearer \(secret)"),
                json: #"{"fqdn":"b.example.com","hold_seconds":60}"#)
            #expect(held.status == 201)
            let id = try #require(made["id"]?.text)
            #expect(try await registry.send(.DELETE, "/v1/tokens/\(id)").status == 204)
            #expect(
                try await registry.send(
                    .POST, "/v1/domains/b.example.com/activate",
                    as: .authorization("Bearer \(secret)")
                ).status == 401)
            #expect(
                try await registry.send(
                    .POST, "/v1/domains/b.example.com/activate", as: .role(.operator_)
                ).status == 200)
        }
    }

    @Test func `ends by itself, by the system's hand`() async throws {
        try await withRegistry { registry in
            for name in ["a.example.com", "b.example.com", "c.example.com"] {
                _ = try await Self.hold(registry, name, seconds: 60)
            }
            registry.clock.advance(by: .seconds(60))
            // Nobody has noted it yet, and it's over all the same.
            #expect(try await registry.get("/v1/domains?state=held").items.isEmpty)
            let free = try await registry.get("/v1/domains/a.example.com/availability")
            #expect(free["available"] == .bool(true))
            #expect(
                try await registry.send(
                    .POST, "/v1/domains/b.example.com/activate", as: .role(.registrar)
                ).isProblem(404, "unknown-domain"))
            try await registry.register("a.example.com")
            let items = try await registry.get("/v1/domains/a.example.com/history").items
            #expect(items.map { $0["action"]?.text } == ["registered", "hold_expired", "held"])
            #expect(items[1]["actor"]?["token"]?.text == "system")
            #expect(items[1]["reason"]?.text == "the hold came to its end")

            await Self.deadlines(registry).once()
            let over = try await registry.get("/v1/history?action=hold_expired").items
            #expect(
                Set(over.compactMap { $0["fqdn"]?.text }) == [
                    "a.example.com", "b.example.com", "c.example.com",
                ])
            let head = try await registry.head()
            await Self.deadlines(registry).once()
            #expect(try await registry.head() == head)
            #expect(try await registry.get("/v1/history/verify")["ok"] == .bool(true))
        }
    }

    @Test func `is the same again for a repeated request`() async throws {
        try await withRegistry { registry in
            let first = try await Self.hold(registry, "a.example.com", key: "k")
            let again = try await Self.hold(registry, "a.example.com", key: "k")
            #expect(again.status == 201 && again.bytes == first.bytes)
            #expect(again.header("Idempotency-Replayed") == "true")
            let path = "/v1/domains/a.example.com/activate"
            let live = try await registry.post(path, as: .role(.registrar), "{}", key: "l")
            let replayed = try await registry.post(path, as: .role(.registrar), "{}", key: "l")
            #expect(live.status == 200 && replayed.bytes == live.bytes)
            #expect(
                try await registry.post(path, as: .role(.registrar), "{}")
                    .isProblem(409, "domain-taken"))
        }
    }

    @Test(arguments: ["59", "86401", "-1", "60.5", "\"60\"", "null", "9999999999999999999"])
    func `is refused for a time that isn't one`(seconds: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.post(
                "/v1/domains", #"{"fqdn":"a.example.com","hold_seconds":\#(seconds)}"#)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer["errors"]?.array.first?["pointer"]?.text == "/hold_seconds")
        }
    }

    @Test func `is refused as a registration would be`() async throws {
        let settings = RegistrySettings.with { $0.suffixes = [FQDN(canonical: "example.com")] }
        try await withRegistry(settings) { registry in
            let malformed = try await Self.hold(registry, "a_b.example.com")
            #expect(malformed.isProblem(400, "invalid-fqdn"))
            #expect(
                try await Self.hold(registry, "www.example.com").isProblem(422, "domain-reserved"))
            #expect(
                try await Self.hold(registry, "a.example.org")
                    .isProblem(422, "domain-outside-suffix"))
            #expect(
                try await Self.hold(registry, "a.example.com", #","location":"mars""#)
                    .isProblem(422, "unknown-location"))
            #expect(
                try await Self.hold(registry, "a.example.com", #","allow_split":true"#)
                    .isProblem(403, "forbidden"))
            for query in ["state=live", "state=held&revision=1", "state=held&state=held"] {
                #expect(
                    try await registry.get("/v1/domains?\(query)").isProblem(400, "invalid-request")
                )
            }
        }
    }

    @Test func `comes in pages`() async throws {
        try await withRegistry { registry in
            for number in 0..<5 { _ = try await Self.hold(registry, "n\(number).example.com") }
            var names: [String?] = []
            var cursor = ""
            repeat {
                let page = try await registry.get("/v1/domains?state=held&limit=2\(cursor)")
                names += page.items.map { $0["fqdn"]?.text }
                cursor = page["next_cursor"]?.text.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(names == (0..<5).map { "n\($0).example.com" })
        }
    }
}
