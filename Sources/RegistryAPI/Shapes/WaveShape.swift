import RegistryModel

/// What a step of a wave did.
package struct WaveStepResponse: Shape, Equatable {
    package var migration: String
    package var wave: Int
    /// A registry that is older than this client doesn't say it.
    package var epoch: Epoch?
    package var revision: Revision
    /// Where the wave is now, which names the member that `count` is in.
    package var state: WaveState
    /// Domains that the step changed.
    package var count: Int
    package var tookMilliseconds: Int
    /// Of a freeze: when it thaws by itself.
    package var deadline: Timestamp?
    /// Of a rollback that leaves changed domains alone: the first 1000 of those.
    package var skipped: [FQDN]?
    package var skippedCount: Int?
    /// Why they were left: the first 1000 of those that aren't as the cutover left them, or have come since.
    package var conflicts: [WaveConflict]?
    package var conflictCount: Int?
    package var convergence: Convergence?
    /// Of a freeze that was asked whether it's safe.
    package var safety: FenceSafety?

    /// nil: no step leads to this state.
    package init?(_ outcome: WaveOutcome, at position: Position, _ convergence: Convergence?) {
        guard Self.counts.contains(where: { $0.state == outcome.state }) else { return nil }
        migration = outcome.migration
        wave = outcome.wave
        epoch = position.epoch
        revision = position.revision
        state = outcome.state
        count = outcome.count
        tookMilliseconds = outcome.milliseconds
        deadline = outcome.deadline
        skipped = outcome.skipped
        skippedCount = outcome.skippedCount
        conflicts = outcome.conflicts
        conflictCount = outcome.conflictCount
        self.convergence = convergence
    }

    private static let counts: [(state: WaveState, name: String)] = [
        (.announced, "announced"), (.frozen, "frozen"), (.moved, "moved"),
        (.rolledBack, "rolled_back"), (.planned, "thawed"),
    ]

    package static let fields: [ShapeField<WaveStepResponse>] = [
        ShapeField("migration") { .text($0.migration) }, ShapeField("wave") { Cell($0.wave) },
        ShapeField("epoch") { Cell($0.epoch?.text) }, ShapeField("revision") { Cell($0.revision) },
        .optional("announced") { $0.count(in: .announced) },
        .optional("frozen") { $0.count(in: .frozen) }, .optional("moved") { $0.count(in: .moved) },
        .optional("rolled_back") { $0.count(in: .rolledBack) },
        .optional("thawed") { $0.count(in: .planned) },
        ShapeField("took_ms") { Cell($0.tookMilliseconds) },
        .optional("deadline") { Cell($0.deadline) },
        ShapeField(
            "skipped", isRequired: false, objects: { $0.skipped?.map(UntouchedDomain.init) }),
        .optional("skipped_count") { Cell($0.skippedCount) },
        ShapeField("conflicts", isRequired: false, objects: { $0.conflicts }),
        .optional("conflict_count") { Cell($0.conflictCount) },
        ShapeField("convergence", isRequired: false, object: { $0.convergence }),
        ShapeField("safety", isRequired: false, object: { $0.safety }),
    ]

    private func count(in state: WaveState) -> Cell { state == self.state ? Cell(count) : .absent }

    /// The columns of one step.
    package var tableColumns: [ShapeField<WaveStepResponse>] {
        let count = Self.counts.first { $0.state == state }?.name ?? "moved"
        return Self.fields.named(
            "migration", "wave", "revision", count, "took_ms", "deadline", "epoch")
    }

    package init?(reading object: inout JSONObjectReader) {
        let (migration, wave) = (object.text("migration"), object.count("wave"))
        epoch = object.has("epoch") ? object.epoch("epoch") : nil
        let revision = object.revision("revision")
        var found: (state: WaveState, count: Int)?
        for (state, name) in Self.counts {
            if let count = object.optionalCount(name) { found = (state, count) }
        }
        let took = object.count("took_ms")
        deadline = object.optionalTime("deadline")
        skipped = object.optionalShapes("skipped", UntouchedDomain.self)?.map(\.fqdn)
        skippedCount = object.optionalCount("skipped_count")
        conflicts = object.optionalShapes("conflicts", WaveConflict.self)
        conflictCount = object.optionalCount("conflict_count")
        convergence = object.optionalShape("convergence", Convergence.self)
        safety = object.optionalShape("safety", FenceSafety.self)
        guard let migration, let wave, let revision, let took else { return nil }
        self.migration = migration
        self.wave = wave
        self.revision = revision
        guard let found else {
            object.refuse("moved", "required", "how many domains the step changed is expected")
            return nil
        }
        (state, count) = found
        tookMilliseconds = took
    }
}

/// A domain that a rollback leaves as it is.
private struct UntouchedDomain: Shape {
    let fqdn: FQDN

    static let fields: [ShapeField<UntouchedDomain>] = [ShapeField("fqdn") { .text($0.fqdn.text) }]

    init(_ fqdn: FQDN) {
        self.fqdn = fqdn
    }

    init?(reading object: inout JSONObjectReader) {
        guard let fqdn = object.fqdn("fqdn") else { return nil }
        self.fqdn = fqdn
    }
}

extension WaveConflict: Shape {
    package static let fields: [ShapeField<WaveConflict>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) },
        ShapeField("expected", object: { $0.expected }), ShapeField("found", object: { $0.found }),
        ShapeField("reason") { Cell($0.reason?.rawValue) },
    ]

    package static let tableColumns =
        fields.named("fqdn") + [
            ShapeField("expected_location") { Cell($0.expected?.location.text) },
            ShapeField("expected_mode") { Cell($0.expected?.mode.rawValue) },
            ShapeField("found_location") { Cell($0.found?.location.text) },
            ShapeField("found_mode") { Cell($0.found?.mode.rawValue) },
        ] + fields.named("reason")

    package init?(reading object: inout JSONObjectReader) {
        let fqdn = object.fqdn("fqdn")
        let expected = object.optionalShape("expected", Place.self)
        let found = object.optionalShape("found", Place.self)
        // One that is there and can't be read isn't one that is gone.
        let isGone = !object.has("found") || object.isNull("found")
        let isStranger = object.isNull("expected")
        guard let fqdn, isStranger == (expected == nil), isGone == (found == nil) else {
            return nil
        }
        let reason = object.optionalText("reason").flatMap(Reason.init(rawValue:))
        self.init(fqdn: fqdn, expected: expected, found: found, reason: reason)
    }
}

extension WaveConflict.Place: Shape {
    package static let fields: [ShapeField<WaveConflict.Place>] = [
        ShapeField("location") { .text($0.location.text) },
        ShapeField("mode") { .text($0.mode.rawValue) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let location = object.location("location")
        guard let mode = object.choice("mode", Mode.self), let location else { return nil }
        self.init(location: location, mode: mode)
    }
}

/// What binds a step to the plan that was reviewed.
package struct CutoverRequest: Shape {
    package var planDigest: String
    package var expectedCount: Int
    /// Why an admin sets the guard on large waves aside.
    package var overrideReason: String?
    package var note: Note

    package init(
        planDigest: String, expectedCount: Int, overrideReason: String? = nil, note: Note
    ) {
        self.planDigest = planDigest
        self.expectedCount = expectedCount
        self.overrideReason = overrideReason
        self.note = note
    }

    package static let fields: [ShapeField<CutoverRequest>] =
        [
            ShapeField("plan_digest") { .text($0.planDigest) },
            ShapeField("expected_count") { Cell($0.expectedCount) },
            ShapeField(
                "override", isRequired: false, object: { $0.overrideReason.map(Override.init) }),
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        self.init(reading: &object, then: { _ in })
    }

    /// - Parameter body: reads what stands before the note.
    fileprivate init?(
        reading object: inout JSONObjectReader, then body: (inout JSONObjectReader) -> Void
    ) {
        let plan = object.reviewedPlan()
        if var reader = object.optionalObject("override") {
            overrideReason = reader.string("reason", maximum: 500, allowsLineBreaks: true)
            reader.finish()
        }
        body(&object)
        note = object.note()
        guard let plan else { return nil }
        (planDigest, expectedCount) = plan
    }

    package var agreement: WaveAgreement {
        WaveAgreement(
            planDigest: planDigest, expectedCount: expectedCount, overrideReason: overrideReason)
    }

    private struct Override: Shape {
        let reason: String

        init(_ reason: String) {
            self.reason = reason
        }

        static let fields: [ShapeField<Override>] = [ShapeField("reason") { .text($0.reason) }]

        init?(reading object: inout JSONObjectReader) {
            guard let reason = object.text("reason") else { return nil }
            self.reason = reason
        }
    }
}

/// What binds an announcement to the plan that was reviewed.
package struct AnnounceRequest: Shape {
    package var planDigest: String
    package var expectedCount: Int
    package var note: Note

    package init(planDigest: String, expectedCount: Int, note: Note) {
        (self.planDigest, self.expectedCount, self.note) = (planDigest, expectedCount, note)
    }

    package static let fields: [ShapeField<AnnounceRequest>] =
        [
            ShapeField("plan_digest") { .text($0.planDigest) },
            ShapeField("expected_count") { Cell($0.expectedCount) },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let plan = object.reviewedPlan()
        note = object.note()
        guard let plan else { return nil }
        (planDigest, expectedCount) = plan
    }

    package var agreement: WaveAgreement {
        WaveAgreement(planDigest: planDigest, expectedCount: expectedCount, overrideReason: nil)
    }
}

extension JSONObjectReader {
    /// The digest of a plan, and how many domains a wave of it has.
    fileprivate mutating func reviewedPlan() -> (digest: String, count: Int)? {
        let digest = string("plan_digest", maximum: 100)
        let count = integer("expected_count", in: 0...Int64(MigrationPlan.maximumNames) * 100)
        guard let digest, let count else { return nil }
        return (digest, Int(count))
    }
}

package struct FreezeRequest: Shape {
    package var cutover: CutoverRequest
    package var deadlineSeconds: Int

    /// How long a freeze may last: a week.
    package static let deadlines: ClosedRange<Int64> = 1...604_800

    package init(_ cutover: CutoverRequest, deadlineSeconds: Int) {
        self.cutover = cutover
        self.deadlineSeconds = deadlineSeconds
    }

    package static let fields: [ShapeField<FreezeRequest>] =
        [ShapeField("deadline_seconds") { Cell($0.deadlineSeconds) }]
        + CutoverRequest.fields.map { $0.of { $0.cutover } }

    package init?(reading object: inout JSONObjectReader) {
        var deadline: Int64?
        let cutover = CutoverRequest(reading: &object) {
            deadline = $0.integer("deadline_seconds", in: Self.deadlines)
        }
        guard let cutover, let deadline else { return nil }
        self.cutover = cutover
        deadlineSeconds = Int(deadline)
    }
}

package struct RollbackRequest: Shape {
    /// What becomes of domains that changed since the cutover.
    package enum OnConflict: String, Sendable, CaseIterable { case fail, skip }

    /// nil: fail.
    package var onConflict: OnConflict?
    package var note = Note()

    package init(onConflict: OnConflict? = nil, note: Note = Note()) {
        self.onConflict = onConflict
        self.note = note
    }

    package static let fields: [ShapeField<RollbackRequest>] =
        [.optional("on_conflict") { Cell($0.onConflict?.rawValue) }] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        onConflict = object.optionalChoice("on_conflict", OnConflict.self)
        note = object.note()
    }
}
