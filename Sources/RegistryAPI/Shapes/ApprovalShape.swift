import RegistryModel

/// Which plan somebody has looked at and lets go on.
package struct ApprovalRequest: Shape {
    package var planDigest: String
    package var note: Note

    package init(planDigest: String, note: Note) {
        self.planDigest = planDigest
        self.note = note
    }

    package static let fields: [ShapeField<ApprovalRequest>] =
        [ShapeField("plan_digest") { .text($0.planDigest) }] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let digest = object.string("plan_digest", maximum: 100)
        note = object.note()
        guard let digest else { return nil }
        planDigest = digest
    }
}

/// Whose approval a wave has: the first one, whoever asks.
extension ApprovalOutcome: Shape {
    package static let fields: [ShapeField<ApprovalOutcome>] = [
        ShapeField("migration") { .text($0.migration) }, ShapeField("wave") { Cell($0.wave) },
        ShapeField("approved_by", object: { $0.approval.actor }),
        ShapeField("approved_at") { Cell($0.approval.at) },
        ShapeField("approved_revision") { Cell($0.approval.revision) },
    ]

    package static let tableColumns =
        fields.named("migration", "wave") + [
            ShapeField("approved_by") { .text($0.approval.actor.name) },
            ShapeField("approved_by_token") { .text($0.approval.actor.token) },
        ] + fields.named("approved_at", "approved_revision")

    package init?(reading object: inout JSONObjectReader) {
        let (migration, wave) = (object.text("migration"), object.count("wave"))
        let approval = object.optionalApproval()
        guard let migration, let wave else { return nil }
        guard let approval else {
            object.refuse("approved_by", "required", "who has approved the wave is expected")
            return nil
        }
        self.init(WaveName(migration: migration, number: wave), approval)
    }
}

extension JSONObjectReader {
    /// The members of a wave, or of the answer to an approval, that tell of one.
    mutating func optionalApproval() -> WaveApproval? {
        let actor = optionalShape("approved_by", Actor.self)
        let at = optionalTime("approved_at")
        let revision = optionalRevision("approved_revision")
        guard let actor, let at, let revision else { return nil }
        return WaveApproval(by: actor, at: at, revision: revision)
    }
}
