import Crypto
import Foundation
import RegistryModel

extension CommandExecution {
    /// A new webhook is told of what comes after it, not of what was. One that changes goes on where it was, so that
    /// nothing is left out; one whose receiver wanted no more, or that has been told everything, begins anew: an action that is
    /// added to it counts from now on.
    func putWebhook(
        _ name: WebhookName, _ settings: WebhookSettings, secret: WebhookSecret?,
        spare: WebhookSecret
    ) throws -> Decision {
        guard let current = try transaction.webhook(name) else {
            guard try transaction.webhookCount() < Webhook.maximumCount else {
                throw RegistryError.tooManyWebhooks(limit: Webhook.maximumCount)
            }
            let new = WebhookRecord(
                Webhook(name: name, settings: settings, revision: revision),
                keys: WebhookKeys(secret ?? spare), progress: WebhookProgress(through: revision))
            return try put(new, before: nil, tookSpare: secret == nil)
        }
        let isDisabled = current.progress.disabledAt != nil
        let keepsSecret = secret == nil || secret == current.keys.secret
        if current.webhook.settings == settings, keepsSecret, !isDisabled {
            return .unchanged(
                .webhook(current.webhook, isNew: false, tookSpare: false), at: revision)
        }
        var next = current
        next.webhook.settings = settings
        next.webhook.revision = revision
        if let secret, !keepsSecret {
            next.keys = WebhookKeys(
                secret,
                former: .init(current.keys.secret, until: now.adding(WebhookKeys.overlap)))
        }
        // What failed before may be well now: it's tried at once.
        next.progress.failure = nil
        next.progress.disabledAt = nil
        let isTold = try !transaction.hasRevision(
            after: current.progress.through, of: current.webhook.settings.actions)
        if isDisabled || isTold { next.progress.through = revision }
        return try put(next, before: current.facts, tookSpare: false)
    }

    func deleteWebhook(_ name: WebhookName) throws -> Decision {
        guard let current = try transaction.webhook(name) else {
            throw RegistryError.unknownWebhook(name)
        }
        try transaction.deleteWebhook(name)
        return Decision(
            outcome: .webhookDeleted,
            log: [Change(.webhookChanged, .webhook(name, before: current.facts, after: nil))],
            effects: RevisionChanges(revision: revision, hasWebhooks: true))
    }

    private func put(
        _ record: WebhookRecord, before: WebhookFacts?, tookSpare: Bool
    ) throws -> Decision {
        try transaction.put(record)
        return Decision(
            outcome: .webhook(record.webhook, isNew: before == nil, tookSpare: tookSpare),
            log: [
                Change(
                    .webhookChanged,
                    .webhook(record.webhook.name, before: before, after: record.facts))
            ],
            effects: RevisionChanges(revision: revision, hasWebhooks: true))
    }
}

extension WebhookRecord {
    /// What the log says of it.
    package var facts: WebhookFacts {
        let whole = webhook.settings.url.text + "\n" + keys.secret.text
        let digest = SHA256.hash(data: Data(whole.utf8))
        return WebhookFacts(
            url: webhook.settings.url.origin, actions: webhook.settings.actions,
            fingerprint: digest.prefix(8).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }.joined())
    }
}
