import RegistryModel
import Testing

@Suite("Registering") struct RegistrationContract {
    @Test(arguments: StoreUnderTest.all)
    func `puts a domain where signups land, and says so in the log`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            let wanted = NewDomain(fqdn: fqdn("acme.kintone.com"), tenant: "acme-inc")
            let committed = try await session.commit(
                .register(wanted), note: Note(reason: "signup", ticket: "T-1"), requestID: "r-1")
            let domain = Domain(
                fqdn: wanted.fqdn,
                placement: Placement(location: japan, mode: .serve, tenant: "acme-inc", fence: nil),
                revision: Revision(1), registeredAt: StoreSession.start,
                changedAt: StoreSession.start)
            #expect(committed == Committed(revision: Revision(1), outcome: .domain(domain)))
            #expect(try await session.live("acme.kintone.com") == domain)
            #expect(
                session.observed.value
                    == [RevisionChanges(revision: Revision(1), domains: [.set(domain)])])

            let item = try #require(try await session.log().first)
            #expect(
                item.change
                    == Change(
                        .registered,
                        .domain(
                            wanted.fqdn, before: nil, after: domain.placement,
                            registeredAt: StoreSession.start)))
            #expect(item.header.actor == .tester)
            #expect(item.header.note == Note(reason: "signup", ticket: "T-1"))
            #expect(item.header.requestID == "r-1")
            #expect(item.header.at == StoreSession.start)
            #expect(item.header.epoch == (try await session.store.head().epoch))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `refuses what the rules refuse, and writes nothing`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example", at: aws)
            try await session.commit(.putLocation(japan, settings(signups: false, isDefault: true)))
            let revision = try await session.revision()
            let name = fqdn("a.example")
            await #expect(throws: RegistryError.domainTaken(name)) {
                try await session.register("a.example")
            }
            await #expect(throws: RegistryError.unknownLocation(nowhere)) {
                try await session.register("b.example", at: nowhere)
            }
            await #expect(throws: RegistryError.locationClosed(japan)) {
                try await session.register("b.example")
            }
            await #expect(throws: RegistryError.locationClosed(japan)) {
                try await session.register("b.example", at: japan)
            }
            #expect(try await session.revision() == revision)
            #expect(try await session.allDomains().map(\.fqdn) == [name])
            #expect(session.observed.value.count == 2)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `many at once takes the good rows and names the bad ones`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            try await session.register("taken.example")
            try await session.register("gone.example")
            try await session.commit(.release(fqdn("gone.example"), ifMatch: nil))
            // Closed to signups; an operator's batch may go there all the same.
            try await session.commit(.putLocation(aws, settings(signups: false)))
            let rows: [BatchRow] = [
                .wanted(NewDomain(fqdn: fqdn("a.example"), location: aws, tenant: "a")),
                .refused(code: "invalid-fqdn"),
                .wanted(NewDomain(fqdn: fqdn("taken.example"))),
                .wanted(NewDomain(fqdn: fqdn("b.example"))),
                .wanted(NewDomain(fqdn: fqdn("a.example"), location: japan)),
                .wanted(NewDomain(fqdn: fqdn("gone.example"))),
                .wanted(NewDomain(fqdn: fqdn("c.example"), location: nowhere)),
            ]
            let committed = try await session.commit(.registerBatch(rows))
            #expect(
                committed
                    == Committed(
                        revision: Revision(5),
                        outcome: .batch(refused: [
                            1: "invalid-fqdn", 2: "domain-taken", 4: "domain-taken",
                            5: "domain-quarantined", 6: "unknown-location",
                        ])))
            #expect(try await session.live("a.example")?.placement.tenant == "a")
            #expect(try await session.live("a.example")?.location == aws)
            #expect(try await session.live("b.example")?.location == japan)
            let items = try await session.log(of: Revision(5))
            #expect(items.map(\.position) == [0, 1])
            #expect(session.observed.value.last?.domains.count == 2)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `many at once makes no revision when nothing was good`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            try await session.register("a.example")
            let rows: [BatchRow] = [
                .wanted(NewDomain(fqdn: fqdn("a.example"))), .refused(code: "x"),
            ]
            let committed = try await session.commit(.registerBatch(rows), key: key("k"))
            #expect(
                committed
                    == Committed(
                        revision: Revision(1),
                        outcome: .batch(refused: [0: "domain-taken", 1: "x"])
                    ))
            #expect(try await session.revision() == 1)
            let replay = try await session.store.replay(of: key("k"))
            #expect(replay?.outcome == committed.outcome)
            #expect(try await session.commit(.registerBatch([])).revision == Revision(1))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `never keeps a text that it couldn't give back`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            await #expect(throws: RegistryError.inconsistent) {
                try await session.register("a.example", tenant: "a\0b")
            }
            await #expect(throws: RegistryError.inconsistent) {
                try await session.commit(new("a.example"), note: Note(reason: "\0"))
            }
            await #expect(throws: RegistryError.inconsistent) {
                try await session.register("a.example", tenant: "")
            }
            #expect(try await session.revision() == 0)
            let odd = "\u{1F600} ' \" \\ % \n é e\u{301}"
            try await session.register("a.example", tenant: odd)
            let tenant = try await session.live("a.example")?.tenant
            #expect(tenant.map { Array($0.utf8) } == Array(odd.utf8))
        }
    }
}
