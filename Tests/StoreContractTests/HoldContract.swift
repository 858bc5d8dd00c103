import RegistryModel
import Testing

@Suite("Holding a name") struct HoldContract {
    let name = fqdn("a.example")

    func hold(
        _ session: StoreSession, _ name: String = "a.example", at location: LocationName? = nil,
        tenant: String? = nil, seconds: Int = 60, allowsSplit: Bool = false,
        by actor: Actor = .registrar
    ) async throws -> HeldDomain {
        let wanted = NewDomain(
            fqdn: fqdn(name), location: location, tenant: tenant, allowsSplit: allowsSplit)
        let committed = try await session.commit(.hold(wanted, for: .seconds(seconds)), by: actor)
        guard case .held(let held) = committed.outcome else { throw RegistryError.inconsistent }
        return held
    }

    @Test(arguments: StoreUnderTest.all)
    func `keeps it from everybody, and makes no domain of it`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let held = try await hold(session, at: aws, tenant: "acme")
            #expect(held.heldUntil == StoreSession.start.adding(.seconds(60)))
            #expect(held.holder == Actor.registrar.token)
            #expect(try await session.live("a.example") == nil)
            #expect(try await session.allDomains() == [])
            #expect(session.observed.value.last == RevisionChanges(revision: Revision(1)))
            #expect(try await session.store.splitTenantCount() == 0)
            #expect(try await session.store.tenant("acme", after: nil, limit: 1).value == nil)
            #expect(
                try await session.store.standing(of: name).value == .held(until: held.heldUntil))
            #expect(try await session.store.holds(DomainQuery()).value.items == [held])
            let refusal = RegistryError.domainHeld(name, until: held.heldUntil)
            for command in [
                new("a.example"), .hold(NewDomain(fqdn: name), for: .seconds(60)), .restore(name),
            ] {
                await #expect(throws: refusal) { try await session.commit(command) }
            }
            let batch = try await session.commit(.registerBatch([.wanted(NewDomain(fqdn: name))]))
            #expect(batch.outcome == .batch(refused: [0: "domain-held"]))
            await #expect(throws: RegistryError.unknownDomain(name)) {
                try await session.commit(.change(name, DomainPatch(mode: .reject), ifMatch: nil))
            }
            await #expect(throws: RegistryError.locationInUse(nowhere)) {
                try await session.commit(.putLocation(nowhere, settings()))
                _ = try await hold(session, "b.example", at: nowhere)
                try await session.commit(.deleteLocation(nowhere))
            }
            let items = try await session.log(of: Revision(1))
            #expect(
                items.map(\.change) == [
                    Change(
                        .held, .hold(name, before: nil, after: held.facts, heldAt: held.heldAt))
                ])
            // Below it nobody else gets a name, and above neither.
            for other in ["x.a.example", "b.x.a.example"] {
                await #expect(throws: RegistryError.nameEntangled(fqdn(other), with: name)) {
                    try await session.register(other, tenant: "other")
                }
            }
            _ = try await hold(session, "x.b.c.example", tenant: "acme")
            await #expect(
                throws: RegistryError.nameEntangled(
                    fqdn("b.c.example"), with: fqdn("x.b.c.example"))
            ) {
                try await session.register("b.c.example", tenant: "other")
            }
            _ = try await session.register("x.a.example", tenant: "acme")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `ends with a domain, for whoever holds it`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let held = try await hold(session, at: aws, tenant: "acme")
            await #expect(throws: RegistryError.notTheHolder(name)) {
                try await session.commit(.activate(name), by: .otherRegistrar)
            }
            session.pass(.seconds(59))
            let committed = try await session.commit(.activate(name), by: .registrar)
            let domain = try #require(try await session.live("a.example"))
            #expect(committed == Committed(revision: Revision(2), outcome: .domain(domain)))
            #expect(domain.placement == held.placement)
            #expect(domain.registeredAt == StoreSession.start.adding(.seconds(59)))
            #expect(session.observed.value.last?.domains == [.set(domain)])
            #expect(try await session.store.holds(DomainQuery()).value.items == [])
            await #expect(throws: RegistryError.domainTaken(name)) {
                try await session.commit(.activate(name), by: .registrar)
            }
            await #expect(throws: RegistryError.releaseForbidden(.registrar)) {
                try await session.commit(.release(name, ifMatch: nil), by: .registrar)
            }
            await #expect(throws: RegistryError.notHeld(fqdn("b.example"))) {
                try await session.commit(.activate(fqdn("b.example")), by: .registrar)
            }
            // Whoever made the other one has lost its token.
            _ = try await hold(session, "b.example")
            try await session.commit(.activate(fqdn("b.example")), by: .tester)
            #expect(try await session.live("b.example") != nil)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `ends without one, and the name is free at once`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(100)) { session in
            let held = try await hold(session)
            await #expect(throws: RegistryError.notTheHolder(name)) {
                try await session.commit(.release(name, ifMatch: nil), by: .otherRegistrar)
            }
            let head = try await session.store.head()
            let stale = Position(epoch: head.epoch, revision: Revision(99))
            await #expect(
                throws: RegistryError.revisionMismatch(
                    current: Position(epoch: head.epoch, revision: held.revision))
            ) {
                try await session.commit(
                    .release(name, ifMatch: .position(anyOf: [stale])), by: .registrar)
            }
            let committed = try await session.commit(.release(name, ifMatch: nil), by: .registrar)
            #expect(committed.outcome == .released)
            let item = try #require(try await session.log(of: committed.revision).first)
            #expect(
                item.change
                    == Change(
                        .holdReleased,
                        .hold(name, before: held.facts, after: nil, heldAt: held.heldAt)))
            #expect(try await session.store.standing(of: name).value == .free)
            try await session.register("a.example")
            // What was released before can still be brought back when a hold is over.
            try await session.commit(.release(name, ifMatch: nil))
            session.pass(.seconds(100))
            _ = try await hold(session)
            try await session.commit(.release(name, ifMatch: nil), by: .registrar)
            try await session.commit(.restore(name))
            #expect(try await session.live("a.example") != nil)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `ends by itself at its end, and not before`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let held = try await hold(session)
            session.clock.change { $0 = held.heldUntil.adding(.milliseconds(-1)) }
            #expect(try await session.store.areHoldsDue() == false)
            let nothing = try await session.commit(.expireHolds(nil), by: .system)
            #expect(nothing.outcome == .holdsExpired(0) && nothing.revision == held.revision)

            session.clock.change { $0 = held.heldUntil }
            #expect(try await session.store.areHoldsDue())
            #expect(try await session.store.standing(of: name).value == .free)
            #expect(try await session.store.holds(DomainQuery()).value.items == [])
            // It's over for everybody, also where nobody has noted it; who meets it has to note it first.
            for command in [
                .activate(name), .release(name, ifMatch: nil), new("a.example"),
                .hold(NewDomain(fqdn: name), for: .seconds(60)), .restore(name),
                .registerBatch([.wanted(NewDomain(fqdn: name))]),
            ] as [Command] {
                await #expect(throws: RegistryError.holdsAreOver([name])) {
                    try await session.commit(command, by: .registrar)
                }
            }
            let over = try await session.commit(.expireHolds([name]), by: .system)
            #expect(over.outcome == .holdsExpired(1))
            let item = try #require(try await session.log(of: over.revision).first)
            #expect(
                item.change
                    == Change(
                        .holdExpired,
                        .hold(name, before: held.facts, after: nil, heldAt: held.heldAt)))
            #expect(item.header.actor == .system)
            await #expect(throws: RegistryError.notHeld(name)) {
                try await session.commit(.activate(name), by: .registrar)
            }
            try await session.register("a.example")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `ends many at once, so many in a revision`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            for number in 0..<40 { _ = try await hold(session, "n\(number).example") }
            _ = try await hold(session, "late.example", seconds: 61)
            session.pass(.seconds(60))
            let over = try await session.commit(.expireHolds(nil), by: .system)
            #expect(over.outcome == .holdsExpired(40))
            #expect(
                try await session.store.holds(DomainQuery()).value.items.map(\.fqdn.text) == [
                    "late.example"
                ])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `promises a place, unless the tenant goes elsewhere`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            // Signups have moved meanwhile, and the place is closed.
            _ = try await hold(session)
            try await session.commit(.putLocation(aws, settings(isDefault: true)))
            try await session.commit(.putLocation(japan, settings(signups: false)))
            await #expect(throws: RegistryError.locationClosed(japan)) {
                _ = try await hold(session, "closed.example", at: japan)
            }
            try await session.commit(.activate(name), by: .registrar)
            #expect(try await session.live("a.example")?.location == japan)

            // The customer has come to be in the other place.
            _ = try await hold(session, "b.example", tenant: "acme")
            _ = try await hold(session, "c.example", at: aws, tenant: "acme")
            _ = try await hold(
                session, "d.example", at: aws, tenant: "acme", allowsSplit: true, by: .tester)
            try await session.commit(
                .registerBatch([
                    .wanted(NewDomain(fqdn: fqdn("e.example"), location: japan, tenant: "acme"))
                ]))
            try await session.commit(.activate(fqdn("b.example")), by: .registrar)
            #expect(try await session.live("b.example")?.location == japan)
            await #expect(throws: RegistryError.tenantElsewhere("acme", [japan])) {
                try await session.commit(.activate(fqdn("c.example")), by: .registrar)
            }
            let split = try await session.commit(.activate(fqdn("d.example")))
            #expect(try await session.live("d.example")?.location == aws)
            #expect(try await session.log(of: split.revision).first?.header.allowsSplit == true)
            try await session.commit(.activate(fqdn("c.example")), by: .registrar)
            #expect(try await session.live("c.example")?.location == aws)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `stays over a restart`(engine: StoreUnderTest) async throws {
        try await engine.run { first in
            let held = try await hold(first, at: aws, tenant: "acme")
            let session = try await first.reopened()
            #expect(try await session.store.holds(DomainQuery()).value.items == [held])
            #expect(try await session.store.verify(nil) { _ in }.isGood)
            session.pass(.seconds(60))
            let later = try await session.reopened()
            #expect(try await later.store.areHoldsDue())
            try await later.commit(.expireHolds(nil), by: .system)
            #expect(try await later.store.verify(nil) { _ in }.isGood)
            await later.store.close()
        }
    }
}

extension Actor {
    static let registrar = Actor(token: "r-1", name: "signup", role: .registrar)
    /// Another token with the same name.
    static let otherRegistrar = Actor(token: "r-2", name: "signup", role: .registrar)
}
