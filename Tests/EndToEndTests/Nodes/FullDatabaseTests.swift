import Foundation
import PostgresServer
import RegistryAPI
import RegistryClient
import Testing

@Suite(
    "A database on a full disk", .timeLimit(.minutes(10)),
    .enabled(if: SmallDisk.canMount, "mounting a small tmpfs needs root"))
struct FullDatabaseTests {
    /// Registers one name after the other until one is refused.
    /// - Returns: the acknowledged ones, and what the last one was told.
    private static func registerUntilRefused(
        _ prefix: String, _ client: RegistryClient
    ) async throws -> (names: [String], refused: String, refusal: String) {
        var names: [String] = []
        while true {
            let name = "\(prefix)\(names.count).example.com"
            if let refusal = try await refusal({ _ = try await client.register(name) }) {
                return (names, name, refusal)
            }
            names.append(name)
        }
    }

    @Test func `refuses writes with storage-full, and takes them again once there is room`()
        async throws
    {
        let disk = try SmallDisk(megabytes: 24)
        defer { disk.unmount() }
        let postgres = try await PostgresServer.start()
        let space = disk.url.appendingPathComponent("space")
        try PostgresServer.makeFolder(at: space)
        try await postgres.run("CREATE TABLESPACE small LOCATION '\(space.path)'")
        let cluster = try await Cluster(postgres)
        try await postgres.run("ALTER DATABASE \"\(cluster.database)\" SET TABLESPACE small")
        let nodes = try await cluster.start(count: 2)
        let registry = nodes[0].client
        let names = (0..<400).map { "t\($0).example.com" }
        try await registry.registerAll(names)
        let migration = try await registry.plan(names: names)

        try disk.fill()
        let (acknowledged, refused, word) = try await Self.registerUntilRefused("f", registry)
        #expect(word == "507 storage-full")
        let before = try await registry.historyHead()
        let batch = (0..<1_000).map {
            BatchRegistration.Row(fqdn: "b\($0).example.com")
        }
        for node in nodes {
            let words = try await [
                refusal { _ = try await node.client.registerBatch(batch, note: .init()) },
                refusal { _ = try await node.client.take(.cutover, of: migration, key: "k") },
            ]
            #expect(words == ["507 storage-full", "507 storage-full"])
            #expect(try await node.client.send(.GET, "/readyz").status == 200)
            #expect(try await node.client.domain("t0.example.com").value.location == "japan")
            let unknown = try await refusal { _ = try await node.client.domain(refused) }
            #expect(unknown == "404 unknown-domain")
        }
        #expect(try await registry.historyHead() == before)
        #expect(nodes[0].log.contains { $0.message == "the database's disk is full" })

        try disk.makeRoom()
        _ = try await registry.register(refused)
        _ = try await registry.registerBatch(batch, note: .init())
        let moved = try await nodes[1].client.take(.cutover, of: migration, key: "k")
        #expect(!moved.isReplay)
        let head = try await nodes[1].client.historyHead().revision
        _ = try await registry.send(.GET, "/v1/stats", query: [("min_revision", "\(head)")])
        let after = try await Observation(of: registry)
        #expect(after.contradictions == [])
        #expect(
            Set(after.domains.keys)
                == Set(names + acknowledged + [refused] + batch.map(\.fqdn)))
        #expect(names.allSatisfy { after.domains[$0]?.location == "aws" })
        #expect(try await registry.verify(expecting: nil) { _ in }.isGood)
        for node in nodes { #expect(try await node.stop() == .code(0)) }
    }

    /// PostgreSQL ends where it can't write its log. A slot that nobody reads keeps it from clearing any
    /// away, as a standby does that is gone.
    @Test func `that holds the database's log, too: writes wait for a server, lookups for nothing`()
        async throws
    {
        let disk = try SmallDisk(megabytes: 24)
        defer { disk.unmount() }
        let log = disk.url.appendingPathComponent("log")
        try PostgresServer.makeFolder(at: log)
        var settings = PostgresServer.Settings()
        settings.initialisation = ["--waldir=\(log.path)", "--wal-segsize=1"]
        settings.options = ["min_wal_size=2MB", "max_wal_size=4MB"]
        let cluster = try await Cluster(try await PostgresServer.start(settings))
        let postgres = cluster.postgres
        let nodes = try await cluster.start(count: 2)
        // Longer than a node looks for the fate of a commit.
        let registry = RegistryClient(
            base: nodes[0].url, token: nodes[0].adminToken, http: ServerProcess.http,
            timeout: .seconds(60))
        try await postgres.run("SELECT pg_create_physical_replication_slot('gone', true)")
        var known = Set(["a.example.com"])
        _ = try await registry.register("a.example.com")

        try disk.fill()
        let (acknowledged, last, word) = try await Self.registerUntilRefused("f", registry)
        known.formUnion(acknowledged)
        #expect(["503 store-unavailable", "503 outcome-unknown"].contains(word))
        _ = try await poll("the server's end") { postgres.isListening ? nil : true }
        #expect(postgres.log.contains("PANIC") && postgres.log.contains("No space left on device"))
        for node in nodes {
            let refused = try await refusal { _ = try await node.client.register("b.example.com") }
            #expect(refused == "503 store-unavailable")
            #expect(try await node.client.domain("a.example.com").value.location == "japan")
            #expect(try await node.client.send(.GET, "/readyz").status == 200)
        }

        try disk.makeRoom()
        try await postgres.startAgain()
        for (index, node) in nodes.enumerated() {
            let name = "back-\(index).example.com"
            _ = try await poll("writing again") {
                try await refusal { _ = try await node.client.register(name) } == nil ? true : nil
            }
            known.insert(name)
        }
        let head = try await nodes[1].client.historyHead().revision
        _ = try await registry.send(.GET, "/v1/stats", query: [("min_revision", "\(head)")])
        let after = try await Observation(of: registry)
        #expect(after.contradictions == [])
        // The last one's fate may be open; everybody else's isn't.
        if word == "503 outcome-unknown", after.domains[last] != nil { known.insert(last) }
        #expect(Set(after.domains.keys) == known)
        #expect(try await registry.verify(expecting: nil) { _ in }.isGood)
        for node in nodes { #expect(try await node.stop() == .code(0)) }
    }
}
