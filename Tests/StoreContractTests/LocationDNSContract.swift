import RegistryModel
import Testing

@Suite("What the DNS leads to at a location") struct LocationDNSContract {
    private static let osaka = LocationName(canonical: "osaka")
    private static let addresses = DNSTargets.addresses(
        [IPv4Address("192.0.2.10")!, IPv4Address("192.0.2.11")!], [IPv6Address("2001:db8::10")!])
    private static let alias = DNSTargets.alias(
        Route53Alias(hostedZoneID: "Z35SXDOTRQ7X7K", name: fqdn("dualstack.lb.example.net"))!)

    private static func whole(_ dns: DNSTargets?, signups: Bool = true) -> LocationSettings {
        var whole = settings("http://osaka", signups: signups)
        whole.dns = dns
        return whole
    }

    private static func stored(_ session: StoreSession) async throws -> LocationSettings? {
        try await session.store.locations(after: nil, limit: 9).value.items
            .first { $0.name == osaka }?.settings
    }

    @Test(arguments: StoreUnderTest.all)
    func `is kept as it was set, and in the log before and after`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let forms = [
                nil, Self.addresses, .cname(fqdn("lb.example.net")), Self.alias,
                .addresses([], [IPv6Address("::1")!]), .addresses([IPv4Address("192.0.2.1")!], []),
                nil,
            ]
            for dns in forms {
                try await session.commit(.putLocation(Self.osaka, Self.whole(dns)))
                #expect(try await Self.stored(session) == Self.whole(dns))
            }
            let same = try await session.commit(.putLocation(Self.osaka, Self.whole(nil)))
            #expect(same.revision == Revision(7), "nothing changed")
            let changes = try await session.log().map(\.change)
            let wanted = zip([nil] + forms.map(Optional.some), forms).map { before, after in
                Change(
                    .locationChanged,
                    .location(
                        Self.osaka, before: before.map { Self.whole($0) }, after: Self.whole(after))
                )
            }
            #expect(changes == wanted)
            let result = try await session.store.verify(nil) { _ in }
            #expect(result.isGood, "\(result.what)")
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `stays where a write doesn't speak of it`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let made = try await session.commit(
                .putLocation(Self.osaka, Self.whole(Self.alias), keepsDNS: true))
            let bare = Location(
                name: Self.osaka, settings: Self.whole(nil), revision: Revision(1))
            #expect(made.outcome == .location(bare, isNew: true), "there's nothing to keep")
            try await session.commit(.putLocation(Self.osaka, Self.whole(Self.addresses)))
            let kept = try await session.commit(
                .putLocation(Self.osaka, Self.whole(nil, signups: false), keepsDNS: true))
            let wanted = Self.whole(Self.addresses, signups: false)
            #expect(
                kept.outcome
                    == .location(
                        Location(name: Self.osaka, settings: wanted, revision: Revision(3)),
                        isNew: false))
            let same = try await session.commit(
                .putLocation(Self.osaka, Self.whole(nil, signups: false), keepsDNS: true))
            #expect(same.revision == Revision(3), "nothing changed")
            // Who becomes the default, and who was it, keep theirs.
            try await session.commit(
                .putLocation(aws, settings("http://aws", isDefault: true), keepsDNS: true))
            #expect(try await Self.stored(session) == wanted)
            var next = settings("http://osaka", isDefault: true)
            try await session.commit(.putLocation(Self.osaka, next, keepsDNS: true))
            try await session.commit(.putLocation(japan, settings(isDefault: true)))
            (next.dns, next.isDefaultForSignups) = (Self.addresses, false)
            #expect(try await Self.stored(session) == next)
            #expect(try await session.store.verify(nil) { _ in }.isGood)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is what it was then, as of a revision, and after the store is opened again`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.commit(.putLocation(Self.osaka, Self.whole(Self.addresses)))
            try await session.commit(.putLocation(Self.osaka, Self.whole(Self.alias)))
            try await session.register("a.example", at: Self.osaka)
            let again = try await session.reopened()
            for (revision, dns) in [(1, Self.addresses), (2, Self.alias), (3, Self.alias)] {
                let found = Shared<[Location]>([])
                _ = try await again.store.snapshot(at: Revision(Int64(revision))) { part in
                    if case .locations(let more) = part { found.change { $0 += more } }
                }
                let osaka = found.value.first { $0.name == Self.osaka }
                #expect(osaka?.settings.dns == dns, "at \(revision)")
            }
            #expect(try await Self.stored(again) == Self.whole(Self.alias))
            await again.store.close()
        }
    }

    /// The table doesn't have it: what a follower is told of a change of it alone is the location as it was.
    @Test(arguments: StoreUnderTest.all)
    func `is nothing that the table's digest has`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            try await session.commit(.putLocation(Self.osaka, Self.whole(nil)))
            let before = try session.table.digest()
            try await session.commit(.putLocation(Self.osaka, Self.whole(Self.addresses)))
            let after = try session.table.digest()
            #expect(after.revision == before.revision.next)
            #expect(after.value.0 == before.value.0)
        }
    }
}
