import Foundation
import RegistryAPI
import RegistryModel
import Testing

/// A client of openapi.yaml's examples: they are what the server's answers are held against.
@Suite("A client", .whateverTheStore) struct MigrationShapeTests {
    private static func examples(
        of path: String, _ method: String = "POST", status: String
    ) throws -> [String: Data] {
        let document = OpenAPIDocument.shared
        let operation = try #require(
            document.operations.first { $0.path == path && $0.method == method })
        let response = document.resolved(operation.value["responses"]?[status] ?? .null)
        let content = response["content"] ?? .null
        let examples = try #require(content[content.keys.first ?? ""]?["examples"])
        return Dictionary(
            uniqueKeysWithValues: examples.keys.map { name in
                var writer = JSONWriter()
                writer.write(document.resolved(examples[name] ?? .null)["value"] ?? .null)
                return (name, Data(writer.bytes))
            })
    }

    private static func read<Value: Shape>(
        _: Value.Type, _ name: String, of path: String, _ method: String = "POST",
        status: String = "200"
    ) throws -> Value {
        let example = try #require(try examples(of: path, method, status: status)[name])
        return try Value(json: example)
    }

    @Test func `reads migrations`() throws {
        let migrations = "/v1/migrations"
        let planned = try Self.read(
            Migration.self, "migration", of: migrations, status: "201")
        #expect(planned.id == "m-k3j4n5p6q7r8")
        #expect(planned.waves.map(\.size) == [2, 1])
        #expect(planned.waves.allSatisfy { $0.state == .planned && $0.revision == nil })
        #expect(planned.counts.selected == 5 && planned.counts.eligible == 3)
        #expect(planned.counts.skipped == 2)
        #expect(planned.skipped?.first?.code == .unknownDomain)
        #expect(planned.createdBy.name == "ops-laptop")

        let preview = try Self.read(Migration.self, "preview", of: migrations)
        #expect(preview.id.isEmpty)
        #expect(preview.digestText.hasPrefix("sha256:"))
        #expect(preview.warnings.first?.code == "blast-radius")

        let running = try Self.read(
            Migration.self, "running", of: migrations + "/{id}", "GET")
        #expect(running.waves.last?.deadline?.description == "2020-06-22T01:15:00.000Z")
        #expect(running.waves.first?.revision == Revision(48213))

        let list = try Self.read(
            ListPage<Migration>.self, "migrations", of: migrations, "GET")
        #expect(list.items.first?.skipped == nil)
        let domains = try Self.read(
            ListPage<MigrationDomain>.self, "domains", of: migrations + "/{id}/domains",
            "GET")
        #expect(domains.items.map(\.status) == [.moved, .planned, .skipped])
        #expect(domains.items.map(\.wave) == [1, 2, nil])
    }

    @Test func `reads what steps did`() throws {
        let wave = "/v1/migrations/{id}/waves/{n}/"
        let frozen = try Self.read(WaveStepResponse.self, "frozen", of: wave + "freeze")
        #expect(frozen.count == 2 && frozen.deadline?.description == "2020-06-22T00:15:00.000Z")
        let moved = try Self.read(WaveStepResponse.self, "converged", of: wave + "cutover")
        #expect(
            moved.count == 2 && moved.tookMilliseconds == 4 && moved.revision == Revision(48213))
        #expect(moved.convergence?.lagging.map(\.text) == ["edge-osaka-2"])
        let back = try Self.read(WaveStepResponse.self, "some", of: wave + "rollback")
        #expect(back.count == 1 && back.skippedCount == 1)
        #expect(back.skipped?.map(\.text) == ["globex.kintone.com"])
        let thawed = try Self.read(WaveStepResponse.self, "thawed", of: wave + "thaw")
        #expect(thawed.count == 2 && thawed.wave == 1)
    }

    @Test func `reads why a step was refused`() throws {
        let cutover = "/v1/migrations/{id}/waves/{n}/cutover"
        let conflict = try Self.read(
            ProblemResponse.self, "wave-conflict", of: cutover, status: "409")
        #expect(conflict.conflictCount == 2)
        #expect(conflict.conflicts.first?.expected?.location.text == "japan")
        #expect(conflict.conflicts.first?.expected?.mode == .serve)
        #expect(conflict.conflicts.map(\.found?.location.text) == ["aws", nil])
        let state = try Self.read(ProblemResponse.self, "wrong-state", of: cutover, status: "409")
        #expect(state.state == "rolled_back")
        let held = try Self.read(
            ProblemResponse.self, "domain-in-migration", of: "/v1/domains/{fqdn}", "PATCH",
            status: "409")
        #expect(held.migration == "m-k3j4n5p6q7r8" && held.wave == 1)
    }

    @Test func `reads the history of migrations`() throws {
        let page = try Self.read(
            ListPage<HistoryEntry>.self, "everything", of: "/v1/history", "GET")
        let planned = try #require(page.items.first { $0.action == "migration_planned" })
        #expect(planned.subject == "m-k3j4n5p6q7r8" && planned.before == nil)
        #expect(planned.after?.other?.waves == [2, 1])
        #expect(
            planned.after?.other?.state == "planned" && planned.after?.other?.freeze == "read_only")
        let moved = try #require(page.items.first { $0.migration != nil })
        #expect(moved.wave == 1)
    }
}
