import NIOCore
import NIOPosix
import RegistryLedger
import RegistryModel
import StoreCore
import Testing

@testable import RegistryService

/// What many readers at once get, and what they leave to others.
@Suite("Readers of the store", .timeLimit(.minutes(15))) struct ReaderTests {
    /// Takes every place of a lane while `body` runs.
    private static func holding(
        _ registry: RunningRegistry, _ lane: ReadLane,
        of line: (any LanedStore) -> ReadLanes = { $0.lanes },
        _ body: (ReadLanes) async throws -> Void
    ) async throws {
        let lanes = line(try #require(registry.service.store as? any LanedStore))
        let (doors, door) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The walks have one place.
            group.addTask {
                try await lanes.run(lane) { () async throws(RegistryError) in
                    for await _ in doors {}
                }
            }
            try await poll("a place") { lanes.running(lane) == 1 }
            let result = await Result { try await body(lanes) }
            door.finish()
            try await group.waitForAll()
            try result.get()
        }
    }

    private static func filled(_ registry: RunningRegistry) async throws {
        try await registry.registerAll((0..<4_000).map { "n\($0).example.com" })
    }

    /// Lets memory reach back no further than now.
    private static func forgetsTheFeed(_ registry: RunningRegistry) throws {
        registry.service.state.feed.begin(at: try registry.service.position())
    }

    private static func client(
        _ registry: RunningRegistry, _ target: String, json: String? = nil
    ) async throws -> any Channel {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: registry.port).get()
        let body = json.map {
            "Content-Type: application/json\r\nContent-Length: \($0.utf8.count)\r\n\r\n\($0)"
        }
        let request =
            "\(json == nil ? "GET" : "POST") \(target) HTTP/1.1\r\nHost: h\r\n"
            + "Authorization: Bearer \(registry.token(.admin))\r\n\(body ?? "\r\n")"
        try await channel.writeAndFlush(ByteBuffer(string: request)).get()
        return channel
    }

    private static let walks = [
        "/v1/domains?mode=reject", "/v1/domains?suffix=none.example.com&revision=1",
        "/v1/changes?after=0&limit=10000", "/v1/history/verify",
    ]

    @Test(arguments: walks, [true, false])
    func `end with their client`(target: String, abruptly: Bool) async throws {
        try await withRegistry { registry in
            try await Self.filled(registry)
            try Self.forgetsTheFeed(registry)
            try await Self.holding(registry, .walk) { lanes in
                let channel = try await Self.client(registry, target)
                try await poll("a walk in line") { lanes.waiting(.walk) == 1 }
                if abruptly {
                    let socket = try #require(channel as? any SocketOptionProvider)
                    try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
                    try await channel.close().get()
                } else {
                    try await channel.close(mode: .output).get()
                }
                try await poll("the end of the walk") {
                    lanes.waiting(.walk) == 0 && lanes.walks == 0
                }
                if !abruptly { try? await channel.close().get() }
            }
        }
    }

    private static let plan = """
        {"from":"japan","to":"aws","select":{"fqdns":["n1.example.com"]},"waves":[{"rest":true}]}
        """

    @Test func `of what a plan would be end with their client, and leave the writes' room alone`()
        async throws
    {
        try await withRegistry(.with { $0.http.load.requests = 1 }) { registry in
            try await Self.filled(registry)
            try await Self.holding(registry, .walk, of: { $0.dryRunLine }) { line in
                let target = "/v1/migrations?dry_run=true"
                let first = try await Self.client(registry, target, json: Self.plan)
                try await poll("a dry run in line") { line.waiting(.walk) == 1 }
                try await registry.register("new.example.com")
                let kept = try await registry.post("/v1/migrations", Self.plan)
                #expect(kept.status == 201)
                let refusal = try await registry.post(target, Self.plan)
                #expect(refusal.isProblem(503, "overloaded"))
                try await first.close().get()
                try await poll("the dry run's end") { line.waiting(.walk) == 0 }
            }
            try await poll("room for a dry run") {
                try await registry.post("/v1/migrations?dry_run=true", Self.plan).status == 200
            }
        }
    }

    @Test func `of the feed count where the store is asked, and not where memory answers`()
        async throws
    {
        try await withRegistry(.with { $0.http.load.requests = 1 }) { registry in
            try await Self.filled(registry)
            try Self.forgetsTheFeed(registry)
            let head = try await registry.head()
            try await Self.holding(registry, .walk) { lanes in
                let first = try await Self.client(registry, "/v1/changes?after=0")
                try await poll("a reader in line") { lanes.waiting(.walk) == 1 }
                let refusal = try await registry.get("/v1/changes?after=0")
                #expect(refusal.isProblem(503, "overloaded"))
                #expect(refusal.header("Retry-After") == "1")
                let now = try await registry.get("/v1/changes?after=\(head)")
                #expect(now.status == 200)
                try await registry.register("new.example.com")
                let next = try await registry.get("/v1/changes?after=\(head)")
                #expect(next.status == 200)
                try await first.close().get()
                try await poll("the reader's end") { lanes.waiting(.walk) == 0 }
            }
            let all = try await registry.get("/v1/changes?after=0&limit=10000")
            #expect(all.status == 200)
        }
    }

    @Test func `leave signups, availability and what is along an index alone`() async throws {
        try await withRegistry { registry in
            try await Self.filled(registry)
            try await Self.holding(registry, .walk) { lanes in
                var clients: [any Channel] = []
                for _ in 0..<48 {
                    clients.append(try await Self.client(registry, "/v1/domains?mode=reject"))
                }
                try await poll("all in line") { lanes.waiting(.walk) == 48 }
                let signup = try await registry.post(
                    "/v1/domains", #"{"fqdn":"new.example.com"}"#, key: "k")
                #expect(signup.status == 201)
                let again = try await registry.post(
                    "/v1/domains", #"{"fqdn":"new.example.com"}"#, key: "k")
                #expect(again.status == 201)
                for target in [
                    "/v1/domains/free.example.com/availability", "/v1/domains?tenant=nobody",
                    "/v1/domains?limit=1000", "/v1/history", "/v1/locations",
                    "/v1/domains/n7.example.com?revision=1",
                ] {
                    let answer = try await registry.get(target)
                    #expect([200, 404].contains(answer.status), "\(target)")
                }
                for client in clients { try await client.close().get() }
            }
        }
    }
}
