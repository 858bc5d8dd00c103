import RegistryModel
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
                // No wildcards, no other case.
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
