import RegistryAPI
import RegistryModel
import RegistryService

/// `/v1/webhooks`
struct WebhookRoutes: Sendable {
    @Sendable func list(_ call: RegistryCall) async throws -> EndpointResponse {
        var query = QueryReader(call.query)
        let (limit, after) = try query.page(Cursor.webhook)
        let read = try await call.service.webhooks(after: after, limit: limit)
        return call.list(read, as: ListedWebhook.init, key: \.record.webhook.name.text)
    }

    @Sendable func get(_ call: RegistryCall) async throws -> EndpointResponse {
        try QueryReader(call.query).finish()
        let read = try await call.service.webhook(try existing(call))
        return .json(ListedWebhook(read.value), at: read.revision)
    }

    @Sendable func put(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .put(replay, secret: nil) }
        guard let name = WebhookName(call.parameter("name")) else {
            throw Problem.invalid(
                "{name}",
                "a webhook's name has 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end"
            )
        }
        let request: WebhookRequest = try call.read()
        let (committed, secret) = try await call.service.putWebhook(
            name, try request.settings, secret: request.secret.flatMap { WebhookSecret($0) },
            call.writing(request.note))
        return .put(committed, secret: secret)
    }

    @Sendable func delete(_ call: RegistryCall) async throws -> EndpointResponse {
        if let replay = call.replay { return .done(replay) }
        let note = try call.noteOfDelete()
        return .done(
            try await call.service.deleteWebhook(try existing(call), call.writing(note)))
    }

    /// A name that no webhook can have names none.
    private func existing(_ call: RegistryCall) throws(RegistryError) -> WebhookName {
        let text = call.parameter("name")
        guard let name = WebhookName(text) else {
            throw .unknownWebhook(WebhookName(canonical: text))
        }
        return name
    }
}

extension EndpointResponse {
    /// The secret is shown once: who repeats a request gets everything else again.
    fileprivate static func put(
        _ committed: Committed, secret: WebhookSecret?
    ) -> EndpointResponse {
        guard case .webhook(let webhook, let isNew, _) = committed.outcome else { return .mismatch }
        return EndpointResponse.json(
            ListedWebhook(webhook, secret: secret), status: isNew ? .created : .ok,
            at: committed.revision
        )
        .noting(committed)
    }
}
