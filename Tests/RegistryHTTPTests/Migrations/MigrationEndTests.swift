import RegistryModel
import Testing

@Suite("The end of a migration over HTTP", .timeLimit(.minutes(15))) struct MigrationEndTests {
    private static let names = ["a", "b", "c"].map { "\($0).example.com" }
    private static let waves = #"[{"count":1},{"count":1},{"rest":true}]"#

    @Test func `is finalized once nothing is planned or frozen`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(
                Self.names, waves: Self.waves, freeze: "reject")
            let path = "\(migration.path)/finalize"
            func refused(_ state: String) async throws {
                let answer = try await registry.post(path, as: .role(.operator_), "{}")
                #expect(answer.isProblem(409, "wrong-state") && answer["state"]?.text == state)
            }
            try await refused("planned")
            for wave in 1...3 {
                try await registry.freeze(migration, wave)
                try await refused("running")
                try await registry.cutOver(migration, wave)
            }
            try await registry.succeed(migration.path("rollback", 2))
            let answer = try await registry.succeed(path, #"{"reason":"well","ticket":"T"}"#)
            #expect(answer.states == "finalized: finalized rolled_back finalized")
            #expect(answer["id"]?.text == migration.id)
            #expect(try await registry.get(migration.path).bytes == answer.bytes)
            try await refused("finalized")
            let cancel = try await registry.post("\(migration.path)/cancel", "")
            #expect(
                cancel.isProblem(409, "wrong-state") && cancel["state"]?.text == "finalized")
            #expect(
                try await registry.places(Self.names)
                    == ["aws serve", "japan serve", "aws serve"])
            #expect(
                try await registry.get("\(migration.path)/domains").rows == [
                    "a.example.com 1 finalized", "b.example.com 2 rolled_back",
                    "c.example.com 3 finalized",
                ])
        }
    }

    @Test func `is cancelled whole where nothing had moved`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(
                Self.names, waves: Self.waves, freeze: "read_only")
            try await registry.freeze(migration, 2)
            let head = try await registry.head()
            let answer = try await registry.succeed("\(migration.path)/cancel")
            #expect(answer.states == "cancelled: cancelled cancelled cancelled")
            #expect(answer["waves"]?.array.allSatisfy { $0["deadline"] == nil } == true)
            #expect(answer.revision == head + 1)
            #expect(
                try await registry.places(Self.names) == Array(repeating: "japan serve", count: 3))
            let items = try await registry.get("/v1/history?migration=\(migration.id)&limit=2")
                .items
            #expect(items.map { $0["action"]?.text } == ["migration_cancelled", "thawed"])
            #expect(items.map { $0["revision"]?.number } == [head + 1, head + 1])
            for verb in ["cancel", "finalize"] {
                let again = try await registry.post("\(migration.path)/\(verb)", "")
                #expect(
                    again.isProblem(409, "wrong-state") && again["state"]?.text == "cancelled")
            }
        }
    }

    @Test func `by cancelling leaves what has moved, to roll back or to finalize`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(
                Self.names, waves: Self.waves, freeze: "reject")
            try await registry.freeze(migration)
            try await registry.cutOver(migration)
            try await registry.freeze(migration, 2)
            let answer = try await registry.succeed("\(migration.path)/cancel")
            #expect(answer.states == "running: moved cancelled cancelled")
            #expect(
                try await registry.places(Self.names)
                    == ["aws serve", "japan serve", "japan serve"])
            let again = try await registry.post("\(migration.path)/cancel", "")
            #expect(again.isProblem(409, "wrong-state") && again["state"]?.text == "running")
            try await registry.succeed(migration.path("rollback"))
            let end = try await registry.succeed("\(migration.path)/finalize")
            #expect(end.states == "finalized: rolled_back cancelled cancelled")
        }
    }
}
