import RegistryModel

/// A line of history: of a domain, which has `fqdn`, or of something else, which has `subject`.
///
/// Words stay text: a person reads them, and an older client shows what a newer registry says rather than nothing.
/// It isn't `HistoryItem`, whose epoch, place in the revision and time of registration no answer has.
package struct HistoryEntry: Shape, Equatable {
    package let revision: Revision
    package let at: Timestamp
    package let fqdn: String?
    package let subject: String?
    package let action: String
    package let before: State?
    package let after: State?
    package let actor: Author
    package let reason: String?
    package let ticket: String?
    package let migration: String?
    package let wave: Int?
    package let overrideReason: String?
    /// Whether the revision splits a tenant, as an operator said.
    package let allowsSplit: Bool
    package let requestID: String

    package init(_ item: borrowing HistoryItem) {
        switch item.change.subject {
        case .domain(let name, let old, let new, _):
            (fqdn, subject) = (name.text, nil)
            (before, after) = (old.map { .domain(.init($0)) }, new.map { .domain(.init($0)) })
        case .hold(let name, let old, let new, _):
            (fqdn, subject) = (name.text, nil)
            (before, after) = (old.map { .other(.init($0)) }, new.map { .other(.init($0)) })
        case .location(let name, let old, let new):
            (fqdn, subject) = (nil, name.text)
            (before, after) = (old.map { .other(.init($0)) }, new.map { .other(.init($0)) })
        case .token(let id, let old, let new):
            (fqdn, subject) = (nil, id)
            (before, after) = (old.map { .other(.init($0)) }, new.map { .other(.init($0)) })
        case .migration(let id, let old, let new):
            (fqdn, subject) = (nil, id)
            (before, after) = (old.map { .other(.init($0)) }, new.map { .other(.init($0)) })
        case .approval(let migration, let facts):
            (fqdn, subject) = (nil, migration)
            (before, after) = (nil, .other(.init(facts)))
        case .webhook(let name, let old, let new):
            (fqdn, subject) = (nil, name.text)
            (before, after) = (old.map { .other(.init($0)) }, new.map { .other(.init($0)) })
        }
        revision = item.header.revision
        at = item.header.at
        action = item.change.action.rawValue
        actor = Author(
            token: item.header.actor.token, name: item.header.actor.name,
            role: item.header.actor.role.rawValue)
        reason = item.header.note.reason
        ticket = item.header.note.ticket
        migration = item.header.migration
        wave = item.header.wave
        overrideReason = item.header.overrideReason
        allowsSplit = item.header.allowsSplit
        requestID = item.header.requestID
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
    /// its states as JSON in `before` and `after`; so has a hold, whose name isn't anywhere yet.
    package static let tableColumns =
        fields.named("revision", "at", "action", "fqdn") + placementColumns(areFirst: true)
        + fields.named("subject") + [
            ShapeField("before") { Cell($0.before?.other?.text) },
            ShapeField("after") { Cell($0.after?.other?.text) },
        ] + Author.fields.map { $0.of("actor_") { $0.actor } }
        + fields.named("reason", "ticket", "migration", "wave", "override_reason", "request_id")
        + placementColumns(areFirst: false) + fields.named("allow_split")

    /// Before and after, of domains only.
    private static func placementColumns(areFirst: Bool) -> [ShapeField<HistoryEntry>] {
        let columns = PlacementText.recordedFields.filter {
            PlacementText.firstColumns.contains($0.name) == areFirst
        }
        return columns.map { $0.of("before_") { $0.before?.placement } }
            + columns.map { $0.of("after_") { $0.after?.placement } }
    }

    package init?(reading object: inout JSONObjectReader) {
        let (revision, at) = (object.revision("revision"), object.time("at"))
        fqdn = object.optionalText("fqdn")
        subject = object.optionalText("subject")
        let action = object.text("action")
        before = object.optionalShape("before")
        after = object.optionalShape("after")
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

    /// Before or after.
    package enum State: Shape, Equatable {
        case domain(PlacementText)
        indirect case other(Other)

        package var placement: PlacementText? {
            if case .domain(let placement) = self { placement } else { nil }
        }

        package var other: Other? { if case .other(let other) = self { other } else { nil } }

        package static let fields =
            PlacementText.recordedFields.map {
                $0.of { (state: State) in state.placement ?? state.other?.placement }
            }
            + Other.fields.dropFirst(PlacementText.recordedFields.count).map { $0.of { $0.other } }

        package func write(to writer: inout JSONWriter) {
            switch self {
            case .domain(let placement):
                writer.beginObject()
                for field in PlacementText.recordedFields { field.write(placement, to: &writer) }
                writer.endObject()
            case .other(let other): other.write(to: &writer)
            }
        }

        package init?(reading object: inout JSONObjectReader) {
            let placement = PlacementText(recorded: { object.optionalText($0) })
            guard placement == PlacementText() || object.has(Other.heldUntilName) else {
                self = .domain(placement)
                return
            }
            guard let other = Other(reading: &object) else { return nil }
            self = .other(other)
        }
    }

    /// Of a hold, a location, a token, a migration, an approval or a webhook; which members are there tells.
    package struct Other: Shape, Equatable {
        /// What a held name is to be.
        package var placement: PlacementText?
        package var heldUntil: String?
        /// A token's id.
        package var holder: String?
        package var upstream: String?
        package var acceptsSignups: Bool?
        package var defaultForSignups: Bool?
        package var dns: DNSTargets?
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
        /// The one that was approved.
        package var wave: Int?
        /// A webhook's, without path and query.
        package var url: String?
        package var actions: [String]?
        package var fingerprint: String?

        init(_ settings: LocationSettings) {
            upstream = settings.upstream.text
            acceptsSignups = settings.acceptsSignups
            defaultForSignups = settings.isDefaultForSignups
            dns = settings.dns
        }

        init(_ facts: HoldFacts) {
            placement = PlacementText(
                location: facts.location.text, mode: facts.mode.rawValue, tenant: facts.tenant)
            heldUntil = facts.heldUntil.description
            holder = facts.holder
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

        init(_ facts: ApprovalFacts) {
            planDigest = facts.planDigest
            wave = facts.wave
        }

        init(_ facts: WebhookFacts) {
            url = facts.url
            actions = facts.actions.map(\.rawValue)
            fingerprint = facts.fingerprint
        }

        /// What a file's column says of it.
        fileprivate var text: String { String(decoding: json, as: UTF8.self) }

        fileprivate static let heldUntilName = "held_until"

        package static let fields: [ShapeField<Other>] =
            PlacementText.recordedFields.map { $0.of { $0.placement } } + ownFields

        private static let ownFields: [ShapeField<Other>] = [
            .optional(heldUntilName) { Cell($0.heldUntil) },
            .optional("holder") { Cell($0.holder) },
            .optional("upstream") { Cell($0.upstream) },
            .optional("accepts_signups") { Cell($0.acceptsSignups) },
            .optional("default_for_signups") { Cell($0.defaultForSignups) },
            ShapeField("dns", isRequired: false, object: { $0.dns }),
            .optional("name") { Cell($0.name) }, .optional("role") { Cell($0.role) },
            .optional("expires_at") { Cell($0.expiresAt) }, .optional("from") { Cell($0.from) },
            .optional("to") { Cell($0.to) }, .optional("freeze") { Cell($0.freeze) },
            .optional("state") { Cell($0.state) }, .optional("plan_digest") { Cell($0.planDigest) },
            ShapeField("waves", false) { state, writer in
                guard let waves = state.waves else { return }
                writer.list(named: "waves", waves) { $0.integer($1) }
            }, .optional("wave") { Cell($0.wave) },
            .optional("url") { Cell($0.url) },
            ShapeField("actions", isRequired: false, texts: { $0.actions }),
            .optional("fingerprint") { Cell($0.fingerprint) },
        ]

        package init?(reading object: inout JSONObjectReader) {
            heldUntil = object.optionalText(Self.heldUntilName)
            holder = object.optionalText("holder")
            if heldUntil != nil { placement = PlacementText(recorded: { object.optionalText($0) }) }
            upstream = object.optionalText("upstream")
            acceptsSignups = object.optionalBool("accepts_signups")
            defaultForSignups = object.optionalBool("default_for_signups")
            dns = object.optionalShape("dns")
            name = object.optionalText("name")
            role = object.optionalText("role")
            expiresAt = object.optionalText("expires_at")
            from = object.optionalText("from")
            to = object.optionalText("to")
            freeze = object.optionalText("freeze")
            state = object.optionalText("state")
            planDigest = object.optionalText("plan_digest")
            waves = object.optionalIntegers("waves")
            wave = object.optionalCount("wave")
            url = object.optionalText("url")
            if object.has("actions") { actions = object.strings("actions", maximum: .max) }
            fingerprint = object.optionalText("fingerprint")
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
