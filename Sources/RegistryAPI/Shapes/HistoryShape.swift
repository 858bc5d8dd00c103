import RegistryModel

/// A line of history: of a domain, which has `fqdn`, or of something else, which has `subject`.
///
/// Words stay text: a person reads them, and an older client shows what a newer registry says rather than nothing.
/// It isn't `HistoryItem`, whose epoch, place in the revision and time of registration no answer has.
package struct HistoryEntry: Shape, Equatable {
    package var revision: Revision
    package var at: Timestamp
    package var fqdn: String?
    package var subject: String?
    package var action: String
    package var before: State?
    package var after: State?
    package var actor: Author
    package var reason: String?
    package var ticket: String?
    package var migration: String?
    package var wave: Int?
    package var overrideReason: String?
    /// Whether the revision splits a tenant, as an operator said.
    package var allowsSplit: Bool
    package var requestID: String

    package init(_ item: HistoryItem) {
        let header = item.header
        revision = header.revision
        at = header.at
        action = item.change.action.rawValue
        actor = Author(
            token: header.actor.token, name: header.actor.name, role: header.actor.role.rawValue)
        reason = header.note.reason
        ticket = header.note.ticket
        migration = header.migration
        wave = header.wave
        overrideReason = header.overrideReason
        allowsSplit = header.allowsSplit
        requestID = header.requestID
        switch item.change.subject {
        case .domain(let fqdn, let before, let after, _):
            self.fqdn = fqdn.text
            (self.before, self.after) = (before.map(State.init), after.map(State.init))
        case .location(let name, let before, let after):
            subject = name.text
            (self.before, self.after) = (before.map(State.init), after.map(State.init))
        case .token(let id, let before, let after):
            subject = id
            (self.before, self.after) = (before.map(State.init), after.map(State.init))
        case .migration(let id, let before, let after):
            subject = id
            (self.before, self.after) = (before.map(State.init), after.map(State.init))
        }
    }

    package static let fields: [ShapeField<HistoryEntry>] = [
        ShapeField("revision") { Cell($0.revision) }, ShapeField("at") { Cell($0.at) },
        .optional("fqdn") { Cell($0.fqdn) }, .optional("subject") { Cell($0.subject) },
        ShapeField("action") { .text($0.action) },
        ShapeField("before", object: { $0.before }), ShapeField("after", object: { $0.after }),
        ShapeField("actor", object: { $0.actor }),
        .optional("reason") { Cell($0.reason) }, .optional("ticket") { Cell($0.ticket) },
        .optional("migration") { Cell($0.migration) }, .optional("wave") { Cell($0.wave) },
        .optional("override_reason") { Cell($0.overrideReason) },
        .flag("allow_split") { $0.allowsSplit },
        ShapeField("request_id") { .text($0.requestID) },
    ]

    /// They only ever grow at the end. A change of something else than a domain has its subject in `subject`, and
    /// its states as JSON in `before` and `after`.
    package static let tableColumns =
        fields.named("revision", "at", "action", "fqdn") + placementColumns(areFirst: true)
        + fields.named("subject") + [
            ShapeField("before") { $0.details(\.before) },
            ShapeField("after") { $0.details(\.after) },
            ShapeField("actor_token") { .text($0.actor.token) },
            ShapeField("actor_name") { .text($0.actor.name) },
            ShapeField("actor_role") { .text($0.actor.role) },
        ]
        + fields.named("reason", "ticket", "migration", "wave", "override_reason", "request_id")
        + placementColumns(areFirst: false) + fields.named("allow_split")

    /// Before and after, of domains only.
    private static func placementColumns(areFirst: Bool) -> [ShapeField<HistoryEntry>] {
        func columns(
            _ prefix: String, _ state: @escaping @Sendable (HistoryEntry) -> State?
        ) -> [ShapeField<HistoryEntry>] {
            PlacementText.fields { entry in
                entry.fqdn == nil ? PlacementText() : state(entry)?.placement ?? PlacementText()
            }.filter { PlacementText.firstColumns.contains($0.name) == areFirst }
                .compactMap { field in field.cell.map { ShapeField(prefix + field.name, $0) } }
        }
        return columns("before_") { $0.before } + columns("after_") { $0.after }
    }

    private func details(_ state: KeyPath<HistoryEntry, State?>) -> Cell {
        guard fqdn == nil, let state = self[keyPath: state] else { return .absent }
        return .text(String(decoding: state.json, as: UTF8.self))
    }

    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("revision", revision.number)
        writer.field("at", at.description)
        writer.fieldIfPresent("fqdn", fqdn)
        writer.fieldIfPresent("subject", subject)
        writer.field("action", action)
        writer.key("before")
        if let before { before.write(to: &writer) } else { writer.null() }
        writer.key("after")
        if let after { after.write(to: &writer) } else { writer.null() }
        writer.key("actor")
        actor.write(to: &writer)
        writer.fieldIfPresent("reason", reason)
        writer.fieldIfPresent("ticket", ticket)
        writer.fieldIfPresent("migration", migration)
        writer.fieldIfPresent("wave", wave)
        writer.fieldIfPresent("override_reason", overrideReason)
        if allowsSplit { writer.field("allow_split", true) }
        writer.field("request_id", requestID)
        writer.endObject()
    }

    package init?(reading object: inout JSONObjectReader) {
        let (revision, at) = (object.revision("revision"), object.time("at"))
        fqdn = object.optionalText("fqdn")
        subject = object.optionalText("subject")
        let action = object.text("action")
        before = object.optionalShape("before", State.self)
        after = object.optionalShape("after", State.self)
        let actor = object.shape("actor", Author.self)
        let note = object.recordedNote()
        (reason, ticket) = (note.reason, note.ticket)
        migration = object.optionalText("migration")
        wave = object.optionalCount("wave")
        overrideReason = object.optionalText("override_reason")
        allowsSplit = object.optionalBool("allow_split") ?? false
        let requestID = object.text("request_id")
        guard let revision, let at, let action, let actor, let requestID else { return nil }
        self.revision = revision
        self.at = at
        self.action = action
        self.actor = actor
        self.requestID = requestID
    }
}

extension HistoryEntry {
    /// Who did it: an actor, whose role may be one that this version doesn't know.
    package struct Author: Shape, Equatable {
        package var token: String
        package var name: String
        package var role: String

        init(token: String, name: String, role: String) {
            self.token = token
            self.name = name
            self.role = role
        }

        package static let fields: [ShapeField<Author>] = [
            ShapeField("token") { .text($0.token) }, ShapeField("name") { .text($0.name) },
            ShapeField("role") { .text($0.role) },
        ]

        package init?(reading object: inout JSONObjectReader) {
            let (token, name) = (object.text("token"), object.text("name"))
            guard let role = object.text("role"), let token, let name else { return nil }
            self.init(token: token, name: name, role: role)
        }
    }

    /// Before or after: of a domain, a location, a token or a migration; which members are there tells.
    package struct State: Shape, Equatable {
        package var placement = PlacementText()
        package var upstream: String?
        package var acceptsSignups: Bool?
        package var defaultForSignups: Bool?
        package var name: String?
        package var role: String?
        package var expiresAt: String?
        package var from: String?
        package var to: String?
        package var freeze: String?
        package var state: String?
        package var planDigest: String?
        /// Domains in each wave.
        package var waves: [Int]?

        init(_ placement: Placement) {
            self.placement = PlacementText(placement)
        }

        init(_ settings: LocationSettings) {
            upstream = settings.upstream.text
            acceptsSignups = settings.acceptsSignups
            defaultForSignups = settings.isDefaultForSignups
        }

        init(_ facts: TokenFacts) {
            name = facts.name
            role = facts.role.rawValue
            expiresAt = facts.expiresAt?.description
        }

        init(_ facts: MigrationFacts) {
            name = facts.name
            from = facts.from.text
            to = facts.to.text
            freeze = facts.freeze.rawValue
            state = facts.state.rawValue
            planDigest = facts.planDigest
            waves = facts.waves
        }

        package static let fields: [ShapeField<State>] =
            PlacementText.fields { $0.placement } + [
                .optional("upstream") { Cell($0.upstream) },
                .optional("accepts_signups") { Cell($0.acceptsSignups) },
                .optional("default_for_signups") { Cell($0.defaultForSignups) },
                .optional("name") { Cell($0.name) }, .optional("role") { Cell($0.role) },
                .optional("expires_at") { Cell($0.expiresAt) }, .optional("from") { Cell($0.from) },
                .optional("to") { Cell($0.to) }, .optional("freeze") { Cell($0.freeze) },
                .optional("state") { Cell($0.state) },
                .optional("plan_digest") { Cell($0.planDigest) },
                ShapeField("waves", false) { state, writer in
                    guard let waves = state.waves else { return }
                    writer.list(named: "waves", waves) { $0.integer($1) }
                },
            ]

        package init?(reading object: inout JSONObjectReader) {
            placement = PlacementText { object.optionalText($0) }
            upstream = object.optionalText("upstream")
            acceptsSignups = object.optionalBool("accepts_signups")
            defaultForSignups = object.optionalBool("default_for_signups")
            name = object.optionalText("name")
            role = object.optionalText("role")
            expiresAt = object.optionalText("expires_at")
            from = object.optionalText("from")
            to = object.optionalText("to")
            freeze = object.optionalText("freeze")
            state = object.optionalText("state")
            planDigest = object.optionalText("plan_digest")
            waves = object.optionalIntegers("waves")
        }
    }
}

extension JSONObjectReader {
    fileprivate mutating func optionalIntegers(_ name: String) -> [Int]? {
        guard has(name) else { return nil }
        return array(name, maximum: .max).enumerated().compactMap { index, element in
            if case .integer(let number) = element { return Int(number) }
            refuse(name, at: index, "wrong-type", "a number is expected, not \(element.kind)")
            return nil
        }
    }
}
