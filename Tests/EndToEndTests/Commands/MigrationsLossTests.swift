import Foundation
import RegistryAPI
import RegistryModel
import Testing

@Suite("A lost answer") struct MigrationsLossTests {
    @Test func `is no second action`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        let planned = try await Planned.make(
            "lost", 3, on: server, "--waves", "1,rest", "--freeze", "read_only")
        let eater = try await AnswerEater.start(
            before: server.url, eats: ["1/freeze", "1/cutover", "2/cutover", "2/rollback"])
        let before = try await server.client.statistics().revision.number
        let run = try await CommandRun.run(
            [
                "migrations", "run", planned.id, "--output", "ndjson", "--check",
                "test $TENANT_REGISTRY_WAVE = 1", "--on-failure", "rollback",
            ], in: server.folder,
            environment: [
                "TENANT_REGISTRY_SERVER": eater.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        #expect(run.exit == .code(1), "\(run.errors)")
        #expect(run.errors.components(separatedBy: "trying again").count == 5)
        // Freeze and cutover twice, one rollback: each of them once, and heard of.
        let revisions = try RunLine.all(in: run.output).compactMap(\.revision)
        #expect(revisions == Array((before + 1)...(before + 5)))
        #expect(try await server.client.statistics().revision.number == before + 5)
        #expect(try await planned.states == "moved rolled_back")
    }

    @Test func `of a plan is no second plan`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        _ = try await Planned.register("once", 2, on: server)
        let eater = try await AnswerEater.start(before: server.url, eats: ["/migrations"])
        let run = try await CommandRun.run(
            [
                "migrations", "plan", "--from", "japan", "--to", "aws", "--all", "--output",
                "json",
            ], in: server.folder,
            environment: [
                "TENANT_REGISTRY_SERVER": eater.url.absoluteString,
                "TENANT_REGISTRY_DATA_DIR": server.data.path,
            ])
        #expect(run.exit == .code(0), "\(run.errors)")
        #expect(run.errors.contains("trying again"))
        #expect(try run.readOutput(Migration.self).counts.eligible == 2)
        let list = try await server.client.migrations(state: nil, limit: 10)
        #expect(list.items.count == 1)
    }

    @Test(.timeLimit(.minutes(15)))
    func `by a crash of the server neither, and the run goes on`() async throws {
        let folder = try TestFolder()
        let server = try await ServerProcess.start(in: folder)
        let planned = try await Planned.make(
            "crash", 20, on: server, "--waves", "10,rest", "--freeze", "read_only")
        let (mark, go) = (folder.file("copying"), folder.file("go"))
        let run = try planned.start(
            "run", "--before-cutover",
            "touch \(mark.path); until test -e \(go.path); do sleep 0.05; done")
        _ = try await poll("the freeze") {
            FileManager.default.fileExists(atPath: mark.path) ? true : nil
        }
        try await server.crash()
        try Data().write(to: go)
        _ = try await poll("the cutover") { run.errors.contains("trying again") ? true : nil }
        let again = try await ServerProcess.start(in: folder, port: server.port)
        #expect(try await run.waitForExit(within: .seconds(60)) == .code(0), "\(run.errors)")
        let waves = try await again.client.migration(planned.id).value.waves
        #expect(waves.map(\.state) == [.moved, .moved])
    }

    @Test(.timeLimit(.minutes(15)))
    func `for good leaves the run with 4, and says where to look`() async throws {
        let server = try await ServerProcess.start(in: TestFolder())
        let planned = try await Planned.make("gone", 1, on: server, "--freeze", "read_only")
        let run = try planned.start(
            "run", "--before-cutover", "kill -9 \(server.process.pid)")
        #expect(try await run.waitForExit(within: .seconds(120)) == .code(4))
        #expect(run.errors.contains("it may be done or not"))
        #expect(run.errors.contains("migrations run \(planned.id) --resume"))
    }
}
