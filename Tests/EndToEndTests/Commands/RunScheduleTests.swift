import Foundation
import RegistryAPI
import RegistryModel
import Testing

@testable import TenantRegistry

@Suite("The schedule of a run") struct RunScheduleTests {
    /// Waves of 1, 2, 3 … domains in these states.
    static func migration(
        _ states: [String], freeze: String = "read_only", state: String = "running",
        digest: String = "sha256:" + String(repeating: "a", count: 64), deadline: String? = nil
    ) throws -> Migration {
        let waves = states.enumerated().map { index, state in
            let deadline = state == "frozen" ? deadline.map { #","deadline":"\#($0)""# } ?? "" : ""
            return #"{"number":\#(index + 1),"state":"\#(state)","size":\#(index + 1)\#(deadline)}"#
        }
        let text = """
            {"id":"m-1","name":"q2","from":"japan","to":"aws","freeze":"\(freeze)","state":"\(state)",
             "plan_digest":"\(digest)","counts":{"selected":9,"eligible":9,"skipped":0},
             "waves":[\(waves.joined(separator: ","))],"skipped":[],
             "created_at":"2020-06-22T00:00:00.000Z",
             "created_by":{"token":"t","name":"n","role":"operator"}}
            """
        return try Migration(json: text.utf8)
    }

    private static func schedule(
        _ states: [String], only: [Int] = [], resume: Bool = false, freeze: String = "read_only"
    ) throws -> RunSchedule {
        try RunSchedule(migration(states, freeze: freeze), only: only, isResuming: resume)
    }

    @Test func `of a fresh migration has every wave, frozen first where that is planned`() throws {
        let frozen = try Self.schedule(["planned", "planned"])
        #expect(frozen.items.map(\.number) == [1, 2])
        #expect(frozen.items.allSatisfy { $0.start == .freeze })
        #expect(frozen.size == 3)
        #expect(frozen.passedOver == [])
        let plain = try Self.schedule(["planned"], freeze: "none")
        #expect(plain.items.map(\.start) == [.cutOver])
    }

    @Test(arguments: ["moved", "frozen", "rolled_back", "cancelled"])
    func `begins nothing anew unless it resumes`(state: String) throws {
        #expect(throws: RunSchedule.Refusal.self) { try Self.schedule([state, "planned"]) }
        do {
            _ = try Self.schedule([state, "planned"])
        } catch let refusal as RunSchedule.Refusal {
            #expect(refusal.description.contains("wave 1 is"))
            #expect(refusal.description.contains("--resume"))
        }
        #expect(try Self.schedule([state, "planned"], resume: true).items.last?.number == 2)
    }

    @Test func `resumes with the first wave that isn't moved`() throws {
        let schedule = try Self.schedule(
            ["moved", "rolled_back", "planned", "planned"], resume: true)
        #expect(schedule.items.map(\.number) == [3, 4])
        #expect(schedule.passedOver == ["wave 1 is moved", "wave 2 is rolled back"])
        #expect(try Self.schedule(["moved", "moved"], resume: true).items == [])
    }

    @Test func `takes a frozen wave up where it stands`() throws {
        let migration = try Self.migration(
            ["moved", "frozen", "planned"], deadline: "2020-06-22T01:00:00.000Z")
        let schedule = try RunSchedule(migration, only: [], isResuming: true)
        #expect(
            schedule.items.map(\.start) == [
                .frozen(until: Timestamp(rfc3339: "2020-06-22T01:00:00.000Z")), .freeze,
            ])
        #expect(schedule.passedOver == ["wave 1 is moved"])
    }

    @Test func `has only the waves that were asked for`() throws {
        // What else has moved doesn't matter then.
        let schedule = try Self.schedule(["moved", "planned", "planned"], only: [3])
        #expect(schedule.items.map(\.number) == [3])
        #expect(throws: RunSchedule.Refusal.unknownWave(4, of: 3)) {
            try Self.schedule(["planned", "planned", "planned"], only: [4])
        }
        #expect(throws: RunSchedule.Refusal.self) {
            try Self.schedule(["moved", "planned"], only: [1])
        }
        #expect(
            try Self.schedule(["planned", "planned"], only: [2, 1]).items.map(\.number) == [1, 2])
    }

    @Test(arguments: ["finalized", "cancelled"])
    func `of a closed migration isn't possible`(state: String) throws {
        let migration = try Self.migration(["planned"], state: state)
        #expect(throws: RunSchedule.Refusal.closed(state)) {
            try RunSchedule(migration, only: [], isResuming: true)
        }
    }
}

@Suite("A watch") struct MigrationWatchTests {
    @Test func `says what changed`() throws {
        let before = try RunScheduleTests.migration(["moved", "planned", "planned"])
        let after = try RunScheduleTests.migration(["moved", "frozen", "planned"])
        #expect(MigrationWatch.changes(in: before, since: nil).waves.count == 3)
        #expect(MigrationWatch.changes(in: after, since: before).waves.map(\.number) == [2])
        #expect(MigrationWatch.changes(in: after, since: after).waves == [])
    }

    @Test func `fits a terminal, around the wave at work`() throws {
        let states = Array(repeating: "moved", count: 50) + Array(repeating: "planned", count: 50)
        let migration = try RunScheduleTests.migration(states)
        #expect(MigrationWatch.window(migration, rows: 10).waves.map(\.number) == Array(49...58))
        #expect(MigrationWatch.window(migration, rows: 100).waves.count == 100)
        let done = try RunScheduleTests.migration(Array(repeating: "moved", count: 20))
        #expect(MigrationWatch.window(done, rows: 5).waves.map(\.number) == Array(1...5))
        let last = try RunScheduleTests.migration(
            Array(repeating: "moved", count: 19) + ["planned"])
        #expect(MigrationWatch.window(last, rows: 5).waves.map(\.number) == Array(16...20))
    }

    /// Whoever pastes it goes on as he began: nothing moves without its copy.
    @Test func `is written out again with all of its settings`() throws {
        let settings = RunSettings(
            pause: TimeSpan(seconds: 60), bake: TimeSpan(seconds: 90),
            deadline: TimeSpan(seconds: 60), beforeCutover: "copy 'a' $X; b", check: "./check",
            rollsBack: true, waitSeconds: 30,
            overrideReason: "too many", note: Note(reason: "it's time", ticket: "CHG-1"))
        let line = (["run", "m-1", "--resume"] + settings.arguments).joined(separator: " ")
        #expect(
            line == """
                run m-1 --resume --before-cutover='copy '\\''a'\\'' $X; b' --check=./check \
                --on-failure=rollback --pause=1m --bake=90s --deadline=1m --override='too many' \
                --reason='it'\\''s time' --ticket=CHG-1 --wait-converged --timeout=30s
                """)
        #expect(RunSettings().arguments.isEmpty)
    }
}
