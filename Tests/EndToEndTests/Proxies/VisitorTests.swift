import Foundation
import Testing

/// What visitors get of each proxy with the configuration that comes with the service, the expectations
/// written once.
@Suite("Visitors of a proxy") struct VisitorTests {
    @Test(arguments: EdgeKind.allCases)
    func `get what is theirs, whatever they send`(kind: EdgeKind) async throws {
        let edge = try await Edge.start(kind)
        try await edge.check(VisitorRow.all)
        try await edge.stop()
    }

    /// Nothing of that is worth a page at night: the power was gone, and the registry takes longer.
    @Test(arguments: EdgeKind.allCases)
    func `are served after a restart while the registry is dead, every tenant that was known`(
        kind: EdgeKind
    ) async throws {
        let edge = try await Edge.start(kind)
        // A cache knows what it was asked for.
        try await edge.check(VisitorRow.known)
        let next = try await edge.restartedWithoutRegistry()
        try await next.check(VisitorRow.known)
        try await next.stop()
    }

    @Test(arguments: EdgeKind.allCases)
    func `are told to wait where nobody says where they live, by silence or not at all`(
        kind: EdgeKind
    ) async throws {
        let edge = try await Edge.start(kind)
        let asked = kind.asks == .agent ? edge.agent.process : edge.registry.process
        let rows = kind.asks == .nobody ? VisitorRow.known : VisitorRow.away
        try await asked.pause()
        if kind.asks != .nobody { try await edge.reaches(VisitorRow.away[0]) }
        try await edge.check(rows)
        asked.signal(SIGCONT)
        try await edge.reaches(VisitorRow.known[0])
        try await asked.crash()
        // A cache goes on with what it was asked for meanwhile.
        try await edge.check(rows.filter { $0.host != VisitorRow.known[0].host })
        try await edge.stop()
    }

    /// By the files that their agent keeps; whoever asks on each request has it at the next one.
    @Test(arguments: EdgeKind.ofFiles)
    func `follow freezes, moves and names that come and go`(kind: EdgeKind) async throws {
        let edge = try await Edge.start(kind)
        let (registry, host) = (edge.registry, VisitorRow.tenants[0].host)
        for (side, mode) in [("japan", "read_only"), ("aws", "serve"), ("japan", "serve")] {
            _ = try await registry.succeed(
                "domains", "change", host, "--location", side, "--mode", mode)
            try await edge.reaches(
                VisitorRow("\(mode) at \(side)", host, gets: .side(side, mode: mode)))
        }
        _ = try await registry.succeed(
            "domains", "register", "new.kintone.com", "--location", "aws")
        try await edge.reaches(VisitorRow("new", "new.kintone.com", gets: .side("aws")))
        _ = try await registry.succeed("domains", "release", "new.kintone.com")
        try await edge.reaches(VisitorRow("gone", "new.kintone.com", gets: .nobody))
        _ = try await registry.succeed("domains", "change", host, "--mode", "reject")
        try await edge.reaches(VisitorRow("rejected", host, gets: .moving))
        try await edge.check(VisitorRow.known.filter { $0.host != host })
        try await edge.stop()
    }

    @Test(arguments: EdgeKind.allCases)
    func `speak by WebSocket where they're served, and nowhere else`(kind: EdgeKind) async throws {
        let edge = try await Edge.start(kind)
        let served = await edge.visitor.openWebSocket(at: "a.kintone.com", saying: "hello")
        #expect(served.status == 101 && served.said == "hello", "\(served)")
        for host in ["r.kintone.com", "x.kintone.com"] {
            let refused = await edge.visitor.openWebSocket(at: host, saying: "hello")
            #expect(refused.status == 503, "\(host): \(refused)")
        }
        let nobody = await edge.visitor.openWebSocket(at: "nobody.kintone.com", saying: "hello")
        #expect(nobody.status == 404, "\(nobody)")
        try await edge.stop()
    }

    /// What docs/convergence.md says of each: what had begun before a freeze is the application's to end.
    @Test(arguments: EdgeKind.allCases)
    func `go on by a WebSocket that was open before a freeze, and begin none`(
        kind: EdgeKind
    ) async throws {
        let edge = try await Edge.start(kind)
        let host = VisitorRow.tenants[1].host
        let old = await edge.visitor.openWebSocket(at: host, saying: "still here") {
            await #expect(throws: Never.self) {
                _ = try await edge.registry.succeed(
                    "domains", "change", host, "--mode", "read_only")
                try await edge.reaches(
                    VisitorRow("frozen", host, "POST", "/", ["Content-Length: 0"], gets: .moving))
                guard kind == .nginxMaps || kind == .newestNginxMaps else { return }
                // Its worker is of before, and nobody is told that the freeze is everywhere.
                let now = try await edge.registry.client.convergence().value
                #expect(now.lagging == ["edge"])
            }
        }
        #expect(old.status == 101 && old.said == "still here", "\(old)")
        // nginx's workers of before go on listening for a moment beside the new ones.
        let isReloaded = kind == .nginxMaps || kind == .newestNginxMaps
        let new = try await poll("no new WebSocket") {
            let new = await edge.visitor.openWebSocket(at: host, saying: "hello")
            return new.status == 101 && isReloaded ? nil : new
        }
        #expect(new.status == 503, "\(new)")
        try await edge.stop()
    }
}
