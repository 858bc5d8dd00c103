import RegistryModel

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
        let digest = object.string("plan_digest", maximum: 100)
        let count = object.integer(
            "expected_count", in: 0...Int64(MigrationPlan.maximumNames) * 100)
        if var reader = object.optionalObject("override") {
            overrideReason = reader.string("reason", maximum: 500, allowsLineBreaks: true)
            reader.finish()
        }
        body(&object)
        note = object.note()
        guard let digest, let count else { return nil }
        planDigest = digest
        expectedCount = Int(count)
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

extension ShapeField {
    /// The same member in an object that this one's is a part of.
    func of<Whole>(_ part: @escaping @Sendable (Whole) -> Value) -> ShapeField<Whole> {
        let write = write
        var outer: (@Sendable (Whole) -> Cell)?
        if let cell { outer = { cell(part($0)) } }
        return ShapeField<Whole>(name, isRequired, cell: outer, shape: shape) { whole, writer in
            write(part(whole), &writer)
        }
    }
}
