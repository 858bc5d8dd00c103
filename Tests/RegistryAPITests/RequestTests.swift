import RegistryAPI
import RegistryModel
import Testing

/// Clients write them, the server reads them: each member of the list is in the text, and reads back.
@Suite("A request") struct RequestTests {
    private static let note = Note(reason: "why", ticket: "CHG-1")

    private static let dns: [DNSTargets] = [
        .addresses([IPv4Address("192.0.2.1")!, IPv4Address("192.0.2.2")!], []),
        .addresses([], [IPv6Address("2001:db8::1")!]),
        .addresses([IPv4Address("192.0.2.1")!], [IPv6Address("2001:db8::1")!]),
        .cname(FQDN(canonical: "lb.example.net")),
        .alias(Route53Alias(hostedZoneID: "Z1", name: FQDN(canonical: "lb.example.net"))!),
    ]

    /// - Parameter value: has every member.
    private static func check<Value: Shape>(_ value: Value) throws {
        let json = value.json
        var reader = JSONObjectReader(try JSONDocument(parsing: json))
        let read = try #require(Value(reading: &reader))
        reader.finish()
        #expect(reader.problems == [], "\(Value.self)")
        #expect(read.json == json)
        guard case .object(let members) = try JSONValue(parsing: json) else {
            Issue.record("\(Value.self) isn't an object")
            return
        }
        #expect(members.map(\.key) == Value.fields.map(\.name), "\(Value.self)")
    }

    @Test func `is read as it's written, and has no other member`() throws {
        try Self.check(Self.note)
        try Self.check(
            DomainRegistration(
                fqdn: "acme.example.com",
                placement: PlacementText(location: "aws", tenant: "acme"), allowsNested: true,
                allowsSplit: true, holdSeconds: 60, note: Self.note))
        for (tenant, cleared) in [("acme", []), (nil, ["tenant"])] as [(String?, Set<String>)] {
            try Self.check(
                DomainChangeRequest(
                    PlacementText(location: "aws", mode: "read_only", tenant: tenant),
                    clearing: cleared, allowsNested: true, allowsSplit: true, note: Self.note))
        }
        try Self.check(Restoration(allowsNested: true, allowsSplit: true, note: Self.note))
        let row = BatchRegistration.Row(
            fqdn: "a.example.com",
            placement: PlacementText(location: "aws", mode: "serve", tenant: "acme"))
        try Self.check(row)
        try Self.check(
            BatchRegistration(
                domains: [row], allowsNested: true, allowsSplit: true, note: Self.note))
        try Self.check(
            TenantChangeRequest(location: "aws", mode: "reject", note: Self.note))
        for dns in Self.dns.map(DNSChange.set) + [.clear] {
            try Self.check(
                LocationRequest(
                    upstream: "http://aws:80", acceptsSignups: true, isDefault: false, dns: dns,
                    note: Self.note))
        }
        try Self.check(
            TokenRequest(
                name: "ops", role: "operator", expiresAt: "2099-01-01T00:00:00Z", note: Self.note))
        let cutover = CutoverRequest(
            planDigest: "sha256:aa", expectedCount: 3, overrideReason: "must", note: Self.note)
        try Self.check(cutover)
        try Self.check(FreezeRequest(cutover, deadlineSeconds: 60))
        try Self.check(
            AnnounceRequest(planDigest: "sha256:aa", expectedCount: 3, note: Self.note))
        try Self.check(RollbackRequest(onConflict: .skip, note: Self.note))
        try Self.check(
            ReportRequest(
                applied: Position(epoch: Epoch("abc"), revision: Revision(4)), fences: true,
                run: "r1"))
    }

    @Test func `for a token may not end before it begins`() throws {
        let request = TokenRequest(
            name: "ops", role: "operator", expiresAt: "2019-01-01T00:00:00Z", note: Note())
        let now = try #require(Timestamp(rfc3339: "2020-01-01T00:00:00Z"))
        var reader = JSONObjectReader(try JSONDocument(parsing: request.json))
        _ = TokenRequest(reading: &reader, at: now)
        #expect(reader.problems.map(\.code) == ["out-of-range"])
    }
}

@Suite("An endpoint's path") struct EndpointPathTests {
    @Test func `takes its parameters in turn, percent-encoded`() {
        #expect(EndpointID.getStatistics.path() == "/v1/stats")
        #expect(EndpointID.getDomain.path("a/b ü?") == "/v1/domains/a%2Fb%20%C3%BC%3F")
        #expect(
            EndpointID.freezeWave.path("m-k3", "2") == "/v1/migrations/m-k3/waves/2/freeze")
        #expect(EndpointID.getDescription.path() == "/openapi.yaml")
    }

    @Test func `is the same for no two operations of one method`() {
        let all = EndpointID.allCases.map { id in
            "\(id.declaration.method) \(id.declaration.path)"
        }
        #expect(Set(all).count == all.count)
    }
}
