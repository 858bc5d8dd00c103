import Testing

/// SQLite's text ends at a NUL: what comes after must not get lost on the way.
@Suite("A NUL", .timeLimit(.minutes(15))) struct NulTests {
    @Test func `in a path doesn't make one name of another`() async throws {
        try await withRegistry { registry in
            let head = try await registry.head()
            let token = registry.token(.reader).split(separator: "_")[1]
            let revoked = try await registry.send(.DELETE, "/v1/tokens/\(token)%00x")
            #expect(revoked.isProblem(404, "unknown-token"))
            let deleted = try await registry.send(.DELETE, "/v1/locations/aws%00")
            #expect(deleted.status == 404)
            let domain = try await registry.get("/v1/domains/a.example.com%00")
            #expect(domain.isProblem(400, "invalid-fqdn"))
            #expect(try await registry.head() == head)
            #expect(try await registry.get("/v1/stats", as: .role(.reader)).status == 200)
        }
    }

    @Test(arguments: [
        ("/v1/domains", "tenant"), ("/v1/domains", "prefix"), ("/v1/history", "actor"),
        ("/v1/history", "migration"),
    ])
    func `in a filter is refused`(path: String, name: String) async throws {
        try await withRegistry { registry in
            try await registry.register("a.example.com", tenant: "t")
            let answer = try await registry.get("\(path)?\(name)=t%00x")
            #expect(answer.complaints == ["?\(name) invalid"])
        }
    }
}
