import RegistryModel

/// Why a request was refused: RFC 9457, with members of our own. Codes and states stay text: a client tells a
/// person those that it doesn't know too.
package struct ProblemResponse: Shape, Equatable {
    /// `/problems/` and the code.
    package var type: String
    package var title: String
    package var status: Int
    package var detail: String
    /// The path of the request.
    package var instance: String?
    package var code: String
    package var requestID: String
    /// Of a quarantined name.
    package var availableAt: Timestamp?
    /// The name of somebody else's that is in the way.
    package var entangledWith: FQDN?
    /// The current one, where another was expected.
    package var revision: Revision?
    /// Of a wave or migration that is in the wrong one.
    package var state: String?
    /// Of the frozen wave that holds a domain.
    package var migration: String?
    package var wave: Int?
    package var conflictCount: Int?
    /// The first 1000 of a wave's domains that aren't as expected.
    package var conflicts: [WaveConflict] = []
    /// Where the tenant's other domains are.
    package var locations: [LocationName]?
    /// The first 100 of the tenant's other domains, and how many there are.
    package var others: [FQDN]?
    package var otherCount: Int?
    /// Agents that aren't known to have applied a freeze.
    package var lagging: [AgentName]?
    package var errors: [FieldProblem] = []

    package init(
        type: String, title: String, status: Int, detail: String, instance: String?, code: String,
        requestID: String
    ) {
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.instance = instance
        self.code = code
        self.requestID = requestID
    }

    package static let fields: [ShapeField<ProblemResponse>] = [
        ShapeField("type") { .text($0.type) }, ShapeField("title") { .text($0.title) },
        ShapeField("status") { Cell($0.status) }, ShapeField("detail") { .text($0.detail) },
        .optional("instance") { Cell($0.instance) }, ShapeField("code") { .text($0.code) },
        ShapeField("request_id") { .text($0.requestID) },
        .optional("available_at") { Cell($0.availableAt) },
        .optional("entangled_with") { Cell($0.entangledWith?.text) },
        .optional("revision") { Cell($0.revision) }, .optional("state") { Cell($0.state) },
        .optional("migration") { Cell($0.migration) }, .optional("wave") { Cell($0.wave) },
        .optional("conflict_count") { Cell($0.conflictCount) },
        ShapeField(
            "conflicts", isRequired: false, objects: { $0.conflicts.isEmpty ? nil : $0.conflicts }),
        ShapeField("locations", isRequired: false, texts: { $0.locations?.map(\.text) }),
        ShapeField("others", isRequired: false, texts: { $0.others?.map(\.text) }),
        .optional("other_count") { Cell($0.otherCount) },
        ShapeField("lagging", isRequired: false, texts: { $0.lagging?.map(\.text) }),
        ShapeField("errors", isRequired: false, objects: { $0.errors.isEmpty ? nil : $0.errors }),
    ]

    /// Reads what can be read: a refusal is one although a later registry says more than this version knows.
    ///
    /// - Returns: nil for anything but a problem: without status, title, detail, code and request.
    package init?(leniently json: some Collection<UInt8>) {
        guard let document = try? JSONDocument(parsing: json) else { return nil }
        var reader = JSONObjectReader(document)
        self.init(reading: &reader)
    }

    /// `type` and what a client has no use for may be missing: whoever answers is known by its code.
    package init?(reading object: inout JSONObjectReader) {
        let status = object.count("status")
        let (title, detail) = (object.text("title"), object.text("detail"))
        let (code, requestID) = (object.text("code"), object.text("request_id"))
        guard let status, let title, let detail, let code, let requestID else { return nil }
        self.init(
            type: object.optionalText("type") ?? "", title: title, status: status, detail: detail,
            instance: object.optionalText("instance"), code: code, requestID: requestID)
        availableAt = object.optionalTime("available_at")
        entangledWith = object.has("entangled_with") ? object.fqdn("entangled_with") : nil
        revision = object.optionalRevision("revision")
        state = object.optionalText("state")
        migration = object.optionalText("migration")
        wave = object.optionalCount("wave")
        conflictCount = object.optionalCount("conflict_count")
        conflicts = object.optionalShapes("conflicts", WaveConflict.self) ?? []
        if object.has("locations") {
            locations = object.strings("locations", maximum: .max).map {
                LocationName(canonical: $0)
            }
        }
        if object.has("others") {
            others = object.strings("others", maximum: .max).map { FQDN(canonical: $0) }
        }
        otherCount = object.optionalCount("other_count")
        if object.has("lagging") {
            lagging = object.strings("lagging", maximum: .max).map { AgentName(canonical: $0) }
        }
        errors = object.optionalShapes("errors", FieldProblem.self) ?? []
    }
}

/// One thing that is wrong with a request.
package struct FieldProblem: Shape, Equatable {
    /// A JSON pointer into the body, `?name` for a query parameter, or a header's name.
    package var pointer: String
    package var code: String
    package var detail: String

    package init(pointer: String, code: String, detail: String) {
        self.pointer = pointer
        self.code = code
        self.detail = detail
    }

    package static let fields: [ShapeField<FieldProblem>] = [
        ShapeField("pointer") { .text($0.pointer) }, ShapeField("code") { .text($0.code) },
        ShapeField("detail") { .text($0.detail) },
    ]

    package init?(reading object: inout JSONObjectReader) {
        let (pointer, code) = (object.text("pointer"), object.text("code"))
        guard let detail = object.text("detail"), let pointer, let code else { return nil }
        self.init(pointer: pointer, code: code, detail: detail)
    }
}
