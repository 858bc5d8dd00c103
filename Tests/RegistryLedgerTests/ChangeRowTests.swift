import RegistryLedger
import RegistryModel
import Testing

@Suite("A change's row") struct ChangeRowTests {
    private static let placement = Placement(
        location: LocationName(canonical: "japan"), mode: .readOnly, tenant: "t", fence: nil)
    private static let upstream = LocationSettings(
        upstream: UpstreamURL(canonical: "http://a/b"), acceptsSignups: true,
        isDefaultForSignups: false)
    private static let reachable: LocationSettings = {
        var settings = upstream
        let ipv4 = ["192.0.2.10", "192.0.2.9", "192.0.2.10"].compactMap { IPv4Address($0) }
        settings.dns = .addresses(
            sorting: ipv4, ["2001:DB8:0::0:1"].compactMap { IPv6Address($0) })
        return settings
    }()
    private static let facts = TokenFacts(
        name: "a \"b\" /é", role: .operator_, expiresAt: Timestamp(milliseconds: 9))
    private static let name = FQDN(canonical: "a.example")
    private static let hook = WebhookFacts(
        url: "https://chat.example", actions: [.moved, .waveApproved], fingerprint: "00ff")
    private static let zero = Timestamp(milliseconds: 0)

    @Test(arguments: [
        Change(.registered, .domain(name, before: nil, after: placement, registeredAt: zero)),
        Change(.moved, .domain(name, before: placement, after: placement, registeredAt: zero)),
        Change(.released, .domain(name, before: placement, after: nil, registeredAt: zero)),
        Change(
            .locationChanged,
            .location(LocationName(canonical: "aws"), before: upstream, after: nil)),
        Change(
            .locationChanged,
            .location(LocationName(canonical: "aws"), before: upstream, after: reachable)),
        Change(.tokenCreated, .token(id: "x", before: nil, after: facts)),
        Change(.tokenRevoked, .token(id: "x", before: facts, after: nil)),
        Change(
            .waveApproved,
            .approval(migration: "m-1", ApprovalFacts(wave: 2, planDigest: "sha256:00"))),
        Change(
            .webhookChanged,
            .webhook(WebhookName(canonical: "chat"), before: hook, after: nil)),
    ])
    func `reads as the change that was written`(change: Change) throws {
        #expect(try ChangeRow(change).change() == change)
    }

    @Test func `has one text for one value, with sorted keys`() {
        #expect(
            ChangeRow.text(Self.upstream)
                == #"{"accepts_signups":true,"default_for_signups":false,"upstream":"http://a/b"}"#)
        #expect(
            ChangeRow.text(Self.reachable)
                == #"{"accepts_signups":true,"default_for_signups":false,"#
                + #""dns":{"a":["192.0.2.9","192.0.2.10"],"aaaa":["2001:db8::1"]},"#
                + #""upstream":"http://a/b"}"#)
        #expect(
            ChangeRow.text(Self.facts)
                == #"{"expires_at":9,"name":"a \"b\" /é","role":"operator"}"#)
        #expect(
            ChangeRow.text(ApprovalFacts(wave: 2, planDigest: "sha256:00"))
                == #"{"plan_digest":"sha256:00","wave":2}"#)
        #expect(
            ChangeRow.text(Self.hook)
                == #"{"actions":["moved","wave_approved"],"fingerprint":"00ff","url":"https://chat.example"}"#
        )
    }

    @Test(
        arguments: [
            ("flown", "a.example", nil), ("registered", nil, nil), ("registered", nil, "japan"),
            ("wave_approved", nil, "m-1"),
        ] as [(String, String?, String?)])
    func `that no version wrote can't be read`(action: String, fqdn: String?, subject: String?) {
        let row = ChangeRow(
            action: action, fqdn: fqdn, before: nil, after: nil, registeredAt: Self.zero,
            subject: subject, beforeDetail: nil, afterDetail: nil)
        #expect(throws: ChangeRow.Unreadable.self) { try row.change() }
    }
}

@Suite("An idempotency record") struct IdempotencyRecordTests {
    private let record = IdempotencyRecord(
        key: IdempotencyKey(token: "t", key: "k", requestDigest: [1]), revision: Revision(3),
        outcome: .released, createdAt: Timestamp(milliseconds: 1_000))

    @Test func `answers for a day, to the same request`() throws {
        let replay = Committed(revision: Revision(3), outcome: .released, isReplay: true)
        let lastMoment = Timestamp(milliseconds: 1_000 + 86_399_999)
        let dayAfter = Timestamp(milliseconds: 1_000 + 86_400_000)
        #expect(try record.replay(of: record.key, at: lastMoment) == replay)
        #expect(try record.replay(of: record.key, at: dayAfter) == nil)
        let other = IdempotencyKey(token: "t", key: "k", requestDigest: [2])
        #expect(throws: RegistryError.idempotencyKeyReused) {
            try record.replay(of: other, at: lastMoment)
        }
        #expect(try record.replay(of: other, at: dayAfter) == nil)
    }

    @Test func `of a plan that knew of no approvals is read as one without`() throws {
        let text = #"{"number":1,"size":7,"state":"planned"}"#
        let wave: Wave? = try ChangeRow.value(text)
        #expect(wave == Wave(number: 1, size: 7))
        #expect(ChangeRow.text(Wave(number: 1, size: 7)) == text)
    }

    /// What a released version has stored is read by every later one.
    @Test(arguments: [
        (#"{"released":{}}"#, Outcome.released),
        (#"{"locationDeleted":{}}"#, .locationDeleted),
        (#"{"tokenRevoked":{}}"#, .tokenRevoked),
        (#"{"webhookDeleted":{}}"#, .webhookDeleted),
        (
            #"{"batch":{"refused":{"1":"domain-taken"}}}"#,
            .batch(refused: [1: "domain-taken"])
        ),
        (
            #"{"approval":{"_0":{"approval":{"actor":{"name":"n","role":"admin","token":"t"},"at":1,"revision":3},"migration":"m-1","wave":2}}}"#,
            .approval(
                ApprovalOutcome(
                    WaveName(migration: "m-1", number: 2),
                    WaveApproval(
                        by: Actor(token: "t", name: "n", role: .admin),
                        at: Timestamp(milliseconds: 1), revision: Revision(3))))
        ),
        (
            #"{"token":{"_1":{"name":"n","role":"admin"},"id":"x"}}"#,
            .token(id: "x", TokenFacts(name: "n", role: .admin))
        ),
        (
            #"{"domain":{"_0":{"changedAt":2,"fqdn":"a.example","placement":{"location":"aws","mode":"read_only","tenant":"t"},"registeredAt":1,"revision":3}}}"#,
            .domain(
                Domain(
                    fqdn: FQDN(canonical: "a.example"),
                    placement: Placement(
                        location: LocationName(canonical: "aws"), mode: .readOnly, tenant: "t",
                        fence: nil),
                    revision: Revision(3), registeredAt: Timestamp(milliseconds: 1),
                    changedAt: Timestamp(milliseconds: 2)))
        ),
    ])
    func `keeps the shape that its answer was stored in`(text: String, outcome: Outcome) throws {
        #expect(ChangeRow.text(outcome) == text)
        #expect(try ChangeRow.value(text) == outcome)
    }
}
