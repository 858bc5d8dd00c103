import DurableFiles
import Foundation
import RegistryAPI
import RegistryModel
import RoutingTable
import Testing

@testable import RegistryAgent

/// When a revision is said to be applied.
@Suite("Maps that proxies are told of") struct MapConfirmationTests {
    @Test func `are applied only when the command has succeeded`() async throws {
        let folder = try TestFolder()
        let applied = Shared<[Position]>([])
        let calls = Shared(0)
        var settings = MapPublisher.Settings(
            targets: try MapPublisherTests.targets(folder, "nginx-map:DIR/n"))
        settings.debounce = .zero
        settings.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(2))
        settings.onChange = { _, paths in
            #expect(paths == [folder.path("n")])
            return calls.change { calls in
                calls += 1
                return calls < 4 ? "ended with 1" : nil
            }
        }
        let table = sampleTable(5)
        let publisher = MapPublisher(table, settings, logger: silent) { position in
            #expect(calls.value >= 4)
            applied.change { $0.append(position) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await publisher.run() }
            publisher.wakeup.wake()
            try await eventually("applied") { !applied.value.isEmpty }
            #expect(calls.value == 4)
            // A revision that changes no line needs no reload, and is applied.
            _ = table.apply(RevisionChanges(revision: Revision(8)))
            publisher.wakeup.wake()
            try await eventually("the next one") { applied.value.last?.revision == Revision(8) }
            #expect(calls.value == 4)
            group.cancelAll()
        }
    }

    /// Steady changes put off no report: what was published before is reported when it's confirmed.
    @Test(arguments: [false, true])
    func `are applied when they're confirmed, and the next are written meanwhile`(
        fails: Bool
    ) async throws {
        let folder = try TestFolder()
        let (applied, told, asked) = (
            Shared<[Revision]>([]), Shared<[Revision]>([]), Shared<[Revision]>([])
        )
        let (drained, drain) = AsyncStream.makeStream(of: Void.self)
        var settings = MapPublisher.Settings(
            targets: try MapPublisherTests.targets(folder, "nginx-map:DIR/n"))
        settings.debounce = .zero
        settings.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(2))
        settings.onChange = { position, _ in
            told.change { $0.append(position.revision) }
            return nil
        }
        settings.confirm = { position, _ in
            asked.change { $0.append(position.revision) }
            for await _ in drained {}
            return fails && asked.value.count == 1 ? "ended with 1" : nil
        }
        let table = sampleTable(5)
        let (first, second) = (try #require(table.position).revision, Revision(9))
        let publisher = MapPublisher(table, settings, logger: silent) { position in
            applied.change { $0.append(position.revision) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await publisher.run() }
            publisher.wakeup.wake()
            try await eventually("the first is asked for") { asked.value == [first] }
            load(table, 6, revision: second.number)
            publisher.wakeup.wake()
            try await eventually("the second is told") { told.value == [first, second] }
            #expect(asked.value == [first] && applied.value.isEmpty)
            drain.finish()
            try await eventually("the second is applied") { applied.value.last == second }
            #expect(applied.value == (fails ? [second] : [first, second]))
            #expect(asked.value == [first, second])
            group.cancelAll()
        }
    }
}
