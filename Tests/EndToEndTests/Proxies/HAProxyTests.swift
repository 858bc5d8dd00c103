import Testing

@Suite("HAProxy with the registry's map") struct HAProxyTests {
    @Test(arguments: ProxyRelease.allCases)
    func `sends a thousand tenants each to its side, whatever visitors say`(release: ProxyRelease)
        async throws
    {
        let registry = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--access-log", "off"])
        try await Crowd.register(with: registry)
        let proxy = try await HAProxyProcess.start(before: registry, release)
        // It doesn't ask: it goes on without the registry.
        try await registry.crash()
        try await Crowd.expectRightSides(proxy.visitor)
        try await Crowd.expectNoSideForStrangers(proxy.visitor)
        try await Crowd.expectOneTruthForDoubleHosts(proxy.visitor)
        try await proxy.stop()
    }

    @Test(arguments: ProxyRelease.allCases)
    func `follows modes and moves with the map`(release: ProxyRelease) async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        for name in ["a.example.com", "b.example.com", "c.example.com"] {
            _ = try await registry.succeed("domains", "register", name, "--location", "japan")
        }
        let proxy = try await HAProxyProcess.start(before: registry, release)
        #expect(try await proxy.visitor.visit("a.example.com", "POST").side == "japan japan serve")

        _ = try await registry.succeed("domains", "change", "a.example.com", "--mode", "read_only")
        _ = try await registry.succeed("domains", "change", "b.example.com", "--mode", "reject")
        _ = try await registry.succeed("domains", "change", "c.example.com", "--location", "aws")
        try await HAProxyProcess.writeMap(of: registry, in: proxy.folder)
        proxy.reload()
        _ = try await poll("the new map") {
            try await proxy.visitor.visit("c.example.com").side == "aws aws serve" ? true : nil
        }
        #expect(try await proxy.visitor.visit("a.example.com").side == "japan japan read_only")
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
            #expect(try await proxy.visitor.visit("a.example.com", method).status == 503)
        }
        #expect(try await proxy.visitor.visit("b.example.com").status == 503)
        try await proxy.stop()
        try await registry.crash()
    }

    @Test(arguments: ProxyRelease.allCases)
    func `lets no connection be upgraded in a freeze`(release: ProxyRelease) async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        for name in ["a.example.com", "b.example.com"] {
            _ = try await registry.succeed("domains", "register", name, "--location", "japan")
        }
        _ = try await registry.succeed("domains", "change", "a.example.com", "--mode", "read_only")
        let proxy = try await HAProxyProcess.start(before: registry, release)
        try await Upgrades.expectNoneInFreeze(
            proxy.visitor, frozen: "a.example.com", served: "b.example.com")
        let answer = await ExtendedConnect.answer(at: proxy.visitor.port, to: "a.example.com")
        #expect(answer.contains("This site is being moved."), "\(answer)")
        try await proxy.stop()
        try await registry.crash()
    }

    @Test(arguments: ProxyRelease.allCases)
    func `serves nobody whose mode it doesn't know`(release: ProxyRelease) async throws {
        let registry = try await ServerProcess.start(in: TestFolder())
        for name in ["a.example.com", "b.example.com", "c.example.com", "d.example.com"] {
            _ = try await registry.succeed("domains", "register", name, "--location", "japan")
        }
        // The third has none.
        let proxy = try await HAProxyProcess.start(
            before: registry, release,
            map: """
                a.example.com japan:new_mode
                b.example.com japan:serves
                c.example.com japan
                d.example.com japan:serve

                """)
        for name in ["a.example.com", "b.example.com", "c.example.com"] {
            #expect(try await proxy.visitor.visit(name).status == 503, "\(name)")
        }
        #expect(try await proxy.visitor.visit("d.example.com").side == "japan japan serve")
        try await proxy.stop()
        try await registry.crash()
    }

    /// A location without a backend is nobody's site, and no other's.
    @Test(arguments: ProxyRelease.allCases)
    func `doesn't send a tenant of a side that it doesn't know to another`(release: ProxyRelease)
        async throws
    {
        let registry = try await ServerProcess.start(in: TestFolder())
        _ = try await registry.client.putLocation(
            "mars", upstream: "http://mars.example", acceptsSignups: true, isDefault: false,
            note: .init())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "mars")
        let proxy = try await HAProxyProcess.start(before: registry, release)
        #expect(try await proxy.visitor.visit("a.example.com").status == 502)
        try await proxy.stop()
        try await registry.crash()
    }
}
