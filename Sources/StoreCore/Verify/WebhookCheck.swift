import RegistryLedger
import RegistryModel

/// Compares the table of webhooks with the log: one that nobody has set would send the registry's news to whoever has
/// changed the table.
struct WebhookCheck<Session: SQLSession> {
    let session: Session

    func flaws() throws -> [Verification.Flaw] {
        var logged: [String: (facts: WebhookFacts?, revision: Revision)] = [:]
        try session.forEach(
            """
            SELECT subject, revision, after_detail FROM change_log
            WHERE subject IS NOT NULL AND action = 'webhook_changed'
            ORDER BY subject, revision
            """, []
        ) { row in
            logged[try row.text(0)] = (
                try ChangeRow.value(row.textIfPresent(2)), try row.revision(1)
            )
        }
        let records = try session.rows(WebhookRecord.select, [], WebhookRecord.init(row:))
        let stored = Dictionary(uniqueKeysWithValues: records.map { ($0.webhook.name.text, $0) })
        return Set(stored.keys).union(logged.keys).sorted().compactMap { name in
            flaw(name, stored[name], logged[name])
        }
    }

    private func flaw(
        _ name: String, _ record: WebhookRecord?,
        _ line: (facts: WebhookFacts?, revision: Revision)?
    ) -> Verification.Flaw? {
        let facts = line?.facts
        guard
            record?.facts != facts || record.map({ $0.webhook.revision != line?.revision }) ?? false
        else { return nil }
        let what =
            switch (record, facts) {
            case (nil, _): "the webhook \(name) is in the log and not in its table"
            case (_, nil):
                "the webhook \(name) is in the table webhook, and by the log it shouldn't be"
            default: "the webhook \(name) isn't what the log says"
            }
        return .init(line?.revision ?? record?.webhook.revision ?? .zero, what)
    }
}
