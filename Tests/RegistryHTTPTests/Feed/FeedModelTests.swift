import AsyncHTTPClient
import Foundation
import RegistryAPI
import RegistryHTTP
import RegistryModel
import RegistryService
import Synchronization
import Testing

@Suite("Who follows the feed", .timeLimit(.minutes(10))) struct FeedModelTests {
    /// Writers at once, over 100,000 changes in revisions of 1 to 1,000, and readers of every kind, one
    /// of them far behind.
    @Test func `has what a snapshot has, whatever is written meanwhile`() async throws {
        let settings = RegistrySettings.with { $0.http.heartbeat = .milliseconds(50) }
        try await withRegistry(settings) { registry in
            let first = try TableCopy(snapshot: try await registry.get("/v1/snapshot").bytes)
            let isOver = Over()
            try await withThrowingTaskGroup(of: TableCopy?.self) { group in
                for limit in [1, 5_000] {
                    group.addTask {
                        try await Self.poll(registry, from: first, limit: limit, until: isOver)
                    }
                }
                let opened = try await registry.events("?after=\(first.revision)")
                group.addTask { try await Self.follow(opened, from: first, until: isOver) }
                try await withThrowingTaskGroup(of: Void.self) { writers in
                    for writer in 0..<4 {
                        writers.addTask { try await Self.write(registry, writer: writer) }
                    }
                    try await writers.waitForAll()
                }
                // Something after the end, so that everybody hears of it.
                try await registry.register("last.example.com")
                let head = try await registry.head()
                isOver.at.store(head, ordering: .sequentiallyConsistent)
                try await registry.register("after-the-last.example.com")
                group.addTask {
                    try await Self.poll(registry, from: first, limit: 5_000, until: isOver)
                }
                var copies: [TableCopy] = []
                for try await copy in group { if let copy { copies.append(copy) } }
                #expect(copies.count == 4)
                let end = try TableCopy(snapshot: try await registry.get("/v1/snapshot").bytes)
                for copy in copies { #expect(copy == end) }
                #expect(end.revision.number - first.revision.number > 3_000)
                #expect(end.domains.count > 90_000)
            }
        }
    }

    private final class Over: Sendable {
        let at = Atomic<Int64>(.max)
    }

    private static func poll(
        _ registry: RunningRegistry, from first: TableCopy, limit: Int, until isOver: Over
    ) async throws -> TableCopy {
        var copy = first
        while copy.revision.number <= isOver.at.load(ordering: .sequentiallyConsistent) {
            let page = try await registry.page(
                after: copy.revision.number, "&wait=60&limit=\(limit)&epoch=\(copy.epoch)")
            copy.apply(page)
        }
        return copy
    }

    private static func follow(
        _ opened: EventReader, from first: TableCopy, until isOver: Over
    ) async throws -> TableCopy {
        var (reader, copy) = (opened, first)
        while copy.revision.number <= isOver.at.load(ordering: .sequentiallyConsistent) {
            let event = try #require(await reader.next())
            if let beat = event.heartbeat {
                #expect(beat.head == copy.revision)
            } else {
                copy.apply(try event.page)
            }
        }
        return copy
    }

    /// Registers, changes, releases and restores names of its own: over 25,000 changes.
    private static func write(_ registry: RunningRegistry, writer: Int) async throws {
        let actor = Actor(token: "w\(writer)", name: "writer", role: .admin)
        let context = WriteContext(actor: actor, requestID: "r")
        let service = registry.service
        func name(_ number: Int) throws -> FQDN { try FQDN("n\(number).w\(writer).example.com") }
        for batch in 0..<30 {
            let rows = try (0..<800).map { number in
                NewDomain(
                    fqdn: try name(batch * 800 + number), location: nil,
                    tenant: "t\(number % 7)", allowsSplit: true)
            }
            _ = try await service.registerBatch(rows.map { .success($0) }, context)
            for number in 0..<20 {
                let fqdn = try name(batch * 800 + number)
                var patch = DomainPatch(allowsSplit: true)
                patch.location = LocationName(canonical: "aws")
                patch.mode = number.isMultiple(of: 3) ? .readOnly : nil
                _ = try await service.change(fqdn, patch, ifMatch: nil, context)
                guard number.isMultiple(of: 2) else { continue }
                _ = try await service.release(fqdn, ifMatch: nil, context)
                guard number.isMultiple(of: 4) else { continue }
                _ = try await service.restore(fqdn, allowsSplit: true, context)
            }
        }
    }
}
