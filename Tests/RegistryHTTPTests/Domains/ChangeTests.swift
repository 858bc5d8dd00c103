import RegistryModel
import Testing

@Suite("Changing a domain", .timeLimit(.minutes(15))) struct ChangeTests {
    private static let path = "/v1/domains/a.example.com"

    private static func patch(
        _ registry: RunningRegistry, _ body: String
    ) async throws -> Answer {
        try await registry.send(.PATCH, path, as: .role(.operator_), json: body)
    }

    @Test func `sets what is named and leaves the rest`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", tenant: "t")
            let moved = try await Self.patch(registry, #"{"location":"aws"}"#)
            #expect(moved.status == 200)
            #expect(moved["location"]?.text == "aws" && moved["tenant"]?.text == "t")
            let frozen = try await Self.patch(registry, #"{"mode":"read_only"}"#)
            #expect(frozen["location"]?.text == "aws" && frozen["mode"]?.text == "read_only")
            let all = try await Self.patch(
                registry,
                #"{"location":"japan","mode":"reject","tenant":"u","reason":"r","ticket":"t"}"#)
            #expect(all["location"]?.text == "japan")
            #expect(all["mode"]?.text == "reject" && all["tenant"]?.text == "u")
            #expect(try await registry.get(Self.path).bytes == all.bytes)
        }
    }

    @Test func `clears the tenant with null`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", tenant: "t")
            let cleared = try await Self.patch(registry, #"{"tenant":null}"#)
            #expect(cleared.status == 200 && cleared["tenant"] == nil)
            let history = try await registry.get("\(Self.path)/history")
            #expect(history.items.first?["before"]?["tenant"]?.text == "t")
            #expect(history.items.first?["after"]?["tenant"] == nil)
            for body in [#"{"mode":null}"#, #"{"location":null}"#, #"{"reason":null}"#] {
                #expect(try await Self.patch(registry, body).isProblem(400, "invalid-request"))
            }
        }
    }

    @Test func `makes no revision where all is so already`() async throws {
        try await withRegistry { registry in
            let made = try await registry.register("a.example.com", tenant: "t")
            let head = try await registry.head()
            let bodies = [
                "{}", #"{"location":"japan"}"#, #"{"mode":"serve","tenant":"t"}"#,
                #"{"reason":"r","ticket":"t"}"#,
                #"{"location":"japan","mode":"serve","tenant":"t"}"#,
            ]
            for body in bodies {
                let answer = try await Self.patch(registry, body)
                #expect(answer.status == 200 && answer.bytes == made.bytes)
                #expect(answer.header("ETag") == made.header("ETag"))
            }
            #expect(try await registry.head() == head)
            let history = try await registry.get("\(Self.path)/history")
            #expect(history.items.count == 1)
        }
    }

    @Test func `moves into a location that is closed to signups`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            try await registry.send(
                .PUT, "/v1/locations/aws",
                json:
                    #"{"upstream":"http://x","accepts_signups":false,"default_for_signups":false}"#)
            #expect(try await Self.patch(registry, #"{"location":"aws"}"#).status == 200)
        }
    }

    @Test(arguments: ["mars", "", "AWS", "a b"])
    func `to a location that doesn't exist is 422`(location: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let answer = try await Self.patch(
                registry, #"{"location":"\#(location)","mode":"reject"}"#)
            #expect(answer.isProblem(422, "unknown-location"))
            let after = try await registry.get(Self.path)
            #expect(after["mode"]?.text == "serve")
        }
    }

    @Test(arguments: [
        (#"{"mode":"off"}"#, "/mode not-allowed"), (#"{"mode":1}"#, "/mode wrong-type"),
        (#"{"location":1}"#, "/location wrong-type"), (#"{"tenant":1}"#, "/tenant wrong-type"),
        (#"{"tenant":""}"#, "/tenant too-short"), (#"{"revision":1}"#, "/revision unknown-field"),
    ])
    func `refuses values that won't do`(body: String, complaint: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            #expect(try await Self.patch(registry, body).complaints == [complaint])
        }
    }

    @Test func `of an unknown or malformed name is refused`() async throws {
        try await withRegistry { registry in
            let unknown = try await Self.patch(registry, #"{"mode":"reject"}"#)
            #expect(unknown.isProblem(404, "unknown-domain"))
            let malformed = try await registry.send(.PATCH, "/v1/domains/com", json: "{}")
            #expect(malformed.isProblem(400, "invalid-fqdn"))
        }
    }
}

@Suite("Releasing and restoring", .timeLimit(.minutes(15))) struct ReleaseTests {
    private static let path = "/v1/domains/a.example.com"

    @Test func `a released name is gone, and rests in quarantine`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            let until = registry.clock.now.adding(.days(90))
            let released = try await registry.send(.DELETE, Self.path, as: .role(.operator_))
            #expect(released.status == 204 && released.bytes.isEmpty)
            #expect(try await registry.get(Self.path).isProblem(404, "unknown-domain"))
            let again = try await registry.send(.DELETE, Self.path)
            #expect(again.isProblem(404, "unknown-domain"))

            let refused = try await registry.post("/v1/domains", #"{"fqdn":"a.example.com"}"#)
            #expect(refused.isProblem(409, "domain-quarantined"))
            #expect(refused["available_at"]?.text == "\(until)")
            registry.clock.advance(by: .days(90) - .milliseconds(1))
            let late = try await registry.post("/v1/domains", #"{"fqdn":"a.example.com"}"#)
            #expect(late.isProblem(409, "domain-quarantined"))
            registry.clock.advance(by: .milliseconds(1))
            let made = try await registry.register("a.example.com")
            #expect(made["registered_at"]?.text == "\(registry.clock.now)")
        }
    }

    @Test func `a restored domain is as it was`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", location: "aws", tenant: "t")
            let before = try await registry.send(.PATCH, Self.path, json: #"{"mode":"reject"}"#)
            try await registry.send(.DELETE, Self.path)
            registry.clock.advance(by: .days(200))
            let restored = try await registry.post("\(Self.path)/restore", #"{"reason":"oops"}"#)
            #expect(restored.status == 200)
            for field in ["fqdn", "location", "mode", "tenant", "registered_at"] {
                #expect(restored[field] == before[field], "\(field)")
            }
            #expect(restored["changed_at"]?.text == "\(registry.clock.now)")
            #expect(restored["revision"]?.number == restored.revision)
            let twice = try await registry.post("\(Self.path)/restore", "{}")
            #expect(twice.isProblem(409, "domain-taken"))
        }
    }

    @Test func `a restore needs no body`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com")
            try await registry.send(.DELETE, Self.path)
            let restored = try await registry.send(.POST, "\(Self.path)/restore")
            #expect(restored.status == 200)
        }
    }

    @Test func `what was never there can't be restored`() async throws {
        try await withRegistry { registry in
            let unknown = try await registry.post("\(Self.path)/restore", "{}")
            #expect(unknown.isProblem(404, "unknown-domain"))
            let malformed = try await registry.post("/v1/domains/a_b.com/restore", "{}")
            #expect(malformed.isProblem(400, "invalid-fqdn"))
        }
    }

    @Test func `a restore to a location that is gone is 422`() async throws {
        let settings = RegistrySettings.with { $0.quarantine = .days(1) }
        try await withRegistry(settings) { registry in
            try await registry.register("a.example.com", location: "aws")
            try await registry.send(.DELETE, Self.path)
            registry.clock.advance(by: .days(2))
            // After the quarantine nobody counts the name any more.
            #expect(try await registry.send(.DELETE, "/v1/locations/aws").status == 204)
            let answer = try await registry.post("\(Self.path)/restore", "{}")
            #expect(answer.isProblem(422, "unknown-location"))
        }
    }
}
