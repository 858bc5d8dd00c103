import Logging
import RegistryModel
import Testing

@testable import RegistryService

@Suite("The deadline of a freeze", .timeLimit(.minutes(15))) struct FreezeDeadlineTests {
    private static func deadlines(_ registry: RunningRegistry) -> Deadlines {
        Deadlines(
            registry.service,
            logger: Logger(label: "test") { _ in RecordedLog.Handler(log: registry.log) })
    }

    private static let names = ["a.example.com", "b.example.com"]

    @Test func `thaws the wave when it has come, and not before`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            try await registry.freeze(migration, seconds: 60)
            let head = try await registry.head()
            registry.clock.advance(by: .milliseconds(59_999))
            await Self.deadlines(registry).once()
            #expect(try await registry.states(of: migration) == "running: frozen")
            #expect(try await registry.head() == head)

            registry.clock.advance(by: .milliseconds(1))
            await Self.deadlines(registry).once()
            #expect(try await registry.states(of: migration) == "running: planned")
            #expect(
                try await registry.places(Self.names) == ["japan serve", "japan serve"])
            let items = try await registry.get("/v1/history?action=thawed").items
            #expect(items.count == 2)
            for item in items {
                #expect(item["revision"]?.number == head + 1)
                #expect(item["migration"]?.text == migration.id && item["wave"]?.number == 1)
                #expect(item["actor"]?["token"]?.text == "system")
                #expect(item["reason"]?.text == "the freeze came to its deadline")
            }
            // Once.
            await Self.deadlines(registry).once()
            #expect(try await registry.head() == head + 1)
            try await registry.patch("a.example.com", #"{"tenant":"free"}"#)
        }
    }

    @Test func `that passes while a cutover is on its way keeps that from moving`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            let frozen = try await registry.freeze(migration, seconds: 60)
            registry.clock.advance(by: .seconds(60))
            // The deadline has come, and nobody has thawed the wave yet.
            let head = try await registry.head()
            let late = try await registry.post(
                migration.path("cutover"), as: .role(.operator_), migration.agreement())
            #expect(late.isProblem(409, "wrong-state") && late["state"]?.text == "frozen")
            #expect(
                late["detail"]?.text?.contains(frozen["deadline"]?.text ?? "?") == true)
            #expect(try await registry.head() == head)
            #expect(try await registry.places(Self.names) == ["japan reject", "japan reject"])
            // It can still be thawed by hand, before the service does it.
            try await registry.succeed(migration.path("thaw"))
            await Self.deadlines(registry).once()
            #expect(try await registry.states(of: migration) == "running: planned")
            try await registry.freeze(migration)
            try await registry.cutOver(migration)
        }
    }

    @Test func `does nothing to a wave that moved in time, or is frozen anew`() async throws {
        try await withRegistry { registry in
            let moved = try await registry.planned(["a.example.com"], freeze: "reject")
            let again = try await registry.planned(["b.example.com"], freeze: "reject")
            try await registry.freeze(moved, seconds: 60)
            try await registry.freeze(again, seconds: 60)
            registry.clock.advance(by: .seconds(59))
            try await registry.cutOver(moved)
            try await registry.succeed(again.path("thaw"))
            try await registry.freeze(again, seconds: 60)
            registry.clock.advance(by: .seconds(30))
            let head = try await registry.head()
            await Self.deadlines(registry).once()
            #expect(try await registry.head() == head)
            #expect(try await registry.states(of: moved) == "running: moved")
            #expect(try await registry.states(of: again) == "running: frozen")
        }
    }

    @Test func `thaws one wave although another one's thaw fails`() async throws {
        let settings = RegistrySettings.with {
            $0.failure = .storageFull
            $0.isFailing = { request in
                guard case .waveStep(let step) = request.command else { return false }
                return step.action == .thawWhenDue && step.wave == 1
            }
        }
        try await withRegistry(settings) { registry in
            let migration = try await registry.planned(
                Self.names, waves: #"[{"count":1},{"rest":true}]"#, freeze: "reject")
            try await registry.freeze(migration, 1, seconds: 1)
            try await registry.freeze(migration, 2, seconds: 2)
            registry.clock.advance(by: .seconds(5))
            await Self.deadlines(registry).once()
            #expect(try await registry.states(of: migration) == "running: frozen planned")
            let warning = registry.log.lines.first {
                $0.level == .warning && $0.message.contains("thaw")
            }
            #expect(warning?.metadata["wave"] == "1")
        }
    }

    @Test func `is at most a week away, and counted from the freeze`() async throws {
        try await withRegistry { registry in
            let migration = try await registry.planned(Self.names, freeze: "reject")
            registry.clock.advance(by: .seconds(1000))
            let frozen = try await registry.freeze(migration, seconds: 604_800)
            let deadline = registry.clock.now.adding(.days(7))
            #expect(frozen["deadline"]?.text == "\(deadline)")
            registry.clock.advance(by: .days(7))
            await Self.deadlines(registry).once()
            #expect(try await registry.states(of: migration) == "running: planned")
        }
    }
}
