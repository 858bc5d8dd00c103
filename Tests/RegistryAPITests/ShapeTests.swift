import RegistryAPI
import RegistryModel
import Testing

/// A shape says its members three times: in its list, where it's written, and where it's read.
@Suite("A shape") struct ShapeTests {
    static let actor = Actor(token: "m5n2", name: "ops-laptop", role: .operator_)
    static let time = Timestamp(milliseconds: 1_592_697_600_001)
    static let fqdn = FQDN(canonical: "acme.kintone.com")
    static let (japan, aws) = (LocationName(canonical: "japan"), LocationName(canonical: "aws"))

    static let location = Location(
        name: aws,
        settings: LocationSettings(
            upstream: UpstreamURL(canonical: "http://aws:80"), acceptsSignups: true,
            isDefaultForSignups: false,
            dns: .addresses([IPv4Address("192.0.2.1")!], [IPv6Address("2001:db8::1")!])),
        revision: Revision(3))

    static let token: ListedToken = {
        var token = ListedToken(
            TokenRecord(
                id: "m5n2", name: "ops-laptop", role: .admin, secretDigest: [], createdAt: time,
                expiresAt: time, lastUsedAt: time))
        token.secret = "trk_m5n2_x"
        return token
    }()

    static let migration: Migration = {
        var migration = Migration(
            id: "m-k3", name: "2020-q2", from: japan, to: aws, freeze: .readOnly, state: .running,
            digest: Array(repeating: 7, count: 32), counts: PlanCounts(selected: 3, eligible: 2),
            waves: [
                Wave(
                    number: 1, state: .moved, size: 1, deadline: time, revision: Revision(9),
                    announcement: Revision(7), approval: approval), unapproved,
            ], skipped: [SkippedName(fqdn: fqdn, code: .notAtSource)], createdAt: time,
            createdBy: actor, note: Note(reason: "why", ticket: "CHG-1"), wholeTenants: true)
        migration.warnings = [PlanWarning(wave: 2, code: "blast-radius", detail: "large")]
        return migration
    }()

    static let approval = WaveApproval(by: actor, at: time, revision: Revision(8))

    static let unapproved: Wave = {
        var wave = Wave(number: 2, size: 1)
        wave.needsApproval = true
        return wave
    }()

    static let conflict = WaveConflict(
        fqdn: fqdn, expected: .init(location: japan, mode: .serve),
        found: .init(location: aws, mode: .reject))

    static let convergence = Convergence(
        agents: 2, converged: 1, lagging: [AgentName(canonical: "edge-1")])

    static func step(_ state: WaveState) -> WaveStepResponse {
        let outcome = WaveOutcome(
            migration: "m-k3", wave: 1, state: state, count: 5, milliseconds: 4, deadline: time,
            skipped: [fqdn], skippedCount: 1,
            conflicts: [WaveConflict(fqdn: fqdn, expected: nil, found: nil)], conflictCount: 1)
        var response = WaveStepResponse(
            outcome, at: Position(epoch: Epoch("abc"), revision: Revision(9)), convergence)!
        response.safety = safety
        return response
    }

    static let safety = FenceSafety(
        agents: 3, applied: 1, fenced: 1, unsafe: [AgentName(canonical: "edge-1")])

    static func history(_ action: Action, _ subject: Change.Subject) -> HistoryEntry {
        HistoryEntry(
            HistoryItem(
                header: RevisionHeader(
                    epoch: Epoch("abc"), revision: Revision(9), at: time, actor: actor,
                    note: Note(reason: "why", ticket: "CHG-1"), requestID: "r-1",
                    migration: "m-k3", wave: 1, overrideReason: "must", allowsSplit: true),
                position: 0,
                change: Change(action, subject)))
    }

    static let entries: [HistoryEntry] = [
        history(
            .moved,
            .domain(
                fqdn, before: Placement(location: japan, mode: .serve, tenant: nil, fence: nil),
                after: Placement(location: aws, mode: .reject, tenant: "a", fence: .reject),
                registeredAt: time)),
        history(.locationChanged, .location(aws, before: nil, after: location.settings)),
        history(
            .tokenRevoked,
            .token(id: "m5n2", before: token.facts, after: nil)),
        history(
            .migrationPlanned, .migration(id: "m-k3", before: nil, after: migration.facts)),
        history(
            .waveApproved,
            .approval(migration: "m-k3", ApprovalFacts(wave: 2, planDigest: "sha256:00"))),
        history(
            .webhookChanged,
            .webhook(
                WebhookName(canonical: "chat"), before: nil,
                after: WebhookFacts(
                    url: "https://chat.example", actions: [.moved], fingerprint: "00ff"))),
    ]

    private static func webhook(failing: Bool) throws -> ListedWebhook {
        let webhook = Webhook(
            name: WebhookName(canonical: "chat"),
            settings: WebhookSettings(
                url: try WebhookURL("https://chat.example/in"), actions: [.frozen, .moved]),
            revision: Revision(3))
        let secret = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        guard failing else { return ListedWebhook(webhook, secret: secret) }
        let progress = WebhookProgress(
            through: Revision(9), delivered: .init(Revision(9), at: time),
            failure: .init(since: time, at: time, attempts: 2, retryAt: time, error: "why"),
            givenUp: 1, disabledAt: time)
        let keys = WebhookKeys(.random(), former: .init(.random(), until: time))
        return ListedWebhook(
            WebhookStanding(WebhookRecord(webhook, keys: keys, progress: progress), behind: 4))
    }

    private static func event() throws -> WebhookEvent {
        let header = RevisionHeader(
            epoch: Epoch("abc"), revision: Revision(4), at: time, actor: actor,
            note: Note(reason: "r", ticket: "t"), requestID: "", migration: "m-k3", wave: 2)
        return WebhookEvent(
            WebhookNotice(header, actions: [.thawed, .migrationCancelled], count: 7, names: [fqdn]))
    }

    static let problem: ProblemResponse = {
        var problem = ProblemResponse(
            type: "/problems/x", title: "X", status: 409, detail: "why", instance: "/v1",
            code: "x", requestID: "r-1")
        problem.availableAt = time
        problem.entangledWith = fqdn
        problem.revision = Revision(4)
        problem.state = "moved"
        (problem.migration, problem.wave) = ("m-k3", 1)
        (problem.conflictCount, problem.conflicts) = (1, [conflict])
        (problem.locations, problem.others, problem.otherCount) = ([japan], [fqdn], 7)
        problem.lagging = [AgentName(canonical: "edge-1")]
        problem.errors = [FieldProblem(pointer: "/x", code: "invalid", detail: "why")]
        return problem
    }()

    static let verification: [VerificationResponse] = {
        var bad = Verification(
            revision: Revision(9), digest: Array(repeating: 7, count: 32),
            flaws: [.init(Revision(3), "it isn't what it was")], extent: .init())
        bad.foreign = ["spy"]
        var good = bad
        good.flaws = []
        return [VerificationResponse(good), VerificationResponse(bad)]
    }()

    static let progress: VerificationProgress = {
        var extent = Verification.Extent()
        (extent.revisions, extent.changes, extent.domains) = (1, 2, 3)
        return VerificationProgress(extent: extent, head: Revision(9))
    }()

    static let agent = ListedAgent(
        name: AgentName(canonical: "edge-1"), epoch: Epoch("abc"), revision: Revision(4), lag: 5,
        lastSeen: time, isLagging: true, ahead: Revision(11),
        eviction: Eviction(at: time, actor: actor, note: Note(reason: "gone", ticket: "CHG-1")))

    @Test func `of a refusal is read as far as it can be`() throws {
        let text = String(decoding: Self.problem.json, as: UTF8.self)
        for (right, wrong) in [
            (#""mode":"reject""#, #""mode":"shadow""#), (#""revision":4"#, #""revision":4.5"#),
            (#""code":"invalid""#, #""code":7"#), (#""state":"moved""#, #""state":[]"#),
            (#""lagging":["#, #""lagging":[1,"#), (#""wave":1"#, #""wave":"one""#),
            (#""available_at":""#, #""available_at":"soon"#),
            (#""entangled_with":""#, #""entangled_with":"."#),
        ] where text.contains(right) {
            let changed = text.replacing(right, with: wrong)
            #expect(changed != text)
            let problem = try #require(ProblemResponse(leniently: changed.utf8), "\(wrong)")
            #expect(problem.code == "x" && problem.detail == "why" && problem.status == 409)
            #expect(problem.conflictCount == 1)
        }
        #expect(text.contains(#""revision":4"#) && text.contains(#""lagging":["#))
        for other in ["", "{}", "<html>", #"{"status":409,"title":"x"}"#, "[1]"] {
            #expect(ProblemResponse(leniently: other.utf8) == nil, "\(other)")
        }
    }

    @Test func `of a conflict isn't one of a name that is gone, where a word isn't known`() throws {
        let text = String(decoding: Self.conflict.json, as: UTF8.self)
        let found = try #require(text.range(of: #""found":"#))
        let tail = text[found.upperBound...].replacing("serve", with: "shadow")
            .replacing("read_only", with: "shadow").replacing("reject", with: "shadow")
        var document = try JSONObjectReader(
            JSONDocument(parsing: (text[..<found.upperBound] + tail).utf8))
        #expect(WaveConflict(reading: &document) == nil)
    }

    /// What is written has the members of the list, in its order, and reads back as it was.
    ///
    /// - Parameter values: each member is in one of them.
    private static func check<Value: Shape & Equatable>(_ values: Value...) throws {
        let names = Value.fields.map(\.name)
        var seen: Set<String> = []
        for value in values {
            let json = value.json
            #expect(try Value(json: json) == value)
            guard case .object(let members) = try JSONValue(parsing: json) else {
                Issue.record("\(Value.self) isn't an object")
                continue
            }
            let keys = members.map(\.key)
            #expect(keys == names.filter(keys.contains), "\(Value.self)")
            for field in Value.fields where field.isRequired {
                #expect(keys.contains(field.name), "\(Value.self): \(field.name)")
            }
            seen.formUnion(keys)
            #expect(try Value(json: newer(json)) == value)
        }
        #expect(seen == Set(names), "\(Value.self)")
    }

    /// With a member that a later version may have.
    private static func newer(_ json: [UInt8]) -> [UInt8] {
        Array(#"{"added_later":[{"x":1}],"#.utf8) + json.dropFirst()
    }

    @Test func `is written and read as it's listed, and passes over what it doesn't know`() throws {
        var announced = FeedTests.domain
        announced.placement.fence = .reject
        try Self.check(FeedTests.domain, announced)
        try Self.check(Self.location)
        try Self.check(
            Statistics(
                revision: Revision(9), total: 3,
                locations: [
                    LocationCount(location: Self.aws, domains: 3, frozen: 1, suspended: 1)
                ], openMigrations: 1, splitTenants: 2))
        try Self.check(LocationCount(location: Self.aws, domains: 3, frozen: 1, suspended: 1))
        let count = CountMoment.Count(Self.aws, 3)
        let moment = CountMoment(
            at: FeedTests.domain.changedAt, revision: Revision(9), counts: [count])
        try Self.check(StatisticsHistory(items: [moment]))
        try Self.check(moment)
        try Self.check(count)
        try Self.check(Self.token)
        try Self.check(Self.actor)
        try Self.check(Self.migration)
        let tenant = Tenant(name: "acme", places: [Self.japan: 2, Self.aws: 1])
        try Self.check(tenant)
        try Self.check(TenantPlace(location: Self.japan, domains: 2))
        try Self.check(TenantChangeResponse(tenant: "acme", revision: Revision(9), changed: 2))
        try Self.check(Self.migration.waves[0], Self.migration.waves[1])
        try Self.check(
            ApprovalOutcome(WaveName(migration: "m-k3", number: 2), Self.approval))
        try Self.check(Whoami(Self.actor, expiresAt: Self.time))
        try Self.check(Self.migration.counts)
        try Self.check(Self.migration.warnings[0])
        try Self.check(SkippedName(fqdn: Self.fqdn, code: .duplicate))
        try Self.check(
            MigrationDomain(
                position: 0, fqdn: Self.fqdn, wave: 1, status: .skipped, code: .notAtSource,
                tenant: "t"))
        try Self.check(
            Self.step(.announced), Self.step(.frozen), Self.step(.moved), Self.step(.rolledBack),
            Self.step(.planned))
        try Self.check(Self.safety)
        let standing = FenceStanding(
            name: AgentName(canonical: "edge-1"), state: .informed, revision: Revision(8),
            since: Self.time)
        try Self.check(standing)
        try Self.check(
            WaveSafety(
                WaveName(migration: "m-k3", number: 1), state: .frozen, announcement: Revision(8),
                freeze: Revision(9), agents: [standing]))
        try Self.check(Self.conflict)
        try Self.check(try #require(Self.conflict.expected))
        try Self.check(WaveConflict(fqdn: Self.fqdn, expected: nil, found: Self.conflict.expected))
        try Self.check(Self.agent)
        try Self.check(try #require(Self.agent.eviction))
        try Self.check(Self.convergence)
        try Self.check(ReportResponse(head: Revision(3), fenceAfter: .milliseconds(19_500)))
        for entry in Self.entries { #expect(try HistoryEntry(json: entry.json) == entry) }
        try Self.check(
            Self.entries[0], Self.entries[1], Self.entries[2], Self.entries[3], Self.entries[4],
            Self.entries[5])
        try Self.check(Self.entries[0].actor)
        try Self.check(try Self.webhook(failing: true), try Self.webhook(failing: false))
        try Self.check(try Self.event())
        try Self.check(Self.verification[0], Self.verification[1])
        try Self.check(Self.progress)
        try Self.check(Self.problem)
        try Self.check(Self.problem.errors[0])
        try Self.check(
            AvailabilityResponse(
                fqdn: Self.fqdn, isAvailable: false, code: "domain-taken", availableAt: Self.time,
                entangledWith: Self.fqdn))
        try Self.check(
            BatchResponse(
                revision: Revision(1),
                results: [.init(fqdn: "a", code: nil), .init(fqdn: "b", code: "x")]))
        try Self.check(BatchResponse.Row(fqdn: "b", code: "x"))
    }

    @Test func `refuses a word that acting on it would need to know`() throws {
        let frozen = String(decoding: Self.migration.json, as: UTF8.self)
            .replacing(#""state":"running""#, with: #""state":"paused""#)
        let error = #expect(throws: FeedFormatError.self) { try Migration(json: frozen.utf8) }
        #expect(error?.description.contains("/state not-allowed") == true, "\(error as Any)")
    }

    @Test func `shows a line of history whose words it doesn't know`() throws {
        let line = String(decoding: Self.entries[0].json, as: UTF8.self)
            .replacing(#""action":"moved""#, with: #""action":"cloned""#)
            .replacing(#""mode":"reject""#, with: #""mode":"shadow""#)
            .replacing(#""role":"operator""#, with: #""role":"robot""#)
        let entry = try HistoryEntry(json: line.utf8)
        #expect(entry.action == "cloned" && entry.after?.placement?.mode == "shadow")
        #expect(entry.actor.role == "robot")
    }

    @Test func `has the columns of an import, and of an export, in their order`() {
        #expect(Domain.importColumns.map(\.name) == ["fqdn", "location", "tenant", "mode"])
        let exported =
            Domain.importColumns.map(\.name) + [
                "revision", "registered_at", "changed_at", "fence",
            ]
        #expect(Domain.csvColumns.map(\.name) == exported)
        var line: [UInt8] = []
        var domain = FeedTests.domain
        domain.placement.tenant = "=1"
        domain.append(Domain.csvColumns, forSpreadsheet: true, to: &line)
        #expect(
            String(decoding: line, as: UTF8.self)
                == "acme.kintone.com,aws,'=1,read_only,7,2019-09-03T01:02:03.000Z,2020-06-21T00:00:00.001Z,\r\n"
        )
    }
}
