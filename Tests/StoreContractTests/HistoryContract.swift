import RegistryModel
import Testing

@Suite("History") struct HistoryContract {
    private static let others = Actor(token: "t-2", name: "other", role: .admin)

    /// A log of every kind of line, one second between revisions.
    private static func fill(_ session: StoreSession) async throws {
        let commands: [(Command, Actor)] = [
            (new("a.example"), .tester),
            (new("b.example", at: aws), others),
            (.change(fqdn("a.example"), DomainPatch(location: aws), ifMatch: nil), .tester),
            (.change(fqdn("a.example"), DomainPatch(mode: .reject), ifMatch: nil), others),
            (.putLocation(aws, settings("http://aws", isDefault: true)), others),
            (.createToken(token("x")), others),
            (.createToken(token("y")), others),
            (.revokeToken(id: "x"), others),
            (.release(fqdn("a.example"), ifMatch: nil), .tester),
            (.restore(fqdn("a.example")), .tester),
            (
                .registerBatch((0..<5).map { .wanted(NewDomain(fqdn: fqdn("n\($0).example"))) }),
                .tester
            ),
        ]
        for (command, actor) in commands {
            try await session.commit(command, by: actor)
            session.pass(.seconds(1))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is filtered by each of its filters, in both orders`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await Self.fill(session)
            let all = try await session.log()
            #expect(all.count == 16)
            let third = StoreSession.start.adding(.seconds(2))
            let sixth = StoreSession.start.adding(.seconds(5))
            let cases: [(HistoryQuery, (HistoryItem) -> Bool)] = [
                (HistoryQuery(fqdn: fqdn("a.example")), { $0.fqdn == "a.example" }),
                (HistoryQuery(fqdn: fqdn("none.example")), { _ in false }),
                (HistoryQuery(actor: "t-2"), { $0.header.actor.token == "t-2" }),
                (HistoryQuery(action: .registered), { $0.change.action == .registered }),
                (HistoryQuery(action: .tokenRevoked), { $0.change.action == .tokenRevoked }),
                (HistoryQuery(migration: "m"), { _ in false }),
                (HistoryQuery(location: aws), { $0.touches(aws) }),
                (HistoryQuery(location: japan), { $0.touches(japan) }),
                (HistoryQuery(since: third), { $0.header.at >= third }),
                (HistoryQuery(until: third), { $0.header.at < third }),
                (
                    HistoryQuery(since: third, until: sixth),
                    { $0.header.at >= third && $0.header.at < sixth }
                ),
                (
                    HistoryQuery(actor: "t-1", action: .registered),
                    { $0.header.actor.token == "t-1" && $0.change.action == .registered }
                ),
                (
                    HistoryQuery(action: .registered, location: aws),
                    { $0.change.action == .registered && $0.touches(aws) }
                ),
                (HistoryQuery(action: .frozen, location: aws), { _ in false }),
                (
                    HistoryQuery(actor: "t-1", action: .moved, location: japan, since: third),
                    {
                        $0.header.actor.token == "t-1" && $0.change.action == .moved
                            && $0.touches(japan) && $0.header.at >= third
                    }
                ),
                (HistoryQuery(afterRevision: Revision(4)), { $0.header.revision > Revision(4) }),
                (HistoryQuery(through: Revision(4)), { $0.header.revision <= Revision(4) }),
                (HistoryQuery(through: Revision(400)), { _ in true }),
                (HistoryQuery(afterRevision: Revision(400)), { _ in false }),
                (
                    HistoryQuery(
                        actor: "t-1", afterRevision: Revision(1), through: Revision(9)),
                    {
                        $0.header.actor.token == "t-1" && $0.header.revision > Revision(1)
                            && $0.header.revision <= Revision(9)
                    }
                ),
                (HistoryQuery(since: StoreSession.start.adding(.seconds(99))), { _ in false }),
                (HistoryQuery(until: StoreSession.start), { _ in false }),
                (
                    HistoryQuery(
                        fqdn: fqdn("a.example"), actor: "t-1", location: aws, since: third),
                    {
                        $0.fqdn == "a.example" && $0.header.actor.token == "t-1" && $0.touches(aws)
                            && $0.header.at >= third
                    }
                ),
            ]
            for (query, isWanted) in cases {
                var query = query
                let expected = all.filter(isWanted)
                for order in HistoryQuery.Order.allCases {
                    query.order = order
                    let read = try await session.store.history(query)
                    let inOrder = order == .ascending ? expected : expected.reversed()
                    #expect(read.value.items == inOrder, "\(query)")
                    #expect(!read.value.hasMore)
                    #expect(read.revision == Revision(11))
                    query.limit = 2
                    #expect(try await Self.pages(query, of: session) == inOrder, "\(query)")
                    query.limit = 100
                }
            }
        }
    }

    /// Every page, each beginning after the last item of the one before.
    private static func pages(
        _ query: HistoryQuery, of session: StoreSession,
        between: (Int) async throws -> Void = { _ in }
    ) async throws -> [HistoryItem] {
        var query = query
        var items: [HistoryItem] = []
        var count = 0
        while true {
            let page = try await session.store.history(query).value
            #expect(page.items.count <= query.limit)
            items += page.items
            guard page.hasMore, let last = page.items.last else { return items }
            query.after = .init(revision: last.header.revision, position: last.position)
            count += 1
            try await between(count)
        }
    }

    @Test(arguments: StoreUnderTest.all, HistoryQuery.Order.allCases)
    func `is paged without repeats or gaps while others write`(
        engine: StoreUnderTest, order: HistoryQuery.Order
    ) async throws {
        try await engine.run { session in
            try await Self.fill(session)
            let before = try await session.log()
            let query = HistoryQuery(order: order, limit: 3)
            let items = try await Self.pages(query, of: session) { count in
                guard count <= 20 else { return }
                try await session.register("late-\(count).example")
            }
            #expect(Set(items).count == items.count)
            #expect(items.filter { $0.header.revision <= Revision(11) }.count == before.count)
            let numbers = items.map { [$0.header.revision.number, Int64($0.position)] }
            let sorted = numbers.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(numbers == (order == .ascending ? sorted : sorted.reversed()))
            if order == .ascending { #expect(items == (try await session.log())) }
        }
    }

    /// Filters that share few revisions, over more of them than one transaction looks at.
    @Test(arguments: StoreUnderTest.all)
    func `finds the few lines that several filters leave`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            for number in 0..<40 {
                let command = new("n\(number).example", at: number % 9 == 0 ? aws : japan)
                try await session.commit(command, by: number % 4 == 0 ? Self.others : .tester)
                guard number % 3 == 0 else { continue }
                try await session.commit(
                    .change(fqdn("n\(number).example"), DomainPatch(mode: .reject), ifMatch: nil))
            }
            let all = try await session.log()
            for (actor, action) in [
                ("t-1", Action.registered), ("t-2", .registered), ("t-1", .updated),
            ] {
                let query = HistoryQuery(
                    actor: actor, action: action, location: aws, order: .ascending, limit: 1)
                let expected = all.filter {
                    $0.header.actor.token == actor && $0.change.action == action && $0.touches(aws)
                }
                #expect(!expected.isEmpty)
                #expect(try await Self.pages(query, of: session) == expected)
            }
        }
    }

    /// Two people take turns, and only one of them ever does the other thing: the filters' revisions lie
    /// side by side all along and have next to none in common.
    @Test(arguments: StoreUnderTest.all, HistoryQuery.Order.allCases)
    func `finds the one line that two long lists share`(
        engine: StoreUnderTest, order: HistoryQuery.Order
    ) async throws {
        try await engine.run { session in
            for number in 0..<700 {
                try await session.commit(new("n\(number).example"), by: .tester)
                let patch = DomainPatch(mode: .reject)
                try await session.commit(
                    .change(fqdn("n\(number).example"), patch, ifMatch: nil),
                    by: number == 350 ? .tester : Self.others)
            }
            let query = HistoryQuery(actor: "t-1", action: .updated, order: order)
            let page = try await session.store.history(query).value
            #expect(page.items.map(\.fqdn) == ["n350.example"] && !page.hasMore)
            let none = HistoryQuery(actor: "t-2", action: .registered, order: order)
            #expect(try await session.store.history(none).value.items.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `says which revision a time had reached`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            #expect(try await session.store.revision(at: StoreSession.start) == .zero)
            try await session.register("a.example")
            try await session.register("b.example")
            session.pass(.seconds(10))
            try await session.register("c.example")
            let start = StoreSession.start
            let expected: [(Duration, Int64)] = [
                (.milliseconds(-1), 0), (.zero, 2), (.milliseconds(9_999), 2), (.seconds(10), 3),
                (.seconds(1_000_000), 3),
            ]
            for (offset, revision) in expected {
                let found = try await session.store.revision(at: start.adding(offset))
                #expect(found == Revision(revision), "\(offset)")
            }
        }
    }
}

extension HistoryItem {
    fileprivate var fqdn: String? {
        if case .domain(let name, _, _, _) = change.subject { name.text } else { nil }
    }

    fileprivate func touches(_ location: LocationName) -> Bool {
        guard case .domain(_, let before, let after, _) = change.subject else { return false }
        return before?.location == location || after?.location == location
    }
}
