import Testing

/// Each test polls much faster than the configuration says: what takes seconds is its own business.
@Suite("Traefik with the registry as its HTTP provider") struct TraefikExportTests {
    private struct World {
        let registry: ServerProcess
        let sides: Sides
        let folder: TestFolder

        init() async throws {
            folder = try TestFolder()
            registry = try await ServerProcess.start(in: TestFolder())
            sides = try await Sides.start(in: folder, spare: 1)
            for (name, port) in [("japan", sides.japan), ("aws", sides.aws)] {
                _ = try await registry.client.putLocation(
                    name, upstream: "http://127.0.0.1:\(port)", acceptsSignups: true,
                    isDefault: name == "japan", note: .init())
            }
        }

        func token() async throws -> String {
            try await registry.succeed("tokens", "create", "traefik", "--role", "reader").lines[0]
        }

        /// - Parameter host: that has to be routed; nil: it listens, and that's all.
        func traefik(_ token: String, until host: String? = "a.example.com") async throws
            -> TraefikProcess
        {
            return try await TraefikProcess.start(
                "export.yaml", folder, sides,
                [
                    ("127.0.0.1:8080", "127.0.0.1:\(registry.port)"), ("trk_REPLACE_ME", token),
                    ("pollInterval: 5s", "pollInterval: 50ms"),
                    ("providersThrottleDuration: 2s", "providersThrottleDuration: 50ms"),
                ], until: host)
        }

        func register(_ names: String...) async throws {
            for name in names {
                _ = try await registry.succeed("domains", "register", name, "--location", "japan")
            }
        }
    }

    private static func wait(
        _ what: String, _ visitor: Visitor, _ host: String, _ method: String = "GET",
        _ isSo: (Visitor.Page) -> Bool
    ) async throws {
        _ = try await poll(what) {
            isSo(try await visitor.visit(host, method)) ? true : nil
        }
    }

    @Test func `follows moves and modes, and forgets the last tenant too`() async throws {
        let world = try await World()
        try await world.register("a.example.com", "b.example.com")
        let proxy = try await world.traefik(world.token())
        let visitor = proxy.visitor
        #expect(try await visitor.visit("a.example.com", "POST").side.hasPrefix("japan"))
        #expect(try await visitor.visit("nobody.example.com").status == 404)

        _ = try await world.registry.succeed(
            "domains", "change", "a.example.com", "--location", "aws", "--mode", "read_only")
        try await Self.wait("moved", visitor, "a.example.com") { $0.side.hasPrefix("aws") }
        for (method, fields) in [
            ("POST", []), ("PROPFIND", []), ("GET", ["Connection: Upgrade", "Upgrade: websocket"]),
        ] {
            let page = try await visitor.visit("a.example.com", method, fields)
            #expect(page.status == 503 && page.retryAfter == "30", "\(page)")
        }
        #expect(try await visitor.visit("b.example.com", "POST").side.hasPrefix("japan"))

        _ = try await world.registry.succeed(
            "domains", "change", "a.example.com", "--mode", "reject")
        try await Self.wait("rejected", visitor, "a.example.com") {
            $0.status == 503 && $0.retryAfter == "30"
        }
        for name in ["a.example.com", "b.example.com"] {
            _ = try await world.registry.succeed("domains", "release", name)
        }
        try await Self.wait("gone", visitor, "a.example.com") { $0.status == 404 }
        try await Self.wait("gone", visitor, "b.example.com") { $0.status == 404 }
        try await proxy.stop()
        try await world.registry.crash()
    }

    @Test func `tells a side nothing of tenants that a visitor says`() async throws {
        let world = try await World()
        try await world.register("a.example.com")
        let proxy = try await world.traefik(world.token())
        // It removes by whole names alone: the registry's.
        let lies = Crowd.lies(against: "japan").filter {
            !$0.lowercased().hasPrefix("x-tenant-other")
        }
        for fields in lies.map({ [$0] }) + [lies] {
            let page = try await proxy.visitor.visit("a.example.com", "GET", fields)
            #expect(page.side == "japan japan serve", "\(fields): \(page)")
            #expect(page.leaks == "" && !page.body.contains("evil"), "\(fields): \(page)")
        }
        try await proxy.stop()
        try await world.registry.crash()
    }

    @Test func `goes on while the registry is away, and knows nobody when it's started then`()
        async throws
    {
        let world = try await World()
        try await world.register("a.example.com")
        let token = try await world.token()
        let proxy = try await world.traefik(token)
        let tokens = try await world.registry.succeed("tokens", "list", "--output", "ndjson")
            .objects()
        let id = try #require(tokens.first { $0["name"] == "traefik" }?["id"])
        _ = try await world.registry.succeed("tokens", "revoke", id)
        _ = try await poll("it's refused: \(proxy.log)") {
            proxy.log.contains("received non-ok response code: 401") ? true : nil
        }
        #expect(try await proxy.visitor.visit("a.example.com").status == 200)
        try await world.registry.crash()
        _ = try await poll("it's noticed: \(proxy.log)") {
            proxy.log.contains("connection refused") ? true : nil
        }
        #expect(try await proxy.visitor.visit("a.example.com").status == 200)
        try await proxy.stop()

        // What README.md warns of: should this change, the warning may go.
        let next = try await world.traefik(token, until: nil)
        _ = try await poll("it's noticed: \(next.log)") {
            next.log.contains("connection refused") ? true : nil
        }
        #expect(try await next.visitor.visit("a.example.com").status == 404)
        try await next.stop()
    }
}
