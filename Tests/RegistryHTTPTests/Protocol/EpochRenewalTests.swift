import Foundation
import Testing

@Suite("A store under its next epoch", .timeLimit(.minutes(15))) struct EpochRenewalTests {
    private static let path = "/v1/domains/a.example.com"

    /// What somebody has kept from before.
    private struct Kept {
        var tag = ""
        var position = ""
        var epoch = ""
        var revision: Int64 = 0
        var cursor = ""
    }

    private static func keep(_ registry: RunningRegistry) async throws -> Kept {
        for name in ["a.example.com", "b.example.com"] { try await registry.register(name) }
        let domain = try await registry.get(path)
        let page = try await registry.get("/v1/history?limit=1")
        try await registry.report("edge")
        #expect(try await registry.converged() == "1 of 1")
        return Kept(
            tag: try #require(domain.header("ETag")),
            position: try #require(domain.header("X-Registry-Revision")),
            epoch: "\(try #require(domain.epoch))", revision: try #require(domain.revision),
            cursor: try #require(page["next_cursor"]?.text))
    }

    @Test func `refuses what was kept from before, and nothing of it matches`() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("registry-epochs-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let engine = TestStore.Engine.chosen
        var kept = Kept()
        try await withRegistry(in: folder) { kept = try await Self.keep($0) }
        let next = try await TestStore.renewEpoch(folder, engine)
        #expect(next.text != kept.epoch)
        try await withRegistry(in: folder) { registry in
            let now = try await registry.get(Self.path)
            #expect(now.status == 200 && now.epoch == Substring(next.text))
            let same = try await registry.get(Self.path, headers: [("If-None-Match", kept.tag)])
            #expect(same.status == 200, "it's not the state that was kept")
            let update = try await registry.send(
                .PATCH, Self.path, json: #"{"mode":"reject"}"#, headers: [("If-Match", kept.tag)])
            #expect(update.isProblem(412, "revision-mismatch"))
            for question in [
                "\(Self.path)?min_revision=\(kept.position)",
                "\(Self.path)?revision=\(kept.position)",
                "/v1/changes?after=\(kept.position)", "/v1/history?cursor=\(kept.cursor)",
                "/v1/convergence?revision=\(kept.position)",
                // Of which epoch, nobody can tell.
                "/v1/changes?after=\(kept.revision)",
            ] {
                let answer = try await registry.get(question)
                #expect(answer.isProblem(410, "resync"), "\(question)")
            }
            #expect(try await registry.converged() == "0 of 1; edge", "it has nothing of this one")
            let report = #"{"epoch":"\#(kept.epoch)","revision":\#(kept.revision)}"#
            let heard = try await registry.send(.PUT, "/v1/agents/edge", json: report)
            #expect(heard.isProblem(410, "resync"))
            #expect(try await registry.get("/readyz?verbose")["agents_ahead"]?.number == 0)
            try await registry.report("edge")
            #expect(try await registry.converged() == "1 of 1")
        }
        try await TestStore.remove(folder, engine)
    }
}
