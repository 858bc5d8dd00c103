import RegistryModel
import TestRandom
import Testing

@Suite("The list of domains") struct ListContract {
    private static let names = [
        "a.kintone.com", "ab.kintone.com", "b.kintone.com", "evilkintone.com", "kintone.com",
        "x-y.kintone.com", "x.a.kintone.com", "z.example",
    ]

    @Test(arguments: StoreUnderTest.all)
    func `is filtered by each of its filters, by name`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            for (index, name) in Self.names.reversed().enumerated() {
                let place = index.isMultiple(of: 2) ? aws : japan
                try await session.commit(
                    .register(
                        NewDomain(
                            fqdn: fqdn(name), location: place, tenant: index < 3 ? "t" : nil,
                            allowsNested: true, allowsSplit: true)))
                session.pass(.seconds(1))
            }
            try await session.commit(
                .change(fqdn("b.kintone.com"), DomainPatch(mode: .reject), ifMatch: nil))
            let all = try await session.allDomains()
            #expect(all.map(\.fqdn.text) == Self.names.sorted())
            let time = all[3].registeredAt
            #expect((1..<all.count).contains(all.count { $0.registeredAt < time }))
            let cases: [(DomainFilter, (Domain) -> Bool)] = [
                (DomainFilter(location: aws), { $0.location == aws }),
                (DomainFilter(mode: .reject), { $0.mode == .reject }),
                (DomainFilter(tenant: "t"), { $0.tenant == "t" }),
                (DomainFilter(registeredBefore: time), { $0.registeredAt < time }),
                (DomainFilter(prefix: "a"), { $0.fqdn.text.hasPrefix("a") }),
                (DomainFilter(prefix: "x-"), { $0.fqdn.text.hasPrefix("x-") }),
                (DomainFilter(prefix: "x."), { $0.fqdn.text.hasPrefix("x.") }),
                (DomainFilter(suffix: "kintone.com"), { $0.fqdn.isWithin(fqdn("kintone.com")) }),
                (DomainFilter(suffix: "com"), { $0.fqdn.text.hasSuffix(".com") }),
                (DomainFilter(suffix: "x.a.kintone.com"), { $0.fqdn.text == "x.a.kintone.com" }),
                (DomainFilter(contains: "kin"), { $0.fqdn.text.contains("kin") }),
                (DomainFilter(contains: "-y"), { $0.fqdn.text == "x-y.kintone.com" }),
                (DomainFilter(contains: ".a.k"), { $0.fqdn.text == "x.a.kintone.com" }),
                (DomainFilter(contains: "z.example"), { $0.fqdn.text == "z.example" }),
                (DomainFilter(contains: "z.examples"), { _ in false }),
                (
                    DomainFilter(location: aws, prefix: "a", contains: "ton"),
                    { $0.location == aws && $0.fqdn.text.hasPrefix("a") }
                ),
                (
                    DomainFilter(tenant: "t", contains: "kin"),
                    { $0.tenant == "t" && $0.fqdn.text.contains("kin") }
                ),
                // No wildcards, no other case.
                (DomainFilter(contains: "k%n"), { _ in false }),
                (DomainFilter(contains: "k_n"), { _ in false }),
                (DomainFilter(contains: "k*n"), { _ in false }),
                (DomainFilter(contains: "KIN"), { _ in false }),
                (DomainFilter(contains: String(repeating: "%", count: 60_000)), { _ in false }),
                (DomainFilter(suffix: "kintone_com"), { _ in false }),
                (DomainFilter(suffix: "%"), { _ in false }),
                (DomainFilter(suffix: "KINTONE.COM"), { _ in false }),
                (DomainFilter(suffix: String(repeating: "%", count: 60_000)), { _ in false }),
                (DomainFilter(prefix: "%"), { _ in false }),
                (
                    DomainFilter(location: japan, prefix: "x", suffix: "kintone.com"),
                    { $0.location == japan && $0.fqdn.text.hasPrefix("x") }
                ),
            ]
            for (filter, isWanted) in cases {
                let found = try await session.store.domains(DomainQuery(filter)).value.items
                #expect(found == all.filter(isWanted), "\(filter)")
                #expect(found == all.filter(filter.takes), "\(filter)")
            }
        }
    }

    /// Few letters, so that pieces are in many names, begin and end them, and lie across dots.
    @Test(arguments: StoreUnderTest.all)
    func `has the names that have a piece, as a plain model has them`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            var random = SeededRandom(seed: 7)
            func text(_ count: Int) -> String {
                String((0..<count).map { _ in "ab-".randomElement(using: &random) ?? "a" })
            }
            let names = Set((0..<600).map { _ in "a\(text(3))b.b\(text(1))a.example" }).map(fqdn)
            try await session.commit(
                .registerBatch(
                    names.map { .wanted(NewDomain(fqdn: $0, location: aws, allowsNested: true)) }))
            for name in names.prefix(60) {
                try await session.commit(.release(name, ifMatch: nil))
            }
            let all = names.dropFirst(60).sorted()
            for _ in 0..<200 {
                let whole = Array(names[Int.random(in: 0..<names.count, using: &random)].text)
                let first = Int.random(in: 0..<whole.count - 1, using: &random)
                let last = Int.random(in: first + 1..<whole.count, using: &random)
                let piece = String(whole[first...last])
                let place = all.randomElement(using: &random)
                var query = DomainQuery(
                    DomainFilter(contains: piece), after: Bool.random(using: &random) ? place : nil,
                    limit: Int.random(in: 1...90, using: &random))
                let wanted = all.filter { name in
                    name.text.count(of: piece) > 0 && query.after.map { name > $0 } ?? true
                }
                var found: [FQDN] = []
                var page: Page<Domain>
                repeat {
                    page = try await session.store.domains(query).value
                    found += page.items.map(\.fqdn)
                    query.after = page.items.last?.fqdn
                } while page.hasMore
                #expect(found == wanted, "\(piece)")
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is paged without repeats or gaps while others write`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            for number in 100..<140 { try await session.register("d\(number).example") }
            var found: [String] = []
            var query = DomainQuery(limit: 7)
            while true {
                let page = try await session.store.domains(query).value
                found += page.items.map(\.fqdn.text)
                guard page.hasMore else { break }
                query.after = page.items.last?.fqdn
                try await session.register("c\(found.count).example")
                try await session.register("e\(found.count).example")
            }
            #expect(Set(found).count == found.count)
            #expect(found.filter { $0.hasPrefix("d") } == (100..<140).map { "d\($0).example" })
            #expect(found == found.sorted())
        }
    }
}

extension String {
    /// How often it has `piece`, each place looked at by itself.
    fileprivate func count(of piece: String) -> Int {
        let (bytes, wanted) = (Array(utf8), Array(piece.utf8))
        return (0...max(0, bytes.count - wanted.count)).count { place in
            bytes[place...].starts(with: wanted)
        }
    }
}
