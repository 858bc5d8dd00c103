import Foundation
import Testing

/// What visitors get of it in all else is in `VisitorTests`.
@Suite("HAProxy with shared routes", .timeLimit(.minutes(10))) struct HAProxySharedTests {
    private static func agent(
        of registry: ServerProcess, sharing folder: TestFolder
    ) async throws -> AgentProcess {
        let agent = try await AgentProcess.start(
            in: TestFolder(), upstream: registry.url,
            arguments: ["--share", folder.file("routes").path])
        try await agent.shares(registry.revision(), in: folder.file("routes"))
        return agent
    }

    /// A file never changes its size: where it's another one, so is the file. Numbers of files are given again.
    private static func octets(_ folder: TestFolder) throws -> Int? {
        try FileManager.default
            .attributesOfItem(atPath: folder.file("routes").path)[.size] as? Int
    }

    @Test(arguments: ProxyRelease.allCases)
    func `sends a thousand tenants each to its side, whatever visitors say`(release: ProxyRelease)
        async throws
    {
        let registry = try await ServerProcess.start(
            in: TestFolder(), arguments: ["--access-log", "off", "--anonymous-reads"])
        try await Crowd.register(with: registry)
        let folder = try TestFolder()
        let agent = try await Self.agent(of: registry, sharing: folder)
        let proxy = try await HAProxyProcess.start(withRoutesIn: folder, release)
        // It asks nobody: it goes on without the two, also from its beginning.
        try await registry.crash()
        try await agent.crash()
        try await Crowd.expectRightSides(proxy.visitor)
        try await Crowd.expectNoSideForStrangers(proxy.visitor)
        try await Crowd.expectOneTruthForDoubleHosts(proxy.visitor)
        let again = try await proxy.restarted()
        try await Crowd.expectRightSides(again.visitor)
        try await again.stop()
    }

    /// Nobody is told that a site doesn't exist because nobody knows it yet.
    @Test(arguments: ProxyRelease.allCases)
    func `has visitors wait until an agent has shared something, whole or not`(
        release: ProxyRelease
    ) async throws {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(["a.example.com"])
        let folder = try TestFolder()
        let proxy = try await HAProxyProcess.start(withRoutesIn: folder, release)
        func expectAway() async throws {
            for host in ["a.example.com", "nobody.example.com", ""] {
                for method in ["GET", "POST"] {
                    let page = try await proxy.visitor.visit(host, method)
                    #expect(page.status == 503 && page.retryAfter == "5", "\(host): \(page)")
                }
            }
        }
        try await expectAway()
        _ = try folder.write("no routes", to: "routes")
        try await expectAway()
        let agent = try await Self.agent(of: registry, sharing: folder)
        #expect(try await proxy.visitor.visit("a.example.com").side == "japan japan serve")
        #expect(try await proxy.visitor.visit("nobody.example.com").status == 404)
        try await proxy.stop()
        try await agent.crash()
        try await registry.crash()
    }

    @Test(arguments: ProxyRelease.allCases)
    func `serves everybody rightly while files, agents and its own workers come and go`(
        release: ProxyRelease
    ) async throws {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(["stays.example.com", "moves.example.com"])
        let folder = try TestFolder()
        var agent = try await Self.agent(of: registry, sharing: folder)
        let proxy = try await HAProxyProcess.start(withRoutesIn: folder, release)
        let crowd = Task { [visitor = proxy.visitor] in
            var count = 0
            while !Task.isCancelled {
                let page = try await visitor.visit("stays.example.com", "POST")
                #expect(page.side == "japan japan serve", "\(page)")
                let nobody = try await visitor.visit("nobody.example.com")
                #expect(nobody.status == 404, "\(nobody)")
                count += 1
            }
            return count
        }
        func moves(_ side: String) async throws {
            _ = try await registry.move("moves.example.com", to: side)
            #expect(try await registry.client.convergence(waitSeconds: 30).value.converged >= 1)
            // The very next visitor, and there's no worker of before that lags behind.
            for _ in 0..<20 {
                let page = try await proxy.visitor.visit("moves.example.com")
                #expect(page.side == "\(side) \(side) serve", "\(page)")
            }
        }
        for round in 0..<3 {
            try await moves("aws")
            proxy.reload()
            let before = try Self.octets(folder)
            try await registry.client.registerAll(
                (0..<(4_000 << round)).map { "t\(round)-\($0).example.com" })
            #expect(try await registry.client.convergence(waitSeconds: 60).value.converged >= 1)
            #expect(try Self.octets(folder) != before)
            let page = try await proxy.visitor.visit("t\(round)-99.example.com")
            #expect(page.side == "japan japan serve", "\(page)")
            try await moves("japan")
            try await agent.crash()
            _ = try await registry.move("moves.example.com", to: "aws")
            #expect(
                try await proxy.visitor.visit("moves.example.com").side == "japan japan serve")
            agent = try await Self.agent(of: registry, sharing: folder)
        }
        crowd.cancel()
        #expect(try await crowd.value > 20)
        try await proxy.stop()
        try await agent.crash()
        try await registry.crash()
    }

    /// Debian's HAProxy comes with one.
    @Test(
        .enabled(if: geteuid() == 0, "a chroot needs root"), arguments: ProxyRelease.allCases)
    func `follows the file in a chroot, as a user who may only read`(
        release: ProxyRelease
    ) async throws {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(["a.example.com"])
        let folder = try TestFolder()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: folder.url.path)
        let agent = try await Self.agent(of: registry, sharing: folder)
        let proxy = try await HAProxyProcess.start(
            withRoutesIn: folder, release, at: "/routes",
            [("global\n", "global\n    chroot \(folder.url.path)\n    uid 65534\n    gid 65534\n")])
        #expect(try await proxy.visitor.visit("a.example.com").side == "japan japan serve")
        let before = try Self.octets(folder)
        try await registry.client.registerAll((0..<4_000).map { "t\($0).example.com" })
        _ = try await registry.move("a.example.com", to: "aws")
        #expect(try await registry.client.convergence(waitSeconds: 60).value.converged == 1)
        #expect(try Self.octets(folder) != before)
        #expect(try await proxy.visitor.visit("a.example.com").side == "aws aws serve")
        #expect(try await proxy.visitor.visit("t3999.example.com").side == "japan japan serve")
        // Where the path leads nowhere in it, nobody gets an answer that nothing keeps up to date.
        let elsewhere = try await HAProxyProcess.start(
            withRoutesIn: folder, release, at: folder.file("routes").path,
            [("global\n", "global\n    chroot \(folder.url.path)\n")])
        let page = try await elsewhere.visitor.visit("a.example.com")
        #expect(page.status == 503 && page.retryAfter == "5", "\(page)")
        try await elsewhere.stop()
        try await proxy.stop()
        try await agent.crash()
        try await registry.crash()
    }

    @Test(arguments: ProxyRelease.allCases)
    func `doesn't send a tenant of a side that it doesn't know to another`(release: ProxyRelease)
        async throws
    {
        let registry = try await ServerProcess.startOpen()
        _ = try await registry.client.putLocation(
            "mars", upstream: "http://mars.example", acceptsSignups: true, isDefault: false,
            note: .init())
        _ = try await registry.succeed(
            "domains", "register", "a.example.com", "--location", "mars")
        let folder = try TestFolder()
        let agent = try await Self.agent(of: registry, sharing: folder)
        let proxy = try await HAProxyProcess.start(withRoutesIn: folder, release)
        #expect(try await proxy.visitor.visit("a.example.com").status == 502)
        try await proxy.stop()
        try await agent.crash()
        try await registry.crash()
    }

    @Test(arguments: ProxyRelease.allCases)
    func `lets no connection be upgraded in a freeze`(release: ProxyRelease) async throws {
        let registry = try await ServerProcess.startOpen()
        try await registry.client.registerAll(["a.example.com", "b.example.com"])
        _ = try await registry.succeed("domains", "change", "a.example.com", "--mode", "read_only")
        let folder = try TestFolder()
        let agent = try await Self.agent(of: registry, sharing: folder)
        let proxy = try await HAProxyProcess.start(withRoutesIn: folder, release)
        try await Upgrades.expectNoneInFreeze(
            proxy.visitor, frozen: "a.example.com", served: "b.example.com")
        let answer = await ExtendedConnect.answer(at: proxy.visitor.port, to: "a.example.com")
        #expect(answer.contains("This site is being moved."), "\(answer)")
        try await proxy.stop()
        try await agent.crash()
        try await registry.crash()
    }
}
