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
                            allowsNested: true)))
            }
            try await session.commit(
                .change(fqdn("b.kintone.com"), DomainPatch(mode: .reject), ifMatch: nil))
            let all = try await session.allDomains()
            #expect(all.map(\.fqdn.text) == Self.names.sorted())
            let cases: [(DomainQuery, (Domain) -> Bool)] = [
                (DomainQuery(location: aws), { $0.location == aws }),
                (DomainQuery(mode: .reject), { $0.mode == .reject }),
                (DomainQuery(tenant: "t"), { $0.tenant == "t" }),
                (DomainQuery(prefix: "a"), { $0.fqdn.text.hasPrefix("a") }),
                (DomainQuery(prefix: "x-"), { $0.fqdn.text.hasPrefix("x-") }),
                (DomainQuery(prefix: "x."), { $0.fqdn.text.hasPrefix("x.") }),
                (DomainQuery(suffix: "kintone.com"), { $0.fqdn.isWithin(fqdn("kintone.com")) }),
                (DomainQuery(suffix: "com"), { $0.fqdn.text.hasSuffix(".com") }),
                (DomainQuery(suffix: "x.a.kintone.com"), { $0.fqdn.text == "x.a.kintone.com" }),
                // No wildcards, no other case.
                (DomainQuery(suffix: "kintone_com"), { _ in false }),
                (DomainQuery(suffix: "%"), { _ in false }),
                (DomainQuery(suffix: "KINTONE.COM"), { _ in false }),
                (DomainQuery(suffix: String(repeating: "%", count: 60_000)), { _ in false }),
                (DomainQuery(prefix: "%"), { _ in false }),
                (
                    DomainQuery(location: japan, prefix: "x", suffix: "kintone.com"),
                    { $0.location == japan && $0.fqdn.text.hasPrefix("x") }
                ),
            ]
            for (query, isWanted) in cases {
                let found = try await session.store.domains(query).value.items
                #expect(found == all.filter(isWanted), "\(query.prefix ?? query.suffix ?? "")")
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
