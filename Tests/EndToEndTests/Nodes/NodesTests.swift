import Foundation
import PostgresServer
import RegistryAPI
import RegistryClient
import RegistryModel
import Testing

@Suite("Nodes on one PostgreSQL", .timeLimit(.minutes(10))) struct NodesTests {
    private static func metric(_ name: String, of node: ServerProcess) async throws -> Double? {
        let text = String(buffer: try await node.client.send(.GET, "/metrics").body)
        return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    private static func onDuty(_ nodes: [ServerProcess]) async throws -> [Int] {
        var found: [Int] = []
        for (index, node) in nodes.enumerated() {
            let value = try await metric("registry_store_on_duty", of: node)
            if value == 1 { found.append(index) }
        }
        return found
    }

    @Test func `answer alike, and one of all racing requests wins`() async throws {
        let cluster = try await Cluster(try await PostgresServer.shared())
        let nodes = try await cluster.start(count: 3)
        for round in 0..<5 {
            let name = "race-\(round).example.com"
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for racer in 0..<12 {
                    group.addTask {
                        try await refusal {
                            _ = try await nodes[racer % 3].client.register(name)
                        } ?? "201"
                    }
                }
                return try await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(answers.count { $0 == "201" } == 1)
            #expect(answers.count { $0 == "409 domain-taken" } == 11)
        }
        // What one node wrote, the others have when they are asked to wait for it.
        let written = try await nodes[0].client.register("everywhere.example.com")
        for node in nodes {
            let answer = try await node.client.send(
                .GET, "/v1/domains/everywhere.example.com",
                query: [("min_revision", String(written.revision.number))])
            #expect(try answer.decode(Domain.self).revision == written.revision)
        }
        let heads = try await [nodes[0].client.historyHead(), nodes[2].client.historyHead()]
        #expect(heads[0].digest == heads[1].digest && heads[0].epoch == heads[1].epoch)
        // A token made on one node opens the other.
        let token = try await nodes[1].client.createToken(
            name: "reader", role: "reader", expiresAt: nil, note: .init())
        let secret = try #require(token.secret)
        _ = try await poll("the token everywhere") {
            try await refusal {
                _ = try await nodes[2].client(token: secret).domain("everywhere.example.com")
            } == nil ? true : nil
        }
        for node in nodes { #expect(try await node.stop() == .code(0)) }
        try await cluster.postgres.dropDatabase(cluster.database)
    }

    @Test func `go on with lookups while the database is away, and write again by themselves`()
        async throws
    {
        let cluster = try await Cluster(try await PostgresServer.start())
        let nodes = try await cluster.start(count: 2)
        _ = try await nodes[0].client.register("a.example.com")
        _ = try await poll("the other node") {
            try await refusal { _ = try await nodes[1].client.domain("a.example.com") } == nil
                ? true : nil
        }
        try await cluster.postgres.crash()
        for node in nodes {
            let refused = try await refusal {
                _ = try await node.client.register("b.example.com")
            }
            #expect(refused == "503 store-unavailable")
            // Nobody knows what agents have said to other nodes meanwhile.
            let blind = try await refusal { _ = try await node.client.convergence() }
            #expect(blind == "503 store-unavailable")
            let unlisted = try await refusal { _ = try await node.client.agents() }
            #expect(unlisted == "503 store-unavailable")
            #expect(try await node.client.domain("a.example.com").value.location == "japan")
            _ = try await poll("the silence to be told") {
                try await Self.metric("registry_store_silence_seconds", of: node) ?? 0 > 2
                    ? true : nil
            }
            let ready = try await node.client.send(.GET, "/readyz?verbose")
            #expect(ready.status == 200)
            #expect(String(buffer: ready.body).contains("store_silence_ms"))
        }
        try await cluster.postgres.startAgain()
        for (index, node) in nodes.enumerated() {
            _ = try await poll("writing again") {
                try await refusal {
                    _ = try await node.client.register("back-\(index).example.com")
                } == nil ? true : nil
            }
        }
        // The first token, three domains, and nothing that was refused.
        _ = try await poll("all of it on the first node") {
            try await nodes[0].client.statistics().revision == 4 ? true : nil
        }
        for node in nodes { #expect(try await node.stop() == .code(0)) }
    }

    @Test func `lose nothing acknowledged when one is killed, and another does its duty`()
        async throws
    {
        let cluster = try await Cluster(try await PostgresServer.shared())
        let nodes = try await cluster.start(count: 3)
        let names = (0..<20).map { "t\($0).example.com" }
        try await nodes[0].client.registerAll(names)
        let migration = try await nodes[0].client.plan(freeze: "reject", names: names)
        _ = try await nodes[0].client.freeze(
            .init(
                migration: migration.id, number: 1, planDigest: migration.digestText,
                expectedCount: names.count), deadlineSeconds: 8, call: .init(note: .init()))
        let duty = try await poll("one on duty") {
            let found = try await Self.onDuty(nodes)
            return found.count == 1 ? found[0] : nil
        }
        // Written through the one that dies.
        let acknowledged = try await withThrowingTaskGroup(of: [String].self) { group in
            for writer in 0..<8 {
                group.addTask {
                    var own: [String] = []
                    for number in 0..<10_000 {
                        let name = "w\(writer)-\(number).example.com"
                        guard (try? await nodes[duty].client.register(name)) != nil else { break }
                        own.append(name)
                    }
                    return own
                }
            }
            group.addTask {
                _ = try await poll("some writes") {
                    try await nodes[(duty + 1) % 3].client.statistics().total > 200 ? true : nil
                }
                try await nodes[duty].crash()
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(acknowledged.count > 100)
        let rest = nodes.indices.filter { $0 != duty }.map { nodes[$0] }
        for name in acknowledged {
            #expect(try await rest[0].client.domain(name).value.location == "japan")
        }
        let other = try await poll("another on duty") {
            let found = try await Self.onDuty(rest)
            return found.count == 1 ? found[0] : nil
        }
        // The freeze of the dead node's time ends all the same, once.
        _ = try await poll("the thaw", within: .seconds(120)) {
            try await rest[1 - other].client.migration(migration.id).value.waves[0].state
                == .planned ? true : nil
        }
        let thaws = try await rest[0].client.history(
            of: nil, filter: [("migration", migration.id), ("action", "thawed")], limit: 100)
        #expect(Set(thaws.items.map(\.revision)).count == 1 && thaws.items.count == names.count)
        let result = try await rest[0].client.verify(expecting: nil) { _ in }
        #expect(result.isGood)
        for node in rest { #expect(try await node.stop() == .code(0)) }
        try await cluster.postgres.dropDatabase(cluster.database)
    }

    @Test func `keep a password out of the list of processes and of the log`() async throws {
        let cluster = try await Cluster(try await PostgresServer.shared())
        let url = cluster.postgres.url(cluster.database).replacing(
            "registry@", with: "registry:hidden-secret@")
        let node = try await ServerProcess.start(
            in: cluster.folder, arguments: ["--store", url, "--log-level", "trace"])
        let title = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(node.process.pid)/cmdline"))
        #expect(!String(decoding: title, as: UTF8.self).contains("hidden-secret"))
        _ = try await node.client.register("a.example.com")
        #expect(!node.process.errors.contains("hidden-secret"))
        #expect(try await node.stop() == .code(0))
        try await cluster.postgres.dropDatabase(cluster.database)
    }

    @Test func `say at the start what is wrong, and wait only for what may come`() async throws {
        let postgres = try await PostgresServer.shared()
        let folder = try TestFolder()
        let started = ContinuousClock.now
        let denied = try ChildProcess(
            TenantRegistryBinary.url,
            ["serve", "--data-dir", folder.file("d").path, "--store", postgres.url("nowhere")],
            outputs: folder.url)
        #expect(try await denied.waitForExit() == .code(1))
        #expect(denied.errors.contains("database \"nowhere\" does not exist"))
        #expect(started.duration(to: .now) < .seconds(25), "waiting wouldn't help")

        let away = try ChildProcess(
            TenantRegistryBinary.url,
            [
                "serve", "--data-dir", folder.file("d").path, "--store-wait", "2", "--store",
                "postgres://registry@127.0.0.1:1/registry",
            ], outputs: folder.url)
        #expect(try await away.waitForExit() == .code(1))
        #expect(away.errors.contains("the database isn't there yet"))
        #expect(away.errors.contains("can't be reached"))
    }
}
