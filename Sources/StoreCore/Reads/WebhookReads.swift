import RegistryLedger
import RegistryModel

extension SQLStore {
    package func webhooks(
        after: WebhookName?, limit: Int
    ) async throws(RegistryError) -> Read<Page<WebhookStanding>> {
        try await reading(.quick) { session in
            let revision = try Head.read(session).revision
            var records = try session.rows(
                "\(WebhookRecord.select) WHERE w.name > $1 ORDER BY w.name LIMIT $2",
                [.text(after?.text ?? ""), .number(min(limit, Webhook.maximumCount) + 1)],
                WebhookRecord.init(row:))
            let page = Page(first: min(limit, Webhook.maximumCount), takenFrom: &records)
            return Read(
                Page(items: try page.items.map { try $0.standing(session) }, hasMore: page.hasMore),
                at: revision)
        }
    }

    package func webhook(
        _ name: WebhookName
    ) async throws(RegistryError) -> Read<WebhookStanding?> {
        try await reading(.quick) { session in
            Read(
                try WebhookRecord.read(name, session)?.standing(session),
                at: try Head.read(session).revision)
        }
    }

    package func notice(
        after revision: Revision, of actions: [Action]
    ) async throws(RegistryError) -> WebhookNotice? {
        // What is past doesn't change, so that these need no common snapshot.
        let next = try await asking(.own) { try Revision.next(after: revision, of: actions, $0) }
        guard let next else { return nil }
        let query = HistoryQuery(
            afterRevision: Revision(next.number - 1), through: next, limit: 1)
        guard let header = try await history(query).value.items.first?.header else {
            throw .inconsistent
        }
        return try await asking(.own) { try WebhookNotice(header, of: actions, $0) }
    }

    package func note(
        _ progress: WebhookProgress, of record: WebhookRecord
    ) async throws(RegistryError) -> Bool {
        // Written twice it would find another cursor, or the failure that it has noted itself: both are what it says.
        try await writing(isRepeatable: true) { session in
            try progress.write(
                record.webhook.name,
                """
                through = $12 AND EXISTS (
                    SELECT 1 FROM webhook w WHERE w.name = webhook_progress.webhook AND w.revision = $13)
                """,
                [
                    .number(record.progress.through.number),
                    .number(record.webhook.revision.number),
                ], session)
        }
    }
}

extension Revision {
    /// The first one after another in which one of these actions is: a look into the facets for each of them.
    static func next(
        after revision: Revision, of actions: [Action], _ session: some SQLSession
    ) throws -> Revision? {
        let number = try session.first(
            """
            SELECT min(next) FROM (
                SELECT (SELECT f.revision FROM revision_facet f
                    WHERE f.facet = asked.value AND f.revision > $1
                    ORDER BY f.revision LIMIT 1) AS next
                FROM \(session.dialect.texts("$2", as: "asked"))) AS found
            """, [.number(revision.number), .texts(actions.facets)]
        ) { try $0.numberIfPresent(0) }
        return number.flatMap { $0.map(Revision.init) }
    }
}

extension WebhookRecord {
    fileprivate func standing(_ session: some SQLSession) throws -> WebhookStanding {
        guard progress.disabledAt == nil else { return WebhookStanding(self, behind: 0) }
        // A revision with two of the actions is one revision: it counts for the first of them.
        let behind = try session.count(
            """
            SELECT count(*) FROM (
                SELECT f.revision
                FROM \(session.dialect.texts("$2", as: "asked"))
                CROSS JOIN revision_facet f
                WHERE f.facet = asked.value AND f.revision > $1 AND NOT EXISTS (
                    SELECT 1 FROM \(session.dialect.texts("$2", as: "earlier"))
                    CROSS JOIN revision_facet g
                    WHERE earlier.key < asked.key AND g.facet = earlier.value
                        AND g.revision = f.revision)
                LIMIT $3) AS missed
            """,
            [
                .number(progress.through.number), .texts(webhook.settings.actions.facets),
                .number(WebhookStanding.countedBehind),
            ])
        guard behind > 0 else { return WebhookStanding(self, behind: 0) }
        let first = try Revision.next(
            after: progress.through, of: webhook.settings.actions, session)
        let since = try session.first(
            "SELECT at FROM revision_log WHERE revision = $1", [.number(first?.number)]
        ) { try $0.time(0) }
        return WebhookStanding(self, behind: behind, waitingSince: since)
    }
}

extension WebhookNotice {
    fileprivate init(
        _ header: RevisionHeader, of actions: [Action], _ session: some SQLSession
    ) throws {
        // The facets say which of them the revision has: nearly always one, whose lines are counted alone.
        let number = SQLValue.number(header.revision.number)
        let present = try session.rows(
            """
            SELECT f.facet FROM \(session.dialect.texts("$2", as: "asked"))
            CROSS JOIN revision_facet f WHERE f.facet = asked.value AND f.revision = $1
            """, [number, .texts(actions.facets)]
        ) { String(try $0.text(0).dropFirst(Self.facet.count)) }
        let found = try present.map { word in
            try session.first(
                """
                SELECT min(c.position), count(c.fqdn) FROM change_log c
                WHERE c.revision = $1 AND c.action = $2
                """, [number, .text(word)]
            ) {
                (action: Action(rawValue: word), first: try $0.number(0), count: try $0.integer(1))
            }
        }.compactMap(\.self).sorted { $0.first < $1.first }
        guard !found.isEmpty else { throw RegistryError.inconsistent }
        let names = try session.rows(
            """
            SELECT c.fqdn FROM change_log c
            WHERE c.revision = $1 AND c.fqdn IS NOT NULL AND EXISTS (
                SELECT 1 FROM \(session.dialect.texts("$2", as: "asked")) WHERE asked.value = c.action)
            ORDER BY c.position LIMIT $3
            """, [number, .texts(present), .number(Self.maximumNames)]
        ) { try $0.name(0) }
        self.init(
            header, actions: found.compactMap(\.action),
            count: found.reduce(0) { $0 + $1.count }, names: names)
    }

    fileprivate static let facet = "action:"
}

extension [Action] {
    fileprivate var facets: [String?] { map { WebhookNotice.facet + $0.rawValue } }
}
