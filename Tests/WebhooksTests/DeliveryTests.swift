import Foundation
import Logging
import PrometheusMetrics
import RegistryModel
import RegistryService
import RoutingTable
import SQLiteStore
import Synchronization
import Testing

@testable import Webhooks

/// Deliveries of a service in this process, whose clock is set; nobody listens where they go.
@Suite("A delivery that nobody takes") struct DeliveryTests {
    private static let name = WebhookName("chat")!

    private final class Clock: Sendable {
        private let time = Mutex(Timestamp(milliseconds: 1_592_697_600_000))
        var now: Timestamp { time.withLock { $0 } }

        func pass(_ duration: Duration) {
            time.withLock { $0 = $0.adding(duration) }
        }
    }

    private struct World {
        let folder: URL
        let clock = Clock()
        let service: RegistryService
        let deliveries: WebhookDeliveries
        let metrics = PrometheusRegistry(includesProcess: false)

        init() async throws {
            folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("webhooks-\(UUID().uuidString)")
            let state = NodeState(table: CompactRoutingTable())
            let logger = Logger(label: "webhooks") { _ in SwiftLogNoOpLogHandler() }
            let now: @Sendable () -> Timestamp = { [clock] in clock.now }
            let store = try SQLiteStore(
                SQLiteStore.Configuration(folder: folder, quarantine: .zero, now: now),
                logger: logger, onCommit: state.apply)
            service = RegistryService(
                store: store, state: state, names: NamePolicy(reserved: "", suffixes: []),
                allowsPlainWebhooks: true, logger: logger, now: now)
            deliveries = WebhookDeliveries(
                service, Receiver.Way(tls: nil, allowsPlain: true), logger: logger,
                metrics: metrics)
            try await service.loadTable()
        }

        /// Nobody listens at port 1.
        func put(
            _ actions: Action..., at url: String = "http://127.0.0.1:1/in",
            as webhook: WebhookName = name
        ) async throws {
            _ = try await service.putWebhook(
                webhook, WebhookSettings(url: WebhookURL(url), actions: actions), secret: nil,
                WriteContext(actor: .system, requestID: "r"))
        }

        func register(_ text: String) async throws -> Revision {
            try await service.store.commit(
                CommitRequest(
                    .register(NewDomain(fqdn: FQDN(text))), by: .system, requestID: "r")
            ).revision
        }

        /// - Returns: how many webhooks were looked after.
        func look() async -> Int {
            let due = await deliveries.due()
            for record in due { await deliveries.deliver(to: record) }
            return due.count
        }

        func progress() async throws -> WebhookProgress {
            try await service.webhook(name).value.record.progress
        }

        /// - Returns: how long it took.
        func failOften() async throws -> Duration {
            for _ in 1..<RetrySchedule.leastAttempts {
                clock.pass(.seconds(3_700))
                #expect(await look() == 1)
            }
            return .seconds(3_700) * (RetrySchedule.leastAttempts - 1)
        }

        /// What is shown of webhooks, without what all of them have in common.
        var shown: [String] {
            metrics.render().split(separator: "\n").filter { $0.hasPrefix("registry_webhook") }
                .map { String($0.dropFirst("registry_webhook".count)) }
        }

        func close() async throws {
            await service.store.close()
            try FileManager.default.removeItem(at: folder)
        }
    }

    @Test func `is tried again once its time has come, and no earlier`() async throws {
        let world = try await World()
        #expect(await world.look() == 0)
        try await world.put(.registered)
        // Nothing is to be told yet; whoever has found that doesn't look again.
        #expect(await world.look() == 1)
        #expect(await world.look() == 0)
        _ = try await world.register("a.example")
        #expect(await world.look() == 1)
        let failure = try #require(try await world.progress().failure)
        #expect(failure.attempts == 1 && failure.since == world.clock.now)
        #expect(failure.error == "Connection refused")
        let wait = failure.retryAt.since(world.clock.now)
        #expect(wait >= .milliseconds(800) && wait <= .milliseconds(1_200))
        #expect(await world.look() == 0)
        world.clock.pass(.milliseconds(700))
        #expect(await world.look() == 0)
        world.clock.pass(.milliseconds(600))
        #expect(await world.look() == 1)
        let second = try #require(try await world.progress().failure)
        #expect(second.attempts == 2 && second.since == failure.since)
        // An admin's change is a reason to try at once.
        try await world.put(.registered, .moved)
        #expect(await world.look() == 1)
        #expect(try await world.progress().failure?.attempts == 1)
        try await world.close()
    }

    @Test func `is given up after three days, with all that is as old, and what is younger isn't`()
        async throws
    {
        let world = try await World()
        try await world.put(.registered)
        _ = try await world.register("a.example")
        let second = try await world.register("b.example")
        #expect(await world.look() == 1)
        let early = try await world.failOften()
        world.clock.pass(.seconds(3 * 86_400 - 1) - early)
        _ = try await world.register("c.example")
        #expect(await world.look() == 1)
        #expect(try await world.progress().givenUp == 0)
        world.clock.pass(.seconds(3_601))
        #expect(await world.look() == 1)
        let progress = try await world.progress()
        #expect(progress.through == second && progress.givenUp == 2)
        #expect(progress.delivered == nil && progress.failure?.attempts == 26)
        #expect(
            progress.failure?.error
                == "revision \(second) was given up after 3 days: Connection refused")
        #expect(try await world.service.webhook(Self.name).value.behind == 1)
        try await world.close()
    }

    @Test func `isn't given up because a clock was set`() async throws {
        let world = try await World()
        try await world.put(.registered)
        _ = try await world.register("a.example")
        #expect(await world.look() == 1)
        world.clock.pass(.seconds(30 * 86_400))
        #expect(await world.look() == 1)
        #expect(try await world.progress().givenUp == 0)
        try await world.close()
    }

    @Test func `has three days from the first attempt where the registry was down before`()
        async throws
    {
        let world = try await World()
        try await world.put(.registered)
        _ = try await world.register("a.example")
        world.clock.pass(.seconds(10 * 86_400))
        #expect(await world.look() == 1)
        #expect(try await world.progress().givenUp == 0)
        try await world.close()
    }

    @Test func `goes nowhere where the name leads to what mustn't be reached`() async throws {
        let world = try await World()
        try await world.put(.registered, at: "https://chat.example/in")
        _ = try await world.register("a.example")
        let record = try await world.service.webhook(Self.name).value.record
        var way = Receiver.Way(tls: nil, allowsPlain: true)
        way.lookup = AddressLookup { _ in .success([ReceiverAddress("169.254.169.254")!]) }
        let deliveries = WebhookDeliveries(
            world.service, way, logger: Logger(label: "webhooks"))
        await deliveries.deliver(to: record)
        let error = try await world.progress().failure?.error
        #expect(error?.contains("169.254.169.254: it's link-local") == true, "\(error ?? "")")
        try await world.close()
    }

    @Test func `is told of by its webhook's name, until that is deleted`() async throws {
        let world = try await World()
        #expect(world.shown == ["s 0"])
        let other = try #require(WebhookName("siem"))
        try await world.put(.registered)
        try await world.put(.released, as: other)
        #expect(await world.look() == 2)
        // All of it is there before there is anything to count.
        #expect(world.shown.filter { !$0.hasSuffix(" 0") } == ["s 2"])
        #expect(world.shown.count == 1 + 2 * 8)
        _ = try await world.register("a.example")
        world.clock.pass(.seconds(10))
        _ = try await world.register("b.example")
        #expect(await world.look() == 2)
        world.clock.pass(.seconds(50))
        // It is read again, because something has changed, and delivered to again.
        try await world.put(.released, .restored, as: other)
        #expect(await world.look() == 2)
        #expect(
            world.shown.filter { !$0.hasSuffix(" 0") } == [
                #"_behind_revisions{webhook="chat"} 2"#,
                #"_deliveries_total{result="failed",webhook="chat"} 2"#,
                #"_failing_seconds{webhook="chat"} 50"#,
                #"_waiting_seconds{webhook="chat"} 60"#, "s 2",
            ])
        _ = try await world.service.deleteWebhook(
            Self.name, WriteContext(actor: .system, requestID: "r"))
        _ = await world.look()
        #expect(world.shown.allSatisfy { !$0.contains("chat") })
        #expect(world.shown.count == 1 + 8)
        try await world.close()
    }
}
