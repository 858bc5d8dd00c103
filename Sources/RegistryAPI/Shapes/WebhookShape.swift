import RegistryModel

/// A webhook as the API shows it: without its secret, which only the answer has in which the registry made it.
///
/// Words stay text: an older client shows what a newer registry says rather than nothing.
package struct ListedWebhook: Shape, Equatable {
    package var name: String
    package var url: String
    package var actions: [String]
    package var revision: Revision
    /// `whsec_…`; only in the answer that made it, and not in its repetition.
    package var secret: String?
    /// Nil in the answer to a change: it says what was set.
    package var state: State?

    /// How far it has come.
    package struct State: Equatable, Sendable {
        package var behind: Int
        package var progress: WebhookProgress
        package var formerUntil: Timestamp?
    }

    package init(_ webhook: Webhook, secret: WebhookSecret? = nil) {
        name = webhook.name.text
        url = webhook.settings.url.text
        actions = webhook.settings.actions.map(\.rawValue)
        revision = webhook.revision
        self.secret = secret?.text
    }

    package init(_ standing: WebhookStanding) {
        self.init(standing.record.webhook)
        state = State(
            behind: standing.behind, progress: standing.record.progress,
            formerUntil: standing.record.keys.former?.until)
    }

    package static let fields: [ShapeField<ListedWebhook>] = [
        ShapeField("name") { .text($0.name) }, ShapeField("url") { .text($0.url) },
        ShapeField("actions", texts: { $0.actions }),
        ShapeField("revision") { Cell($0.revision) },
        .optional("secret") { Cell($0.secret) },
        .optional("behind") { Cell($0.state?.behind) },
        .optional("through") { Cell($0.state?.progress.through) },
        .optional("delivered_revision") { Cell($0.state?.progress.delivered?.revision) },
        .optional("delivered_at") { Cell($0.state?.progress.delivered?.at) },
        .optional("attempts") { Cell($0.failure?.attempts) },
        .optional("failing_since") { Cell($0.failure?.since) },
        .optional("last_error") { Cell($0.failure?.error) },
        .optional("last_error_at") { Cell($0.failure?.at) },
        .optional("retry_at") { Cell($0.failure?.retryAt) },
        .optional("given_up") { Cell($0.state?.progress.givenUp) },
        .optional("disabled_at") { Cell($0.state?.progress.disabledAt) },
        .optional("former_secret_until") { Cell($0.state?.formerUntil) },
    ]

    package static let tableColumns = fields.filter { $0.name != "secret" }

    private var failure: WebhookProgress.Failure? { state?.progress.failure }

    package init?(reading object: inout JSONObjectReader) {
        let (name, url) = (object.text("name"), object.text("url"))
        actions = object.strings("actions", maximum: .max)
        let revision = object.revision("revision")
        secret = object.optionalText("secret")
        if let behind = object.optionalCount("behind") { state = State(behind, &object) }
        guard let name, let url, let revision else { return nil }
        (self.name, self.url, self.revision) = (name, url, revision)
    }
}

extension ListedWebhook.State {
    fileprivate init(_ behind: Int, _ object: inout JSONObjectReader) {
        self.behind = behind
        progress = WebhookProgress(
            through: object.optionalRevision("through") ?? .zero,
            givenUp: object.optionalCount("given_up") ?? 0,
            disabledAt: object.optionalTime("disabled_at"))
        if let revision = object.optionalRevision("delivered_revision"),
            let at = object.optionalTime("delivered_at")
        {
            progress.delivered = .init(revision, at: at)
        }
        if let since = object.optionalTime("failing_since"),
            let at = object.optionalTime("last_error_at"),
            let error = object.optionalText("last_error"),
            let attempts = object.optionalCount("attempts"),
            let retryAt = object.optionalTime("retry_at")
        {
            progress.failure = .init(
                since: since, at: at, attempts: attempts, retryAt: retryAt, error: error)
        }
        formerUntil = object.optionalTime("former_secret_until")
    }
}

/// What an admin sets for a webhook.
package struct WebhookRequest: Shape {
    package var url: String
    package var actions: [String]
    /// Nil: the one that it has stays; a new one gets one of the registry's making.
    package var secret: String?
    package var note: Note

    package init(url: String, actions: [String], secret: String? = nil, note: Note = Note()) {
        self.url = url
        self.actions = actions
        self.secret = secret
        self.note = note
    }

    package static let fields: [ShapeField<WebhookRequest>] =
        [
            ShapeField("url") { .text($0.url) },
            ShapeField("actions", texts: { $0.actions }),
            .optional("secret") { Cell($0.secret) },
        ] + Note.note { $0.note }

    package init?(reading object: inout JSONObjectReader) {
        let url = object.webhookURL("url")
        actions = object.actions("actions", minimum: 1).map(\.rawValue)
        secret = object.optionalString("secret", maximum: WebhookSecret.maximumLength)
        note = object.note()
        if let secret, WebhookSecret(secret) == nil {
            object.refuse(
                "secret", "invalid",
                "whsec_ and the base64 of 24 to 64 bytes are expected, padded with = as needed")
        }
        guard let url else { return nil }
        self.url = url.text
    }

    /// - Throws: what reading it has complained about.
    package var settings: WebhookSettings {
        get throws(WebhookURL.Malformed) {
            WebhookSettings(
                url: try WebhookURL(url), actions: actions.compactMap(Action.init(rawValue:)))
        }
    }
}

/// The body of a delivery: one revision.
package struct WebhookEvent: Shape, Equatable {
    package var notice: WebhookNotice

    package init(_ notice: WebhookNotice) {
        self.notice = notice
    }

    private var header: RevisionHeader { notice.header }

    package static let fields: [ShapeField<WebhookEvent>] = [
        ShapeField("type") { .text($0.notice.actions.first?.rawValue ?? "") },
        ShapeField("actions", texts: { $0.notice.actions.map(\.rawValue) }),
        ShapeField("revision") { Cell($0.header.revision) },
        ShapeField("epoch") { .text($0.header.epoch.text) },
        ShapeField("at") { Cell($0.header.at) },
        ShapeField("actor", object: { $0.header.actor }),
        .optional("reason") { Cell($0.header.note.reason) },
        .optional("ticket") { Cell($0.header.note.ticket) },
        .optional("migration") { Cell($0.header.migration) },
        .optional("wave") { Cell($0.header.wave) },
        ShapeField("count") { Cell($0.notice.count) },
        ShapeField("domains", texts: { $0.notice.names.map(\.text) }),
    ]

    package init?(reading object: inout JSONObjectReader) {
        let actions = object.actions("actions", minimum: 1)
        let (revision, epoch) = (object.revision("revision"), object.text("epoch"))
        let at = object.time("at")
        let actor = object.shape("actor", Actor.self)
        let note = object.recordedNote()
        let (migration, wave) = (object.optionalText("migration"), object.optionalCount("wave"))
        let count = object.count("count")
        let names = object.strings("domains", maximum: WebhookNotice.maximumNames)
        guard object.text("type") != nil, let revision, let epoch, let at, let actor, let count
        else { return nil }
        let header = RevisionHeader(
            epoch: Epoch(epoch), revision: revision, at: at, actor: actor,
            note: Note(reason: note.reason, ticket: note.ticket), requestID: "",
            migration: migration, wave: wave)
        notice = WebhookNotice(
            header, actions: actions, count: count, names: names.compactMap { try? FQDN($0) })
    }
}

extension JSONObjectReader {
    fileprivate mutating func webhookURL(_ member: String) -> WebhookURL? {
        guard let text = string(member, maximum: WebhookURL.maximumLength) else { return nil }
        do throws(WebhookURL.Malformed) {
            return try WebhookURL(text)
        } catch {
            refuse(member, "invalid", error.explanation)
            return nil
        }
    }

    fileprivate mutating func actions(_ member: String, minimum: Int) -> [Action] {
        strings(member, minimum: minimum, maximum: 100).enumerated().compactMap { index, word in
            if let action = Action(rawValue: word) { return action }
            let known = Action.allCases.map(\.rawValue).joined(separator: ", ")
            refuse(
                member, at: index, "invalid",
                "there is no action \(PrintableText.line(word)); there are \(known)")
            return nil
        }
    }
}
