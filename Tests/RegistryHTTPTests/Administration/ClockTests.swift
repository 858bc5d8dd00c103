import Logging
import RegistryModel
import Testing

@testable import RegistryService

@Suite("A clock that is set", .timeLimit(.minutes(15))) struct ClockTests {
    private static let path = "/v1/domains/a.example.com"

    @Test func `leaves the product's own times good for at=`() async throws {
        try await withRegistry { registry in
            registry.clock.advance(by: .seconds(9 * 3600))
            let made = try await registry.post("/v1/domains", #"{"fqdn":"a.example.com"}"#)
            registry.clock.advance(by: .seconds(-9 * 3600))
            let at = try #require(made["registered_at"]?.text)
            #expect(
                try await registry.get("\(Self.path)?at=\(at)")["fqdn"]?.text == "a.example.com")
            #expect(try await registry.get("/v1/domains?at=\(at)").items.count == 1)
            let batch = try await registry.post(
                "/v1/lookup?at=\(at)", #"{"fqdns":["a.example.com"]}"#)
            #expect(batch["results"]?.array.first?["location"]?.text == "japan")
            // By the clock it wasn't there yet.
            let now = try await registry.get("\(Self.path)?at=\(registry.clock.now)")
            #expect(now.isProblem(404, "unknown-domain"))
            let later = registry.clock.now.adding(.seconds(9 * 3600) + .milliseconds(1))
            let beyond = try await registry.get("\(Self.path)?at=\(later)")
            #expect(beyond.isProblem(400, "invalid-request"))
            #expect(beyond.complaints == ["?at in-the-future"])
        }
    }

    @Test func `is told of where the log is more than five seconds ahead`() async throws {
        try await withRegistry { registry in
            let logger = Logger(label: "test") { _ in RecordedLog.Handler(log: registry.log) }
            func ahead() async throws -> Int64? {
                await ClockWatch(registry.service, logger: logger).look()
                return try await registry.get("/readyz?verbose")["log_ahead_seconds"]?.number
            }
            func warnings() -> Int {
                registry.log.lines.count { $0.message.contains("the clock is behind") }
            }
            #expect(try await registry.get("/readyz?verbose")["log_ahead_seconds"]?.number == 0)
            #expect(try await ahead() == 0)
            registry.clock.advance(by: .seconds(9 * 3600))
            try await registry.register("a.example.com")
            #expect(try await ahead() == 0)
            registry.clock.advance(by: .seconds(-5))
            #expect(try await ahead() == 5)
            #expect(warnings() == 0)
            registry.clock.advance(by: .milliseconds(-1))
            #expect(try await ahead() == 5)
            #expect(warnings() == 1)
            registry.clock.advance(by: .seconds(-100))
            #expect(try await ahead() == 105)
            #expect(warnings() == 1, "once, not again and again")
            registry.clock.advance(by: .seconds(200))
            #expect(try await ahead() == 0)
            registry.clock.advance(by: .seconds(-200))
            #expect(try await ahead() == 105)
            #expect(warnings() == 2)
        }
    }

    @Test func `neither keeps a token alive nor leaves its use in the future`() async throws {
        try await withRegistry { registry in
            registry.clock.advance(by: .seconds(9 * 3600))
            try await registry.get("/v1/stats", as: .role(.reader))
            registry.clock.advance(by: .seconds(-9 * 3600))
            let expiry = registry.clock.now.adding(.seconds(10))
            let made = try await registry.post(
                "/v1/tokens", #"{"name":"short","role":"reader","expires_at":"\#(expiry)"}"#)
            let sender = Sender.authorization("Bearer \(made["token"]?.text ?? "")")
            registry.clock.advance(by: .milliseconds(9_999))
            #expect(try await registry.get("/v1/stats", as: sender).status == 200)
            try await registry.get("/v1/stats", as: .role(.reader))
            let tokens = try await registry.get("/v1/tokens").items
            for token in tokens {
                guard let used = token["last_used_at"]?.text else { continue }
                #expect(used <= registry.clock.now.description)
            }
            registry.clock.advance(by: .milliseconds(1))
            #expect(try await registry.get("/v1/stats", as: sender).status == 401)
        }
    }
}
