import Foundation
import PostgresServer
import RegistryAPI
import RegistryModel
import Testing

@Suite("Tokens that were made before their store", .timeLimit(.minutes(15)))
struct TokenBootstrapTests {
    /// A folder as a Secret is mounted: with a link that isn't a token's, beside the tokens.
    private static func secrets(
        _ files: [String: String], named name: String = "secrets", in folder: TestFolder
    ) throws -> String {
        let place = folder.file(name)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: place.path + "/..data", withDestinationPath: "..2026")
        for (file, text) in files {
            try Data("\(text)\n".utf8).write(to: place.appendingPathComponent(file))
        }
        return place.path
    }

    private static func generate(in folder: TestFolder) async throws -> String {
        let run = try await CommandRun.run(["tokens", "generate"], in: folder)
        #expect(run.exit == .code(0) && run.lines.count == 1)
        return run.output.trimmingCharacters(in: .newlines)
    }

    private static func bootstrap(
        _ secrets: String, _ place: [String], in folder: TestFolder
    ) async throws -> CommandRun {
        try await CommandRun.run(["tokens", "bootstrap", "--from", secrets] + place, in: folder)
    }

    @Test func `are there with the first start, once, however often it's run`() async throws {
        let folder = try TestFolder()
        let (admin, reader) = try await (
            Self.generate(in: folder), Self.generate(in: folder)
        )
        let secrets = try Self.secrets(
            ["ops.team.admin": admin, "agents.reader": reader], in: folder)
        let place = ["--data-dir", folder.file("data").path]
        let first = try await Self.bootstrap(
            secrets, place + ["--reason", "the first tokens"], in: folder)
        #expect(first.exit == .code(0), "\(first.errors)")
        #expect(
            first.lines.map { $0.split(separator: " ").dropFirst() } == [
                ["agents", "reader", "created"], ["ops.team", "admin", "created"],
            ])
        #expect(!first.output.contains(admin) && !first.output.contains(reader))
        let second = try await Self.bootstrap(secrets, place, in: folder)
        #expect(second.exit == .code(0) && second.lines.count == 2)
        #expect(second.lines.allSatisfy { $0.hasSuffix(" is there") })

        // The first start would put a token of its own there.
        try Data(admin.utf8).write(to: folder.file("data").appendingPathComponent("admin-token"))
        let server = try await ServerProcess.start(in: folder)
        #expect(server.adminToken == admin)
        let client = server.client
        let tokens = try await client.tokens().items
        #expect(Set(tokens.map(\.facts.name)) == ["ops.team", "agents"])
        _ = try await server.client(token: reader).statistics()
        let items = try await client.history(of: nil, filter: [], limit: 10).items
        #expect(items.count == 2 && items.allSatisfy { $0.reason == "the first tokens" })
        let busy = try await Self.bootstrap(secrets, place, in: folder)
        #expect(busy.exit == .code(1) && busy.errors.contains("in use"), "\(busy.errors)")

        try await client.revokeToken(
            String(reader.split(separator: "_")[1]), note: Note(), idempotencyKey: "r")
        #expect(try await server.stop() == .code(0))
        // Who took it away meant it.
        let third = try await Self.bootstrap(secrets, place, in: folder)
        #expect(third.exit == .code(0), "\(third.errors)")
        #expect(third.lines.contains { $0.hasSuffix(" agents reader was revoked, or has expired") })
        let again = try await ServerProcess.start(in: folder)
        #expect(try await again.client.tokens().items.map(\.facts.name) == ["ops.team"])
    }

    @Test func `are made once by several that run beside nodes`() async throws {
        let cluster = try await Cluster(PostgresServer.shared())
        let folder = cluster.folder
        let token = try await Self.generate(in: folder)
        let secrets = try Self.secrets(["ops.admin": token], in: folder)
        let place = ["--store", cluster.postgres.url(cluster.database)]
        let runs = try await withThrowingTaskGroup(of: CommandRun.self) { group in
            for _ in 0..<3 {
                group.addTask { try await Self.bootstrap(secrets, place, in: folder) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(runs.allSatisfy { $0.exit == .code(0) }, "\(runs.map(\.errors))")
        #expect(runs.count { $0.output.contains("created") } == 1)
        let node = try await cluster.start("n1", token: token)
        let more = try await Self.generate(in: folder)
        let others = try Self.secrets(["dns.reader": more], named: "more", in: folder)
        let beside = try await Self.bootstrap(others, place, in: folder)
        #expect(beside.exit == .code(0), "\(beside.errors)")
        _ = try await poll("the node learns of it") {
            try? await node.client(token: more).statistics()
        }
        #expect(try await node.client(token: token).tokens().items.count == 2)
    }

    @Test func `are refused where they aren't the service's, or leave nobody to make others`()
        async throws
    {
        let folder = try TestFolder()
        let place = ["--data-dir", folder.file("data").path]
        let token = try await Self.generate(in: folder)
        for (number, files) in [
            ["ops.king": token], ["ops": token], [".admin": token], [:],
            ["ops.admin": "trk_a_b"], ["ops.admin": "hunter2"],
            ["ops.admin": token, "lead.admin": token],
        ].enumerated() {
            let secrets = try Self.secrets(files, named: "wrong-\(number)", in: folder)
            let run = try await Self.bootstrap(secrets, place, in: folder)
            #expect(run.exit == .code(2), "\(files): \(run.errors)")
            #expect(!run.errors.contains("hunter2") && !run.errors.contains(token))
        }
        let nowhere = try await Self.bootstrap(folder.file("x").path, place, in: folder)
        #expect(nowhere.exit == .code(2))
        let readers = try Self.secrets(["a.reader": token], named: "readers", in: folder)
        let alone = try await Self.bootstrap(readers, place, in: folder)
        #expect(alone.exit == .code(1) && alone.errors.contains("role admin"), "\(alone.errors)")
        let admins = try Self.secrets(["a.admin": token], named: "admins", in: folder)
        #expect(try await Self.bootstrap(admins, place, in: folder).exit == .code(0))
        // The same token can't be two.
        let other = try await Self.bootstrap(readers, place, in: folder)
        #expect(other.exit == .code(1) && other.errors.contains("is there, as a, admin"))
    }
}
