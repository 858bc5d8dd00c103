import NIOHTTP1
import RegistryAPI
import RegistryModel
import Testing

@Suite("A DELETE's reason and ticket", .timeLimit(.minutes(15))) struct DeleteNoteTests {
    /// What each takes away: a path, and how to find it in history.
    private static let targets = [
        ("/v1/domains/a.example.com", "released"), ("/v1/locations/mars", "location_changed"),
        ("/v1/tokens/{id}", "token_revoked"), ("/v1/webhooks/chat", "webhook_changed"),
    ]

    private static func path(_ target: String, _ registry: RunningRegistry) async throws -> String {
        switch target {
        case let path where path.hasPrefix("/v1/domains"):
            try await registry.register("a.example.com")
            return path
        case let path where path.hasPrefix("/v1/locations"):
            let answer = try await registry.send(
                .PUT, path,
                json:
                    #"{"upstream":"http://x","accepts_signups":true,"default_for_signups":false}"#)
            #expect(answer.status == 201)
            return path
        case let path where path.hasPrefix("/v1/webhooks"):
            let answer = try await registry.send(
                .PUT, path, json: #"{"url":"https://chat.example","actions":["moved"]}"#)
            #expect(answer.status == 201)
            return path
        default:
            let answer = try await registry.post("/v1/tokens", #"{"name":"n","role":"reader"}"#)
            return "/v1/tokens/\(answer["id"]?.text ?? "")"
        }
    }

    @Test(arguments: targets)
    func `count in a body as they do in the query`(target: String, action: String) async throws {
        try await withRegistry { registry in
            for (query, body) in [
                ("", #"{"reason":"left","ticket":"T-1"}"#), ("?reason=left", #"{"ticket":"T-1"}"#),
                ("?reason=left&ticket=T-1", ""), ("?reason=left&ticket=T-1", #"{"reason":"left"}"#),
            ] {
                let path = try await Self.path(target, registry)
                let answer = try await registry.send(.DELETE, path + query, json: body)
                #expect(answer.status == 204, "\(answer.text)")
                let item = try await registry.get("/v1/history?action=\(action)&limit=1").items
                    .first
                #expect(item?["reason"]?.text == "left" && item?["ticket"]?.text == "T-1")
                if action == "released" { registry.clock.advance(by: .days(90)) }
            }
        }
    }

    @Test(arguments: targets)
    func `are never lost in silence`(target: String, action: String) async throws {
        try await withRegistry { registry in
            let path = try await Self.path(target, registry)
            let head = try await registry.head()
            for (body, complaint) in [
                (#"{"reason":1}"#, "/reason wrong-type"),
                (#"{"why":"left"}"#, "/why unknown-field"),
                (#"{"reason":"b"}"#, "/reason conflict"),
            ] {
                let answer = try await registry.send(.DELETE, path + "?reason=a", json: body)
                #expect(answer.isProblem(400, "invalid-request"))
                #expect(answer.complaints == [complaint])
            }
            let form = try await registry.send(
                .DELETE, path, json: "left", headers: [("Content-Type", "text/plain")])
            #expect(form.isProblem(415, "unsupported-media-type"))
            let broken = try await registry.send(.DELETE, path, json: "left")
            #expect(broken.isProblem(400, "invalid-json"))
            #expect(try await registry.head() == head)
        }
    }

    @Test func `in a body belong to what an Idempotency-Key stands for`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            func delete(_ reason: String) async throws -> Answer {
                try await registry.send(
                    .DELETE, "/v1/domains/a.example.com", json: #"{"reason":"\#(reason)"}"#,
                    headers: [("Idempotency-Key", "k")])
            }
            let first = try await delete("one")
            #expect(first.status == 204, "\(first.text)")
            let again = try await delete("one")
            #expect(again.status == 204 && again.header("Idempotency-Replayed") == "true")
            let other = try await delete("two")
            #expect(other.isProblem(422, "idempotency-key-reused"))
        }
    }
}
