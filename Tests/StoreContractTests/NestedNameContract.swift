import RegistryModel
import Testing

@Suite("A name below or above another") struct NestedNameContract {
    private static func wanted(
        _ name: String, _ tenant: String?, allowsNested: Bool = false
    ) -> Command {
        .register(
            NewDomain(
                fqdn: fqdn(name), location: japan, tenant: tenant, allowsNested: allowsNested))
    }

    private static func expectEntangled(
        _ name: String, with other: String, _ session: StoreSession, _ command: Command
    ) async {
        await #expect(throws: RegistryError.nameEntangled(fqdn(name), with: fqdn(other))) {
            try await session.commit(command)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is refused beside another tenant's, or nobody's`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(Self.wanted("acme.kintone.com", "acme"))
            try await session.commit(Self.wanted("a.b.c.free.kintone.com", nil))
            for (name, other) in [
                ("x.acme.kintone.com", "acme.kintone.com"),
                ("y.x.acme.kintone.com", "acme.kintone.com"),
                ("c.free.kintone.com", "a.b.c.free.kintone.com"),
                ("free.kintone.com", "a.b.c.free.kintone.com"),
            ] {
                for tenant in ["bee", nil] {
                    await Self.expectEntangled(
                        name, with: other, session, Self.wanted(name, tenant))
                }
                #expect(
                    try await session.store.standing(of: fqdn(name)).value
                        == .entangled(with: fqdn(other)))
            }
            await Self.expectEntangled(
                "free.kintone.com", with: "a.b.c.free.kintone.com", session,
                Self.wanted("free.kintone.com", "acme"))
            // Its own tenant's, and what only looks alike, at either end of the order.
            for (name, tenant) in [
                ("x.acme.kintone.com", "acme"), ("acme-x.kintone.com", "bee"),
                ("xacme.kintone.com", "bee"), ("acme0.kintone.com", "bee"),
                ("acme.kintone.com.example", "bee"), ("kintone.co", "bee"),
            ] { try await session.commit(Self.wanted(name, tenant)) }
            try await session.commit(Self.wanted("y.acme.kintone.com", "bee", allowsNested: true))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is refused as long as the other one rests`(engine: StoreUnderTest) async throws {
        try await engine.run(quarantine: .seconds(60)) { session in
            for name in ["acme.example.com", "x.bee.example.com"] {
                try await session.commit(Self.wanted(name, "acme"))
                try await session.commit(.release(fqdn(name), ifMatch: nil))
            }
            await Self.expectEntangled(
                "x.acme.example.com", with: "acme.example.com", session,
                Self.wanted("x.acme.example.com", "bee"))
            await Self.expectEntangled(
                "bee.example.com", with: "x.bee.example.com", session,
                Self.wanted("bee.example.com", "bee"))
            session.pass(.seconds(60))
            try await session.commit(Self.wanted("x.acme.example.com", "bee"))
            try await session.commit(Self.wanted("bee.example.com", "bee"))
            await Self.expectEntangled(
                "acme.example.com", with: "x.acme.example.com", session,
                .restore(fqdn("acme.example.com")))
            try await session.commit(.restore(fqdn("acme.example.com"), allowsNested: true))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is known to the rest of its batch, and of its commit`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let rows: [(String, String?)] = [
                ("a.example.com", "one"), ("x.a.example.com", "two"), ("y.a.example.com", "one"),
                ("y.b.example.com", "one"), ("b.example.com", "two"), ("c.example.com", nil),
                ("x.c.example.com", nil),
            ]
            let committed = try await session.commit(
                .registerBatch(
                    rows.map { .wanted(NewDomain(fqdn: fqdn($0), location: japan, tenant: $1)) }))
            let code = "name-entangled"
            #expect(committed.outcome == .batch(refused: [1: code, 4: code, 6: code]))

            // Of two at once one stands, whichever comes first and whether they share a commit.
            for number in 0..<20 {
                let (above, below) = ("n\(number).example.com", "x.n\(number).example.com")
                let outcomes = await withTaskGroup(of: Bool.self) { group in
                    for (name, tenant) in [(above, "one"), (below, "two")] {
                        group.addTask {
                            (try? await session.commit(Self.wanted(name, tenant))) != nil
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.count { $0 } == 1)
            }
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `can't change hands either`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(Self.wanted("a.example.com", "one"))
            try await session.commit(Self.wanted("x.a.example.com", "one"))
            await Self.expectEntangled(
                "a.example.com", with: "x.a.example.com", session,
                .patch("a.example.com", tenant: "two"))
            try await session.commit(.patch("a.example.com", mode: .reject))
            try await session.commit(
                .change(
                    fqdn("a.example.com"), DomainPatch(tenant: .set("two"), allowsNested: true),
                    ifMatch: nil))
            try await session.commit(.patch("x.a.example.com", tenant: "two"))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `stands free below a suffix`(engine: StoreUnderTest) async throws {
        let suffixes = [fqdn("example.com"), fqdn("eu.example.com")]
        try await engine.run(suffixes: suffixes) { session in
            try await session.commit(Self.wanted("eu.example.com", "us"))
            try await session.commit(Self.wanted("a.eu.example.com", "one"))
            try await session.commit(Self.wanted("example.com", "us"))
            await Self.expectEntangled(
                "x.a.eu.example.com", with: "a.eu.example.com", session,
                Self.wanted("x.a.eu.example.com", "two"))
            try await session.commit(Self.wanted("z.ua.example.com", "one"))
            await Self.expectEntangled(
                "ua.example.com", with: "z.ua.example.com", session,
                Self.wanted("ua.example.com", "two"))
            try await session.commit(.release(fqdn("eu.example.com"), ifMatch: nil))
            try await session.commit(.restore(fqdn("eu.example.com")))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is refused after a new start too`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(Self.wanted("x.y.example.com", "one"))
            let again = try await session.reopened()
            await Self.expectEntangled(
                "y.example.com", with: "x.y.example.com", again, Self.wanted("y.example.com", "two")
            )
            #expect(try await again.store.verify(nil) { _ in }.isGood)
            await again.store.close()
        }
    }
}
