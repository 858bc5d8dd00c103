import Logging
import RegistryModel
import Testing

@testable import RegistryService

@Suite("Maintenance", .timeLimit(.minutes(15))) struct MaintenanceTests {
    /// What happened, in order.
    private actor Course {
        private(set) var rests = 0
        private(set) var revisions: [Int64] = []

        func rest(_ registry: RunningRegistry) async throws {
            rests += 1
            let answer = try await registry.post(
                "/v1/domains", #"{"fqdn":"r\#(rests).example.com"}"#)
            revisions.append(try #require(answer.revision))
        }
    }

    private static func maintenance(
        _ registry: RunningRegistry,
        rest: @escaping @Sendable (Duration) async throws -> Void = { _ in }
    ) -> Maintenance {
        Maintenance(registry.service, rest: rest, logger: Logger(label: "test"))
    }

    @Test func `forgets all old keys in one run, and lets others write in between`() async throws {
        try await withRegistry { registry in
            let count = 2 * Maintenance.rowsAtOnce + 7
            try await registry.remember(keys: count)
            let first = try await registry.head()
            registry.clock.advance(by: .days(1))
            let course = Course()
            await Self.maintenance(registry) { _ in try await course.rest(registry) }.once()
            #expect(await course.rests == 2)
            // Each was answered while the rest still waited.
            #expect(await course.revisions == [first + 1, first + 2])
            registry.clock.advance(by: .days(-1))
            for number in [0, Maintenance.rowsAtOnce, count - 1] {
                let key = registry.key(number)
                #expect(try await registry.service.replay(of: key) == nil)
            }
            #expect(try await registry.service.store.forgetKeys(atMost: 1) == 0)
        }
    }

    @Test func `keeps what isn't a day old, and stops where it's told to`() async throws {
        try await withRegistry { registry in
            try await registry.remember(keys: Maintenance.rowsAtOnce + 3)
            await Self.maintenance(registry) { _ in Issue.record("nothing is old") }.once()
            registry.clock.advance(by: .days(1))
            await Self.maintenance(registry) { _ in throw CancellationError() }.once()
            #expect(try await registry.service.store.forgetKeys(atMost: 9) == 3)
        }
    }

    @Test func `notes uses of tokens, however many`() async throws {
        try await withRegistry { registry in
            registry.clock.advance(by: .seconds(5))
            try await registry.get("/v1/stats", as: .role(.reader))
            await Self.maintenance(registry).once()
            let stored = try await registry.service.store.tokens(after: nil, limit: 99).value.items
            #expect(stored.first { $0.role == .reader }?.lastUsedAt == registry.clock.now)
        }
    }
}

extension RunningRegistry {
    fileprivate func key(_ number: Int) -> IdempotencyKey {
        IdempotencyKey(
            token: "t-1", key: "k\(number)", requestDigest: Array(repeating: 1, count: 32))
    }

    fileprivate func remember(keys count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    let name = FQDN(canonical: "d\(number).example.com")
                    _ = try await service.register(
                        NewDomain(fqdn: name),
                        WriteContext(
                            actor: .system, requestID: "test", idempotency: key(number)))
                }
            }
            try await group.waitForAll()
        }
    }
}
