import RegistryModel
import TestRandom
import Testing

/// Thousands of random operations, compared with a plain model at hundreds of points in time.
@Suite("Any point in time") struct PointInTimeContract {
    private typealias Model = TimeTravelContract.Model

    /// Points in time, first and last among them.
    private static func points(_ model: Model, _ count: Int, seed: UInt64) -> [Int] {
        var random = SeededRandom(seed: seed)
        let last = model.states.count - 1
        return [0, 1, last - 1, last]
            + (0..<count).map { _ in Int.random(in: 0...last, using: &random) }
    }

    private static func sorted(_ state: [FQDN: Domain]) -> [Domain] {
        state.values.sorted { $0.fqdn < $1.fqdn }
    }

    @Test(arguments: StoreUnderTest.all, [41, 42] as [UInt64])
    func `has the snapshot, the list and the batch that a plain model has`(
        engine: StoreUnderTest, seed: UInt64
    ) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            let model = try await TimeTravelContract.write(2_500, to: session, seed: seed)
            #expect(model.states.count > 1_000)
            let names = (TimeTravelContract.names + ["nobody.example"]).map { fqdn($0) }
            for point in Self.points(model, 200, seed: seed) {
                let state = model.states[point]
                let revision = Revision(Int64(point))
                let snapshot = try await Snapshot(of: session.store, at: revision)
                #expect(snapshot.domains == Self.sorted(state), "at \(point)")
                #expect(
                    snapshot.locations
                        == model.locations[point].values.sorted { $0.name < $1.name },
                    "at \(point)")
                #expect(snapshot.tokens.isEmpty)
                #expect(snapshot.head.revision == revision)
                let asked = names.shuffled()
                let batch = try await session.store.domains(asked, at: revision)
                #expect(batch == asked.map { state[$0] }, "at \(point)")
                let list = try await session.store.domains(DomainQuery(), at: revision)
                #expect(list.items == Self.sorted(state) && !list.hasMore)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is listed by each filter, page by page`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            let model = try await TimeTravelContract.write(600, to: session, seed: 43)
            try await session.register("other.test", tenant: "batch")
            let time = try #require(Self.sorted(model.states[300]).map(\.registeredAt).max())
            let cases: [(DomainFilter, (Domain) -> Bool)] = [
                (DomainFilter(location: aws), { $0.location == aws }),
                (DomainFilter(mode: .reject), { $0.mode == .reject }),
                (DomainFilter(tenant: "batch"), { $0.tenant == "batch" }),
                (DomainFilter(registeredBefore: time), { $0.registeredAt < time }),
                (DomainFilter(prefix: "d1"), { $0.fqdn.text.hasPrefix("d1") }),
                (DomainFilter(prefix: "d5.example"), { $0.fqdn.text == "d5.example" }),
                (DomainFilter(suffix: "example"), { _ in true }),
                (DomainFilter(suffix: "ample"), { _ in false }),
                (DomainFilter(contains: "3.ex"), { $0.fqdn.text.contains("3.ex") }),
                (
                    DomainFilter(mode: .serve, prefix: "d1", contains: "2."),
                    { $0.mode == .serve && $0.fqdn.text.contains(/^d1.*2\./) }
                ),
                (DomainFilter(suffix: "d3.example"), { $0.fqdn.text == "d3.example" }),
                (
                    DomainFilter(location: japan, mode: .serve, prefix: "d", suffix: "example"),
                    { $0.location == japan && $0.mode == .serve }
                ),
            ]
            for point in Self.points(model, 20, seed: 43) {
                let revision = Revision(Int64(point))
                for (filter, isWanted) in cases {
                    let expected = Self.sorted(model.states[point]).filter(isWanted)
                    var query = DomainQuery(filter, limit: 2)
                    var items: [Domain] = []
                    var page: Page<Domain>
                    repeat {
                        page = try await session.store.domains(query, at: revision)
                        items += page.items
                        #expect(page.items.count <= 2)
                        query.after = page.items.last?.fqdn
                    } while page.hasMore
                    #expect(items == expected, "\(query) at \(point)")
                }
            }
        }
    }

    /// More names than one transaction looks at.
    @Test(arguments: StoreUnderTest.all)
    func `is whole where many names came and went`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let names = (0..<5_000).map { "n\($0).example" }.sorted()
            try await session.commit(
                .registerBatch(names.map { .wanted(NewDomain(fqdn: fqdn($0))) }))
            for name in names[..<4_500] where name.hasSuffix("7.example") {
                try await session.commit(.release(fqdn(name), ifMatch: nil))
            }
            let first = try await Snapshot(of: session.store, at: Revision(1))
            #expect(first.domains.map(\.fqdn.text) == names)
            let head = try await session.store.head()
            let now = try await Snapshot(of: session.store, at: head.revision)
            #expect(now.domains == (try await session.allDomains()))
            #expect(now.head == head)
            let last = try await session.store.domains(
                DomainQuery(after: fqdn(names[4_990]), limit: 3), at: head.revision)
            #expect(last.items.map(\.fqdn.text) == Array(names[4_991..<4_994]) && last.hasMore)
            let batch = try await session.store.domains(names.map { fqdn($0) }, at: Revision(1))
            #expect(batch.count == 5_000 && !batch.contains(nil))
            #expect(try await session.store.domains([FQDN](), at: Revision(1)).isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `beyond the head is refused`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example")
            let refusal = RegistryError.unknownRevision(Revision(2), head: Revision(1))
            await #expect(throws: refusal) {
                try await session.store.domains([fqdn("a.example")], at: Revision(2))
            }
            await #expect(throws: refusal) {
                try await session.store.domains([FQDN](), at: Revision(2))
            }
            await #expect(throws: refusal) {
                try await session.store.domains(DomainQuery(), at: Revision(2))
            }
            await #expect(throws: refusal) {
                try await Snapshot(of: session.store, at: Revision(2))
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `has the locations of then, and the head of then`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let genesis = try await Snapshot(of: session.store).locations.sorted {
                $0.name < $1.name
            }
            var heads = [try await session.store.head()]
            var expected = [genesis]
            let commands: [Command] = [
                .putLocation(nowhere, settings("http://first")),
                .putLocation(japan, settings("http://japan", isDefault: true)),
                .putLocation(nowhere, settings("http://second", isDefault: true)),
                .putLocation(japan, settings("http://japan", signups: false)),
                .putLocation(aws, settings("http://aws", isDefault: true)),
                .deleteLocation(nowhere),
            ]
            for command in commands {
                try await session.commit(command)
                session.pass(.seconds(1))
                heads.append(try await session.store.head())
                expected.append(
                    try await Snapshot(of: session.store).locations.sorted { $0.name < $1.name })
            }
            for (number, (head, locations)) in zip(heads, expected).enumerated() {
                let then = try await Snapshot(of: session.store, at: Revision(Int64(number)))
                #expect(then.locations == locations, "at \(number)")
                #expect(then.head.revision == head.revision && then.head.digest == head.digest)
                #expect(then.head.epoch == head.epoch)
                if number > 0 { #expect(then.head == head) }
            }
        }
    }
}
