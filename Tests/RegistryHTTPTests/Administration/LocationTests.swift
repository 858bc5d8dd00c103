import RegistryAPI
import RegistryModel
import Testing

@Suite("Locations", .timeLimit(.minutes(15))) struct LocationTests {
    @discardableResult
    private static func put(
        _ registry: RunningRegistry, _ name: String, upstream: String = "http://x.example",
        signups: Bool = true, isDefault: Bool = false
    ) async throws -> Answer {
        try await registry.send(
            .PUT, "/v1/locations/\(name)",
            json:
                #"{"upstream":"\#(upstream)","accepts_signups":\#(signups),"default_for_signups":\#(isDefault),"reason":"r","ticket":"t"}"#
        )
    }

    private static func defaults(_ registry: RunningRegistry) async throws -> [String] {
        try await registry.get("/v1/locations").items
            .filter { $0["default_for_signups"] == .bool(true) }.compactMap { $0["name"]?.text }
    }

    @Test func `japan and aws are there from the start, and japan is the default`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.get("/v1/locations", as: .role(.reader))
            #expect(answer.items.map { $0["name"]?.text } == ["aws", "japan"])
            #expect(try await Self.defaults(registry) == ["japan"])
        }
    }

    @Test func `a PUT makes one, changes it, and repeats without a revision`() async throws {
        try await withRegistry { registry in
            let made = try await Self.put(registry, "mars")
            #expect(made.status == 201 && made["revision"]?.number == made.revision)
            let changed = try await Self.put(registry, "mars", upstream: "https://mars:1/")
            #expect(changed.status == 200 && changed["upstream"]?.text == "https://mars:1")
            let head = try await registry.head()
            let same = try await Self.put(registry, "mars", upstream: "https://mars:1")
            #expect(same.status == 200 && same.bytes == changed.bytes)
            #expect(try await registry.head() == head)
        }
    }

    @Test func `one is read with a tag, which a PUT and a DELETE are held to`() async throws {
        try await withRegistry { registry in
            let path = "/v1/locations/mars"
            #expect(try await registry.get(path).isProblem(404, "unknown-location"))
            #expect(try await registry.get("/v1/locations/A").isProblem(404, "unknown-location"))
            let body =
                #"{"upstream":"http://m","accepts_signups":true,"default_for_signups":false}"#
            func put(_ tag: String, _ body: String) async throws -> Answer {
                try await registry.send(.PUT, path, json: body, headers: [("If-Match", tag)])
            }
            let early = try await put("*", body)
            #expect(early.isProblem(412, "revision-mismatch") && early["revision"] == nil)
            let made = try await Self.put(registry, "mars")
            let tag = try #require(made.header("ETag"))
            let epoch = try #require(made.epoch)
            #expect(tag == "\"\(epoch).\(try #require(made["revision"]?.number))\"")
            let read = try await registry.get(path, as: .role(.reader))
            #expect(read.header("ETag") == tag && read.bytes == made.bytes)
            let known = try await registry.get(path, headers: [("If-None-Match", tag)])
            #expect(known.status == 304 && known.header("ETag") == tag)

            let changed = try await put(tag, body)
            let next = try #require(changed.header("ETag"))
            #expect(changed.status == 200 && next != tag)
            let head = try await registry.head()
            for old in [tag, "\"x\"", "W/\(next)"] {
                let late = try await put(
                    old,
                    #"{"upstream":"http://late","accepts_signups":true,"default_for_signups":false}"#
                )
                #expect(late.isProblem(412, "revision-mismatch"), "\(old)")
                let gone = try await registry.send(.DELETE, path, headers: [("If-Match", old)])
                #expect(gone.isProblem(412, "revision-mismatch"), "\(old)")
            }
            #expect(try await put("garbage", body).isProblem(400, "invalid-request"))
            #expect(try await registry.head() == head)
            #expect(try await put(next, body).header("ETag") == next)
            // Who takes the mark of the default away from it has changed it.
            try await Self.put(registry, "mars", upstream: "http://m", isDefault: true)
            let marked = try #require(try await registry.get(path).header("ETag"))
            try await Self.put(registry, "japan", isDefault: true)
            #expect(try await put(marked, body).isProblem(412, "revision-mismatch"))
            let last = try #require(try await registry.get(path).header("ETag"))
            let gone = try await registry.send(.DELETE, path, headers: [("If-Match", last)])
            #expect(gone.status == 204)
        }
    }

    @Test func `the default moves with one PUT, in one revision`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let moved = try await Self.put(registry, "aws", isDefault: true)
            #expect(moved.revision == head + 1)
            #expect(try await Self.defaults(registry) == ["aws"])
            let history = try await registry.get("/v1/history?action=location_changed&order=asc")
            let own = history.items.filter { $0["revision"]?.number == head + 1 }
            #expect(own.map { $0["subject"]?.text } == ["japan", "aws"])
            #expect(own.allSatisfy { $0["reason"]?.text == "r" && $0["ticket"]?.text == "t" })
        }
    }

    @Test func `the default mark can't just be taken away, and the default stays`() async throws {
        try await withRegistry { registry in
            let unmarked = try await Self.put(registry, "japan")
            #expect(unmarked.isProblem(409, "default-location-required"))
            let deleted = try await registry.send(.DELETE, "/v1/locations/japan")
            #expect(deleted.isProblem(409, "default-location-required"))
            let closed = try await Self.put(registry, "japan", signups: false, isDefault: true)
            #expect(closed.status == 200)
        }
    }

    @Test func `one in use stays, also while a released name may come back to it`() async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", location: "aws")
            let used = try await registry.send(.DELETE, "/v1/locations/aws")
            #expect(used.isProblem(409, "location-in-use"))
            try await registry.send(.DELETE, "/v1/domains/a.example.com")
            let resting = try await registry.send(.DELETE, "/v1/locations/aws")
            #expect(resting.isProblem(409, "location-in-use"))
            registry.clock.advance(by: .days(90))
            let free = try await registry.send(.DELETE, "/v1/locations/aws?reason=gone&ticket=T-1")
            #expect(free.status == 204)
            let again = try await registry.send(.DELETE, "/v1/locations/aws")
            #expect(again.isProblem(404, "unknown-location"))
            let history = try await registry.get("/v1/history?action=location_changed")
            #expect(history.items.first?["after"] == .null)
            #expect(history.items.first?["reason"]?.text == "gone")
        }
    }

    @Test(arguments: ["mars", "MARS", "a%20b", "-", "%FF", "a%2Fb"])
    func `deleting one that isn't there is 404`(name: String) async throws {
        try await withRegistry { registry in
            let answer = try await registry.raw(
                "DELETE", "/v1/locations/\(name)", as: .role(.admin))
            #expect(answer.isProblem(404, "unknown-location"))
        }
    }

    @Test(arguments: [
        "MARS", "a_b", "-a", "a-", "%C3%A4", "a.b", String(repeating: "a", count: 64),
    ])
    func `a name that won't do is 400`(name: String) async throws {
        try await withRegistry { registry in
            let answer = try await Self.put(registry, name)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints == ["{name} invalid"])
        }
    }

    @Test(arguments: [
        "", "mars", "ftp://x", "http://", "https:///x", "http://:80", "http://a b",
        #"http://a\r\nX-Evil: 1"#, #"http://a\u0000"#, "http://ä", "//x", "javascript:alert(1)",
        "http://user:secret@x", "http://x:0", "http://x:65536", "http://x/path", "http://x?y",
        "http://" + String(repeating: "a", count: 2048),
    ])
    func `an upstream that is no URL for a header is 400`(upstream: String) async throws {
        try await withRegistry { registry in
            let answer = try await Self.put(registry, "mars", upstream: upstream)
            #expect(answer.isProblem(400, "invalid-request"))
            #expect(answer.complaints.allSatisfy { $0.hasPrefix("/upstream ") })
            #expect(!answer.text.contains("secret"))
        }
    }

    @Test func `all fields are asked for`() async throws {
        try await withRegistry { registry in
            let answer = try await registry.send(.PUT, "/v1/locations/aws", json: "{}")
            #expect(
                answer.complaints == [
                    "/upstream required", "/accepts_signups required",
                    "/default_for_signups required",
                ])
            let typed = try await registry.send(
                .PUT, "/v1/locations/aws",
                json: #"{"upstream":1,"accepts_signups":"yes","default_for_signups":0}"#)
            #expect(typed.complaints.count == 3)
        }
    }
}

@Suite("Statistics", .timeLimit(.minutes(15))) struct StatisticsTests {
    @Test func `count by location, those without domains too`() async throws {
        try await withRegistry { registry in
            try await registry.registerAll(["a.example.com", "b.example.com", "c.example.com"])
            try await registry.send(
                .PATCH, "/v1/domains/a.example.com", json: #"{"mode":"reject"}"#)
            try await registry.send(.DELETE, "/v1/domains/b.example.com")
            let answer = try await registry.get("/v1/stats", as: .role(.reader))
            let head = try await registry.head()
            #expect(
                answer.text
                    == #"{"revision":\#(head),"total":2,"locations":["#
                    + #"{"location":"aws","domains":0,"frozen":0,"suspended":0},"#
                    + #"{"location":"japan","domains":2,"frozen":0,"suspended":1}],"open_migrations":0,"split_tenants":0}"#
            )
        }
    }
}
