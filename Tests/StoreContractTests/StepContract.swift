import RegistryLedger
import RegistryModel
import StoreCore
import Testing

/// A page that takes several steps is still one page, at one revision, whatever is written meanwhile.
@Suite("A list that is read in steps", .timeLimit(.minutes(10))) struct StepContract {
    private static let count = 6_000

    private static func name(_ number: Int) -> String { "n\(10_000 + number).example" }

    private static func fill(_ session: StoreSession) async throws {
        try await session.commit(
            .registerBatch(
                (0..<count).map {
                    .wanted(
                        NewDomain(
                            fqdn: fqdn(name($0)), location: $0.isMultiple(of: 1_000) ? aws : japan,
                            tenant: "t", allowsSplit: true))
                }))
    }

    @Test(arguments: StoreUnderTest.all)
    func `is of the revision at which it began`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await Self.fill(session)
            let lanes = try #require(session.store as? any LanedStore).lanes
            let before = try await session.allDomains()
            let revision = try await session.store.head().revision
            let store = session.store
            for query in [
                DomainQuery(DomainFilter(location: aws)),
                DomainQuery(DomainFilter(location: aws, tenant: "t")),
                DomainQuery(DomainFilter(location: aws, suffix: "example")),
            ] {
                let expected = try await store.domains(query, at: revision)
                #expect(expected.items == before.filter { $0.location == aws })
            }
            // The walk stands in line while others write: names move in, out, go and come.
            let gate = Gate()
            let holder = Task {
                try await lanes.run(.walk) { () async throws(RegistryError) in
                    await gate.pass()
                }
            }
            while lanes.running(.walk) == 0 { await Task.yield() }
            let list = Task { try await store.domains(DomainQuery(DomainFilter(location: aws))) }
            while lanes.waiting(.walk) == 0 { await Task.yield() }
            try await session.commit(
                .change(
                    fqdn(Self.name(5_500)), DomainPatch(location: aws, allowsSplit: true),
                    ifMatch: nil))
            try await session.commit(
                .change(
                    fqdn(Self.name(5_000)), DomainPatch(location: japan, allowsSplit: true),
                    ifMatch: nil))
            try await session.commit(.release(fqdn(Self.name(4_000)), ifMatch: nil))
            try await session.register("n15400x.example", at: aws)
            gate.open()
            try await holder.value
            let read = try await list.value
            #expect(read.revision == revision)
            #expect(read.value.items == before.filter { $0.location == aws })
            // And the next one sees it all.
            let now = try await store.domains(DomainQuery(DomainFilter(location: aws))).value.items
            #expect(
                now.map(\.fqdn.text)
                    == ([0, 1_000, 2_000, 3_000].map(Self.name) + ["n15400x.example"]
                    + [Self.name(5_500)]).sorted())
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `has every page whole, whatever it looks past`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await Self.fill(session)
            var query = DomainQuery(DomainFilter(location: aws), limit: 2)
            var found: [String] = []
            while true {
                let page = try await session.store.domains(query).value
                #expect(page.items.count == 2)
                found += page.items.map(\.fqdn.text)
                guard page.hasMore else { break }
                query.after = page.items.last?.fqdn
            }
            #expect(found == [0, 1_000, 2_000, 3_000, 4_000, 5_000].map(Self.name))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `of history finds the one row among thousands, in either order`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            // One revision of 6,000 changes, six of them at aws.
            try await Self.fill(session)
            for number in 0..<5 {
                let mode: Mode = number.isMultiple(of: 2) ? .reject : .serve
                try await session.commit(
                    .change(fqdn(Self.name(7)), DomainPatch(mode: mode), ifMatch: nil))
            }
            try await session.register("last.example", at: aws)
            let all = try await session.log()
            #expect(all.count == Self.count + 6)
            for order in HistoryQuery.Order.allCases {
                let log = order == .ascending ? all : all.reversed()
                let cases: [(HistoryQuery, (HistoryItem) -> Bool)] = [
                    (HistoryQuery(location: aws), { $0.isAtAWS }),
                    (
                        HistoryQuery(action: .registered, location: aws),
                        { $0.isAtAWS }
                    ),
                    (HistoryQuery(action: .updated), { $0.change.action == .updated }),
                    (HistoryQuery(actor: "t-1"), { _ in true }),
                    (HistoryQuery(actor: "nobody"), { _ in false }),
                    (
                        HistoryQuery(fqdn: fqdn(Self.name(7)), action: .updated),
                        { $0.change.action == .updated }
                    ),
                    (HistoryQuery(fqdn: fqdn(Self.name(7)), location: aws), { _ in false }),
                ]
                for (query, isWanted) in cases {
                    var query = query
                    query.order = order
                    query.limit = 4
                    var found: [HistoryItem] = []
                    for _ in 0..<4 {
                        let page = try await session.store.history(query).value
                        found += page.items
                        guard page.hasMore, let last = page.items.last else { break }
                        query.after = .init(
                            revision: last.header.revision, position: last.position)
                    }
                    #expect(found == Array(log.filter(isWanted).prefix(16)), "\(query)")
                }
            }
        }
    }
}

extension HistoryItem {
    fileprivate var isAtAWS: Bool {
        guard case .domain(_, let before, let after, _) = change.subject else { return false }
        return before?.location == aws || after?.location == aws
    }
}
