import RegistryModel
import Testing

@Suite("Changing a domain") struct ChangeContract {
    private let name = fqdn("a.example")

    @Test(arguments: StoreUnderTest.all)
    func `sets what was asked, as one revision`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let domain = try await session.register("a.example", tenant: "old")
            // Closed to signups, open to moves.
            try await session.commit(.putLocation(aws, settings(signups: false)))
            session.pass(.seconds(5))
            let patch = DomainPatch(location: aws, mode: .readOnly, tenant: .set("new"))
            let committed = try await session.commit(.change(name, patch, ifMatch: nil))
            let changed = Domain(
                fqdn: name,
                placement: Placement(location: aws, mode: .readOnly, tenant: "new", fence: nil),
                revision: Revision(3), registeredAt: domain.registeredAt,
                changedAt: StoreSession.start.adding(.seconds(5)))
            #expect(committed == Committed(revision: Revision(3), outcome: .domain(changed)))
            #expect(try await session.live("a.example") == changed)
            let item = try #require(try await session.log(of: Revision(3)).first)
            #expect(
                item.change
                    == Change(
                        .moved,
                        .domain(
                            name, before: domain.placement, after: changed.placement,
                            registeredAt: domain.registeredAt)))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is an update where the location stays`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.register("a.example", tenant: "old")
            try await session.commit(.change(name, DomainPatch(tenant: .clear), ifMatch: nil))
            #expect(try await session.live("a.example")?.tenant == nil)
            try await session.commit(.change(name, DomainPatch(mode: .reject), ifMatch: nil))
            #expect(
                try await session.log().map(\.change.action) == [.registered, .updated, .updated])
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `makes no revision where it is so already, and its answer is remembered`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let domain = try await session.register("a.example", at: aws)
            session.pass(.seconds(5))
            let answer = Committed(revision: Revision(1), outcome: .domain(domain))
            let patches = [
                "k": DomainPatch(),
                "l": DomainPatch(location: aws, mode: .serve, tenant: .clear),
            ]
            for (name, patch) in patches {
                let command = Command.change(self.name, patch, ifMatch: nil)
                #expect(try await session.commit(command, key: key(name)) == answer)
                #expect(try await session.commit(command, key: key(name)).isReplay)
                let replay = try await session.store.replay(of: key(name))
                #expect(replay?.outcome == answer.outcome)
            }
            #expect(try await session.log().count == 1)
            #expect(session.observed.value.count == 1)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is refused where something is unknown`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            await #expect(throws: RegistryError.unknownDomain(name)) {
                try await session.commit(.change(name, DomainPatch(mode: .reject), ifMatch: nil))
            }
            try await session.register("a.example")
            await #expect(throws: RegistryError.unknownLocation(nowhere)) {
                try await session.commit(
                    .change(name, DomainPatch(location: nowhere, mode: .reject), ifMatch: nil))
            }
            #expect(try await session.live("a.example")?.mode == .serve)
            #expect(try await session.revision() == 1)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `keeps to If-Match`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let reject = DomainPatch(mode: .reject)
            let epoch = try await session.store.head().epoch
            func at(_ numbers: Int64...) -> Set<Position> {
                Set(numbers.map { Position(epoch: epoch, revision: Revision($0)) })
            }
            for ifMatch in [Precondition.exists, .position(anyOf: at(1))] {
                await #expect(throws: RegistryError.revisionMismatch(current: nil)) {
                    try await session.commit(.change(name, reject, ifMatch: ifMatch))
                }
                await #expect(throws: RegistryError.revisionMismatch(current: nil)) {
                    try await session.commit(.release(name, ifMatch: ifMatch))
                }
            }
            try await session.register("a.example")
            let current = at(1).first
            let elsewhere = Position(epoch: Epoch("another"), revision: Revision(1))
            for stale in [Precondition.position(anyOf: at(7, 0)), .position(anyOf: [elsewhere])] {
                await #expect(throws: RegistryError.revisionMismatch(current: current)) {
                    try await session.commit(.change(name, reject, ifMatch: stale))
                }
                await #expect(throws: RegistryError.revisionMismatch(current: current)) {
                    try await session.commit(.release(name, ifMatch: stale))
                }
            }
            try await session.commit(.change(name, reject, ifMatch: .position(anyOf: at(9, 1))))
            try await session.commit(.change(name, DomainPatch(mode: .serve), ifMatch: .exists))
            try await session.commit(.release(name, ifMatch: .position(anyOf: at(3))))
            #expect(try await session.revision() == 4)
        }
    }
}
