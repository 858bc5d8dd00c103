import RegistryModel

extension RegistryService {
    public func webhooks(
        after: WebhookName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<WebhookStanding>> {
        try await store.webhooks(after: after, limit: limit)
    }

    /// - Throws: `unknownWebhook`.
    public func webhook(
        _ name: WebhookName
    ) async throws(RegistryError) -> Read<WebhookStanding> {
        let read = try await store.webhook(name)
        guard let standing = read.value else { throw .unknownWebhook(name) }
        return Read(standing, at: read.revision, of: read.epoch)
    }

    /// - Parameter secret: nil: it keeps the one that it has; a new one gets one of the registry's making.
    /// - Returns: the secret, where it was made here: who asked is shown it this once.
    /// - Throws: `webhookForbidden` where the URL says by itself that nothing may be sent there. Whatever its name leads to
    ///   is looked at when something is sent.
    public func putWebhook(
        _ name: WebhookName, _ settings: WebhookSettings, secret: WebhookSecret?,
        _ context: WriteContext
    ) async throws(RegistryError) -> (Committed, made: WebhookSecret?) {
        if let why = settings.url.refusal(allowingPlain: allowsPlainWebhooks) {
            throw .webhookForbidden(why)
        }
        let spare = WebhookSecret.random()
        let committed = try await commit(
            .putWebhook(name, settings, secret: secret, spare: spare), context)
        guard case .webhook(_, _, true) = committed.outcome, !committed.isReplay else {
            return (committed, nil)
        }
        return (committed, spare)
    }

    public func deleteWebhook(
        _ name: WebhookName, _ context: WriteContext
    ) async throws(RegistryError) -> Committed {
        try await commit(.deleteWebhook(name), context)
    }
}

extension WebhookURL {
    /// Why nothing may be sent there, as far as the URL says it; nil: it says nothing against it.
    ///
    /// - Parameter allowsPlain: whether receivers on this machine may have webhooks, and without TLS.
    package func refusal(allowingPlain allowsPlain: Bool) -> String? {
        if isPlain, !(allowsPlain && isLoopback) {
            return allowsPlain
                ? "http is for receivers on this machine, such as http://127.0.0.1:8000: everybody on the way could read it"
                : "https is expected: everybody on the way could read what http sends"
        }
        if isLoopback, !allowsPlain {
            return "\(host) is this machine, and nothing is sent there"
        }
        return address?.refusal(allowingLoopback: allowsPlain).map {
            "nothing is sent to \(host): \($0)"
        }
    }
}
