import RegistryModel

/// One shape for two answers: without `skipped` it's in a list. A word that this
/// version doesn't know is an error: who acts on a plan has to know what it says.
extension Migration: Shape {
    package static let fields: [ShapeField<Migration>] = [
        ShapeField("id") { .text($0.id) },
        ShapeField("name") { .text($0.name) }, ShapeField("from") { .text($0.from.text) },
        ShapeField("to") { .text($0.to.text) }, ShapeField("freeze") { .text($0.freeze.rawValue) },
        ShapeField("state") { .text($0.state.rawValue) },
        ShapeField("plan_digest") { .text($0.digestText) },
        ShapeField("waves", objects: { $0.waves }), ShapeField("counts", object: { $0.counts }),
        ShapeField(
            "warnings", isRequired: false, objects: { $0.warnings.isEmpty ? nil : $0.warnings }),
        ShapeField("skipped", isRequired: false, objects: { $0.skipped }),
        ShapeField("created_at") { Cell($0.createdAt) },
        ShapeField("created_by", object: { $0.createdBy }),
        .optional("reason") { Cell($0.reason) }, .optional("ticket") { Cell($0.ticket) },
        ShapeField("whole_tenants") { .bool($0.wholeTenants) },
    ]

    package static let tableColumns =
        fields.named("id", "name", "from", "to", "freeze", "state") + [
            ShapeField("domains") { Cell($0.waves.reduce(0) { $0 + $1.size }) },
            ShapeField("waves") { Cell($0.waves.count) },
            ShapeField("waves_moved") { migration in
                Cell(migration.waves.count { [.moved, .finalized].contains($0.state) })
            },
            ShapeField("created_at") { Cell($0.createdAt) },
            ShapeField("created_by") { .text($0.createdBy.name) },
        ]

    package init?(reading object: inout JSONObjectReader) {
        let (id, name) = (object.optionalText("id"), object.text("name"))
        let (from, to) = (object.location("from"), object.location("to"))
        let freeze = object.choice("freeze", FreezeMode.self)
        let state = object.choice("state", MigrationState.self)
        let digest = object.digest("plan_digest")
        let waves = object.shapes("waves", Wave.self)
        let counts = object.shape("counts", PlanCounts.self)
        let warnings = object.optionalShapes("warnings", PlanWarning.self)
        let skipped = object.optionalShapes("skipped", SkippedName.self)
        let createdAt = object.time("created_at")
        let createdBy = object.shape("created_by", Actor.self)
        let note = object.recordedNote()
        let wholeTenants = object.optionalBool("whole_tenants") ?? false
        guard let name, let from, let to, let freeze, let state, let digest, let counts,
            let createdAt, let createdBy
        else { return nil }
        self.init(
            id: id ?? "", name: name, from: from, to: to, freeze: freeze, state: state,
            digest: digest, counts: counts, waves: waves, skipped: skipped, createdAt: createdAt,
            createdBy: createdBy, note: note, wholeTenants: wholeTenants)
        self.warnings = warnings ?? []
    }
}

extension Wave: Shape {
    package static let fields: [ShapeField<Wave>] = [
        ShapeField("number") { Cell($0.number) }, ShapeField("state") { .text($0.state.rawValue) },
        ShapeField("size") { Cell($0.size) }, .optional("deadline") { Cell($0.deadline) },
        .optional("revision") { Cell($0.revision) },
        .optional("announced_revision") { Cell($0.announcement) },
        ShapeField("approved_by", isRequired: false, object: { $0.approval?.actor }),
        .optional("approved_at") { Cell($0.approval?.at) },
        .optional("approved_revision") { Cell($0.approval?.revision) },
        .flag("needs_approval") { $0.needsApproval },
    ]

    /// Beside the migration and the number.
    package static let tableColumns =
        fields.named("state", "size", "deadline", "revision") + [
            ShapeField("approved_by") { Cell($0.approval?.actor.name) }
        ] + fields.named("approved_at", "needs_approval", "announced_revision")

    package init?(reading object: inout JSONObjectReader) {
        let (number, size) = (object.count("number"), object.count("size"))
        let state = object.choice("state", WaveState.self)
        let deadline = object.optionalTime("deadline")
        let revision = object.optionalRevision("revision")
        let announcement = object.optionalRevision("announced_revision")
        let approval = object.optionalApproval()
        let needsApproval = object.optionalBool("needs_approval") ?? false
        guard let number, let size, let state else { return nil }
        self.init(
            number: number, state: state, size: size, deadline: deadline, revision: revision,
            announcement: announcement, approval: approval)
        self.needsApproval = needsApproval
    }
}

extension PlanCounts: Shape {
    package static let fields: [ShapeField<PlanCounts>] = [
        ShapeField("selected") { Cell($0.selected) }, ShapeField("eligible") { Cell($0.eligible) },
        ShapeField("skipped") { Cell($0.skipped) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (selected, eligible) = (object.count("selected"), object.count("eligible"))
        guard let skipped = object.count("skipped"), let selected, let eligible else { return nil }
        self.init(selected: selected, eligible: eligible)
        self.skipped = skipped
    }
}

extension PlanWarning: Shape {
    package static let fields: [ShapeField<PlanWarning>] = [
        ShapeField("wave") { Cell($0.wave) }, ShapeField("code") { .text($0.code) },
        ShapeField("detail") { .text($0.detail) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (wave, code) = (object.count("wave"), object.text("code"))
        guard let detail = object.text("detail"), let wave, let code else { return nil }
        self.init(wave: wave, code: code, detail: detail)
    }
}

extension SkippedName: Shape {
    package static let fields: [ShapeField<SkippedName>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) }, ShapeField("code") { .text($0.code.rawValue) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let fqdn = object.fqdn("fqdn")
        guard let code = object.choice("code", Code.self), let fqdn else { return nil }
        self.init(fqdn: fqdn, code: code)
    }
}

/// What a plan is answered with: the migration, which has no id in a dry run; and a page of its names, where a dry run was
/// asked for them.
package struct PlannedMigration: Shape {
    package var migration: Migration
    package var domains: ListPage<MigrationDomain>?

    package init(_ migration: Migration, domains: ListPage<MigrationDomain>? = nil) {
        (self.migration, self.domains) = (migration, domains)
    }

    package static let fields: [ShapeField<PlannedMigration>] =
        Migration.fields.map { field in
            switch field.name {
            case "id": .optional("id") { Cell($0.migration.id.isEmpty ? nil : $0.migration.id) }
            case "skipped": ShapeField("skipped", objects: { $0.migration.skipped })
            default: field.of { $0.migration }
            }
        } + [
            ShapeField("domains", isRequired: false, object: { $0.domains })
        ]

    package init?(reading object: inout JSONObjectReader) {
        domains = object.optionalShape("domains")
        guard let migration = Migration(reading: &object) else { return nil }
        self.migration = migration
    }
}

/// Where it stands in the list is the server's own, and no member of it.
extension MigrationDomain: Shape {
    package static let fields: [ShapeField<MigrationDomain>] = [
        ShapeField("fqdn") { .text($0.fqdn.text) }, .optional("wave") { Cell($0.wave) },
        ShapeField("status") { .text($0.status.rawValue) },
        .optional("code") { Cell($0.code?.rawValue) }, .optional("tenant") { Cell($0.tenant) },
    ]

    package static let tableColumns = fields.named("fqdn", "wave", "status", "code")

    package init?(reading object: inout JSONObjectReader) {
        let (fqdn, wave) = (object.fqdn("fqdn"), object.optionalCount("wave"))
        let status = object.choice("status", Status.self)
        let code = object.optionalChoice("code", SkippedName.Code.self)
        guard let fqdn, let status else { return nil }
        self.init(
            position: 0, fqdn: fqdn, wave: wave, status: status, code: code,
            tenant: object.optionalText("tenant"))
    }
}

extension JSONObjectReader {
    /// `reason` and `ticket` as somebody has recorded them, of any length.
    mutating func recordedNote() -> Note {
        Note(reason: optionalText("reason"), ticket: optionalText("ticket"))
    }

    mutating func digest(_ name: String) -> [UInt8]? {
        guard let text = text(name) else { return nil }
        let bytes = DigestText.bytes(text)
        if bytes == nil { refuse(name, "invalid", "a SHA-256 is expected") }
        return bytes
    }
}

/// What a migration shall move, and how. The server reads it in a way of its own, straight into the plan's names:
/// there may be a million.
package struct PlanRequest: WrittenShape {
    package enum Selection: Sendable {
        /// At most 1,000,000.
        case names([String])
        /// All of these have to hold; none: everything.
        case filter([(member: DomainFilterMember, text: String?)], samplePercent: Double?)
    }

    package enum Wave: Sendable, Equatable {
        case count(Int)
        /// Of the eligible, above 0 and at most 100.
        case percent(Double)
        case rest
    }

    package var name: String?
    package var from: String
    package var to: String
    package var selection: Selection
    /// Empty: one wave of everything.
    package var waves: [Wave]
    /// none, read_only or reject; nil: none.
    package var freeze: String?
    package var wholeTenants = true
    package var note = Note()

    package init(
        name: String?, from: String, to: String, selection: Selection, waves: [Wave],
        freeze: String?
    ) {
        self.name = name
        self.from = from
        self.to = to
        self.selection = selection
        self.waves = waves
        self.freeze = freeze
    }

    package static let fields: [ShapeField<PlanRequest>] =
        [
            .optional("name") { Cell($0.name) }, ShapeField("from") { .text($0.from) },
            ShapeField("to") { .text($0.to) },
            ShapeField("select", true) { plan, writer in
                writer.key("select")
                writer.selection(plan.selection)
            },
            ShapeField("waves", false) { plan, writer in
                guard !plan.waves.isEmpty else { return }
                writer.list(named: "waves", plan.waves) { $0.wave($1) }
            },
            .optional("freeze") { Cell($0.freeze) },
            .optional("whole_tenants") { $0.wholeTenants ? .absent : .bool(false) },
        ] + Note.note { $0.note }
}

extension JSONWriter {
    fileprivate mutating func selection(_ selection: PlanRequest.Selection) {
        beginObject()
        switch selection {
        case .names(let names): list(named: "fqdns", names) { $0.string($1) }
        case .filter(let conditions, let samplePercent):
            key("where")
            beginObject()
            for (member, text) in conditions {
                guard let text else { continue }
                key(named: member.rawValue)
                string(text)
            }
            endObject()
            if let samplePercent {
                key("sample_percent")
                percent(samplePercent)
            }
        }
        endObject()
    }

    fileprivate mutating func wave(_ wave: PlanRequest.Wave) {
        beginObject()
        switch wave {
        case .count(let count): field("count", Cell(count))
        case .percent(let share):
            key("percent")
            percent(share)
        case .rest: field("rest", .bool(true))
        }
        endObject()
    }

    /// 10, not 10.0: the request reads as a person would write it.
    private mutating func percent(_ share: Double) {
        if let whole = Int(exactly: share) { integer(whole) } else { number(share) }
    }
}
