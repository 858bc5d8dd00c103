import AsyncHTTPClient
import RegistryAPI
import RegistryClient
import RegistryModel
import RoutingTable
import Testing

@testable import RegistryAgent

@Suite("The feed, as an agent reads it") struct RegistryFeedTests {
    private static func domain(_ number: Int, at place: String, revision: Int64) -> Domain {
        Domain(
            fqdn: FQDN(canonical: "t\(number).kintone.com"),
            placement: Placement(
                location: LocationName(canonical: place), mode: .serve, tenant: nil, fence: nil),
            revision: Revision(revision), registeredAt: Timestamp(milliseconds: 0),
            changedAt: Timestamp(milliseconds: revision))
    }

    private static func event(_ page: FeedPage) -> String {
        var writer = JSONWriter()
        writer.write(page)
        return "event: changes\ndata: \(String(decoding: writer.bytes, as: UTF8.self))\n\n"
    }

    private static func page(_ count: Int, at place: String, revision: Int64) -> FeedPage {
        FeedPage(
            epoch: Epoch("epoch"), from: Revision(revision - 1), to: Revision(revision),
            head: Revision(revision),
            changes: (0..<count).map { .set(domain($0, at: place, revision: revision)) })
    }

    /// Follows until the registry has been asked `count` times, and `isDone`: a connection that ends may lose
    /// what it was about to bring, and the next one brings it.
    private static func follow(
        _ events: [String], into table: CompactRoutingTable, requests count: Int,
        until isDone: @escaping @Sendable () -> Bool = { true }
    ) async throws {
        let registry = try ScriptedRegistry(events)
        let client = RegistryClient(base: registry.url, token: nil, http: .shared)
        var settings = Follower.Settings()
        settings.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(5))
        let follower = Follower(RegistryFeed(client: client), into: table, settings)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await follower.run() }
            try await eventually("asked") { registry.requests.value.count >= count && isDone() }
            group.cancelAll()
        }
    }

    @Test func `leaves the table as it was where an event breaks off, wherever that is`()
        async throws
    {
        let whole = Self.event(Self.page(3, at: "aws", revision: 8))
        for length in stride(from: 1, to: whole.utf8.count, by: 13) {
            let table = sampleTable(3)
            let before = try table.digest().value.0
            try await Self.follow(
                [String(whole.prefix(length))], into: table, requests: 2)
            #expect(try table.digest().value.0 == before, "\(length) bytes")
            #expect(table.position?.revision == Revision(7))
        }
    }

    @Test func `takes the next event after one that broke off`() async throws {
        let whole = Self.event(Self.page(2_000, at: "aws", revision: 8))
        let table = sampleTable(3)
        try await Self.follow(
            [String(whole.prefix(100_000)), whole], into: table, requests: 2,
            until: { table.position?.revision == Revision(8) })
        #expect(table.position?.revision == Revision(8))
        #expect(try table.statistics().value.total == 2_000)
        #expect(
            try table.find(FQDN(canonical: "t1999.kintone.com")).value
                == Self.domain(1999, at: "aws", revision: 8))
    }

    /// As where only what the DNS leads to has changed: the feed has the upstream, which is the same.
    @Test func `takes a location that is as it was, and asks for nothing else`() async throws {
        let table = sampleTable(3)
        let before = try table.digest().value.0
        let locations = try table.statistics().value.locations.map(\.name)
        let page = { (revision: Int64, upstream: String) in
            FeedPage(
                epoch: Epoch("epoch"), from: Revision(revision - 1), to: Revision(revision),
                head: Revision(revision),
                changes: [
                    .locationChanged(
                        Revision(revision), LocationName(canonical: "osaka"),
                        upstream: UpstreamURL(canonical: upstream))
                ])
        }
        try await Self.follow(
            [Self.event(page(8, "http://osaka"))], into: table, requests: 1,
            until: { table.position?.revision == Revision(8) })
        let made = try table.digest().value.0
        #expect(made != before)
        try await Self.follow(
            [Self.event(page(9, "http://osaka"))], into: table, requests: 1,
            until: { table.position?.revision == Revision(9) })
        #expect(try table.digest().value.0 == made)
        #expect(try table.statistics().value.locations.count == locations.count + 1)
    }

    @Test(arguments: [
        (#""to":8"#, #""to":7"#), (#""head":8"#, #""head":7"#), (#""from":7"#, #""from":8"#),
        ("t1.kintone.com", "T1.kintone.com"), ("}]}", "}]"), ("}]}", "}],}"),
    ])
    func `takes nothing of a page that isn't right at its end`(right: String, wrong: String)
        async throws
    {
        let text = Self.event(Self.page(3, at: "aws", revision: 8))
        #expect(text.contains(right))
        let table = sampleTable(3)
        let before = try table.digest().value.0
        try await Self.follow([text.replacing(right, with: wrong)], into: table, requests: 2)
        #expect(try table.digest().value.0 == before)
    }
}
