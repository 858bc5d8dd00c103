import RegistryLedger
import RegistryModel

extension WebhookRecord {
    package static let select = """
        SELECT w.name, w.url, w.actions, w.secret, w.former_secret, w.former_until, w.revision,
            p.through, p.delivered_revision, p.delivered_at, p.failing_since, p.failed_at, p.attempts,
            p.retry_at, p.error, p.given_up, p.disabled_at
        FROM webhook w JOIN webhook_progress p ON p.webhook = w.name
        """

    package init(row: SQLRow) throws {
        let settings = WebhookSettings(
            url: try row.webhookURL(1), actions: try row.webhookActions(2))
        var keys = WebhookKeys(try row.webhookSecret(3))
        if !row.isNull(4) {
            keys.former = .init(try row.webhookSecret(4), until: try row.time(5))
        }
        var progress = WebhookProgress(
            through: try row.revision(7), givenUp: try row.integer(15),
            disabledAt: try row.timeIfPresent(16))
        if !row.isNull(8) {
            progress.delivered = .init(try row.revision(8), at: try row.time(9))
        }
        if !row.isNull(10) {
            progress.failure = .init(
                since: try row.time(10), at: try row.time(11), attempts: try row.integer(12),
                retryAt: try row.time(13), error: try row.text(14))
        }
        self.init(
            Webhook(
                name: WebhookName(canonical: try row.text(0)), settings: settings,
                revision: try row.revision(6)),
            keys: keys, progress: progress)
    }

    package static func read(
        _ name: WebhookName, _ session: some SQLSession
    ) throws -> WebhookRecord? {
        try session.first(
            "\(select) WHERE w.name = $1", [.text(name.text)], WebhookRecord.init(row:))
    }

    /// Puts it in the place of one with its name.
    package func write(_ session: some SQLSession) throws {
        try session.run(
            """
            INSERT INTO webhook (name, url, actions, secret, former_secret, former_until, revision)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (name) DO UPDATE SET url = excluded.url, actions = excluded.actions,
                secret = excluded.secret, former_secret = excluded.former_secret,
                former_until = excluded.former_until, revision = excluded.revision
            """,
            [
                .text(webhook.name.text), .text(webhook.settings.url.text),
                .text(webhook.settings.actions.map(\.rawValue).joined(separator: ",")),
                .text(keys.secret.text), .text(keys.former?.secret.text),
                .number(keys.former?.until.milliseconds), .number(webhook.revision.number),
            ])
        try session.run(
            """
            INSERT INTO webhook_progress (webhook, through, given_up) VALUES ($1, $2, 0)
            ON CONFLICT (webhook) DO NOTHING
            """, [.text(webhook.name.text), .number(progress.through.number)])
        try progress.write(webhook.name, "true", [], session)
    }
}

extension WebhookProgress {
    /// - Parameters:
    ///   - condition: without which nothing is written; its values begin at `$12`.
    ///   - values: of the condition.
    /// - Returns: whether it was written.
    @discardableResult
    package func write(
        _ name: WebhookName, _ condition: String, _ values: [SQLValue], _ session: some SQLSession
    ) throws -> Bool {
        let written = try session.run(
            """
            UPDATE webhook_progress SET through = $2, delivered_revision = $3, delivered_at = $4,
                failing_since = $5, failed_at = $6, attempts = $7, retry_at = $8, error = $9,
                given_up = $10, disabled_at = $11
            WHERE webhook = $1 AND \(condition)
            """,
            [
                .text(name.text), .number(through.number), .number(delivered?.revision.number),
                .number(delivered?.at.milliseconds), .number(failure?.since.milliseconds),
                .number(failure?.at.milliseconds), .number((failure?.attempts).map(Int64.init)),
                .number(failure?.retryAt.milliseconds), .text(failure?.error), .number(givenUp),
                .number(disabledAt?.milliseconds),
            ] + values)
        return written == 1
    }
}

extension SQLRow {
    fileprivate func webhookURL(_ column: Int) throws -> WebhookURL {
        let text = try text(column)
        do throws(WebhookURL.Malformed) {
            return try WebhookURL(text)
        } catch {
            throw UnreadableValue(column: column, expected: "a webhook's URL")
        }
    }

    fileprivate func webhookSecret(_ column: Int) throws -> WebhookSecret {
        guard let secret = WebhookSecret(try text(column)) else {
            throw UnreadableValue(column: column, expected: "a webhook's secret")
        }
        return secret
    }

    fileprivate func webhookActions(_ column: Int) throws -> [Action] {
        try text(column).split(separator: ",").map { word in
            guard let action = Action(rawValue: String(word)) else {
                throw UnreadableValue(column: column, expected: "actions")
            }
            return action
        }
    }
}
