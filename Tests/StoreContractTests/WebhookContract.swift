import RegistryModel
import Testing

func webhookName(_ text: String) -> WebhookName { WebhookName(canonical: text) }

func chat(_ actions: Action..., at url: String = "https://chat.example/hooks/1")
    -> WebhookSettings
{
    // A test's own URL is one.
    WebhookSettings(url: try! WebhookURL(url), actions: actions)
}

@Suite("A webhook") struct WebhookContract {
    static let name = webhookName("chat")
    static let first = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")!
    static let second = WebhookSecret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")!

    private static func put(
        _ session: StoreSession, _ settings: WebhookSettings, secret: WebhookSecret? = nil,
        name: WebhookName = name, key: IdempotencyKey? = nil
    ) async throws(RegistryError) -> Committed {
        try await session.commit(
            .putWebhook(name, settings, secret: secret, spare: first), key: key)
    }

    private static func standing(
        _ session: StoreSession, _ name: WebhookName = name
    ) async throws -> WebhookStanding {
        try #require(try await session.store.webhook(name).value)
    }

    /// Delivers the next revision.
    private static func deliver(_ session: StoreSession) async throws -> WebhookNotice? {
        let record = try await standing(session).record
        let notice = try await session.store.notice(
            after: record.progress.through, of: record.webhook.settings.actions)
        guard let notice else { return nil }
        var progress = record.progress
        progress.through = notice.header.revision
        progress.delivered = .init(notice.header.revision, at: session.clock.value)
        #expect(try await session.store.note(progress, of: record))
        return notice
    }

    @Test(arguments: StoreUnderTest.all)
    func `begins with the next revision, and history has no more of its URL than its origin`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            try await session.register("before.example")
            let made = try await Self.put(session, chat(.registered, .moved))
            let webhook = Webhook(
                name: Self.name, settings: chat(.registered, .moved), revision: Revision(2))
            #expect(made.outcome == .webhook(webhook, isNew: true, tookSpare: true))
            let standing = try await Self.standing(session)
            #expect(standing.record.webhook == webhook && standing.behind == 0)
            #expect(standing.record.keys == WebhookKeys(Self.first))
            #expect(standing.record.progress == WebhookProgress(through: Revision(2)))
            #expect(session.observed.value.last?.hasWebhooks == true)

            let line = try #require(try await session.log(of: Revision(2)).first?.change)
            guard line.action == .webhookChanged,
                case .webhook(Self.name, before: nil, after: let facts?) = line.subject
            else { return #expect(Bool(false), "\(line)") }
            #expect(facts.url == "https://chat.example" && facts.actions == [.registered, .moved])
            #expect(facts.fingerprint.count == 16)
            #expect(try await session.store.verify(nil) { _ in }.isGood)

            try await session.register("after.example")
            #expect(try await Self.standing(session).behind == 1)
            let notice = try #require(try await Self.deliver(session))
            #expect(notice.header.revision == Revision(3) && notice.actions == [.registered])
            #expect(notice.count == 1 && notice.names == [fqdn("after.example")])
            #expect(try await Self.standing(session).behind == 0)
            #expect(try await Self.deliver(session) == nil)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `changes with its place kept, and with the secret that it has`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.registered))
            try await session.register("a.example")
            let same = try await Self.put(session, chat(.registered), secret: Self.first)
            #expect(same.revision == Revision(2))
            let changed = try await Self.put(
                session, chat(.registered, .moved, at: "https://chat.example/other"))
            guard case .webhook(let webhook, isNew: false, tookSpare: false) = changed.outcome
            else { return #expect(Bool(false), "\(changed)") }
            #expect(webhook.revision == Revision(3))
            let standing = try await Self.standing(session)
            #expect(standing.record.keys == WebhookKeys(Self.first))
            #expect(standing.record.progress.through == Revision(1) && standing.behind == 1)
            // Only the path is another one: the fingerprint tells.
            let line = try #require(try await session.log(of: Revision(3)).first?.change)
            guard case .webhook(_, before: let before?, after: let after?) = line.subject
            else { return #expect(Bool(false), "\(line)") }
            #expect(before.url == after.url && before.fingerprint != after.fingerprint)
            #expect(try await session.store.verify(nil) { _ in }.isGood)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `waits since the first revision that it asks for, and has yet to be told`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.registered, .released))
            #expect(try await Self.standing(session).waitingSince == nil)
            session.clock.change { $0 = $0.adding(.seconds(60)) }
            // Nobody has asked for it.
            _ = try await Self.put(session, chat(.moved), name: webhookName("other"))
            session.clock.change { $0 = $0.adding(.seconds(60)) }
            let first = session.clock.value
            try await session.register("a.example")
            session.clock.change { $0 = $0.adding(.seconds(60)) }
            let second = session.clock.value
            try await session.register("b.example")
            #expect(try await Self.standing(session).waitingSince == first)
            #expect(
                try await session.store.webhooks(after: nil, limit: 9).value.items
                    .map(\.waitingSince) == [first, nil])
            _ = try await Self.deliver(session)
            #expect(try await Self.standing(session).waitingSince == second)
            _ = try await Self.deliver(session)
            #expect(try await Self.standing(session).waitingSince == nil)
        }
    }

    /// A quiet webhook isn't told of months at once because it's to be told of more.
    @Test(arguments: StoreUnderTest.all)
    func `is told of an action that is added from then on, where it has been told all`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.moved))
            try await session.register("a.example")
            try await session.register("b.example")
            _ = try await Self.put(session, chat(.registered, .moved))
            #expect(try await Self.standing(session).behind == 0)
            try await session.register("c.example")
            let notice = try #require(try await Self.deliver(session))
            #expect(notice.names == [fqdn("c.example")])
            // What it has yet to be told stays.
            try await session.register("d.example")
            _ = try await Self.put(session, chat(.registered, .moved, .released))
            #expect(try await Self.standing(session).behind == 1)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `signs with the secret before, too, for a day after another one was set`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.moved), secret: Self.first)
            let rotated = try await Self.put(session, chat(.moved), secret: Self.second)
            #expect(rotated.revision == Revision(2))
            let keys = try await Self.standing(session).record.keys
            let now = session.clock.value
            #expect(keys.secrets(at: now) == [Self.second, Self.first])
            #expect(
                keys.secrets(at: now.adding(.seconds(86_399))) == [Self.second, Self.first])
            #expect(keys.secrets(at: now.adding(.seconds(86_400))) == [Self.second])
            #expect(try await session.store.verify(nil) { _ in }.isGood)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `goes with how far it has come, and its name begins anew`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.registered))
            try await session.register("a.example")
            #expect(
                try await session.commit(.deleteWebhook(Self.name)).outcome == .webhookDeleted)
            #expect(try await session.store.webhook(Self.name).value == nil)
            await #expect(throws: RegistryError.unknownWebhook(Self.name)) {
                try await session.commit(.deleteWebhook(Self.name))
            }
            _ = try await Self.put(session, chat(.registered))
            #expect(try await Self.standing(session).behind == 0)
            #expect(try await session.store.verify(nil) { _ in }.isGood)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `isn't moved on by a node that has read it before it changed`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.registered))
            try await session.register("a.example")
            let stale = try await Self.standing(session).record
            var progress = stale.progress
            progress.through = Revision(2)
            // Another node was quicker.
            #expect(try await session.store.note(progress, of: stale))
            #expect(try await !session.store.note(progress, of: stale))
            // An admin has changed it meanwhile.
            try await session.register("b.example")
            let read = try await Self.standing(session).record
            _ = try await Self.put(session, chat(.registered, .moved))
            progress.through = Revision(3)
            #expect(try await !session.store.note(progress, of: read))
            #expect(try await Self.standing(session).behind == 1)
            // Gone, and made again under its name.
            try await session.commit(.deleteWebhook(Self.name))
            _ = try await Self.put(session, chat(.registered))
            #expect(try await !session.store.note(progress, of: read))
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `keeps what its receiver said, until it's changed`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.registered))
            try await session.register("a.example")
            let record = try await Self.standing(session).record
            let now = session.clock.value
            var progress = record.progress
            progress.failure = .init(
                since: now, at: now, attempts: 3, retryAt: now.adding(.seconds(4)),
                error: "it answered 503 \u{2713}")
            progress.givenUp = 2
            #expect(try await session.store.note(progress, of: record))
            #expect(try await Self.standing(session).record.progress == progress)
            let reopened = try await session.reopened()
            #expect(try await Self.standing(reopened).record.progress == progress)
            _ = try await Self.put(reopened, chat(.registered, .moved))
            progress.failure = nil
            #expect(try await Self.standing(reopened).record.progress == progress)
            await reopened.store.close()
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `that wants no more begins anew when it's set again, though nothing else changes`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            _ = try await Self.put(session, chat(.registered))
            try await session.register("a.example")
            let record = try await Self.standing(session).record
            var progress = record.progress
            progress.disabledAt = session.clock.value
            #expect(try await session.store.note(progress, of: record))
            #expect(try await Self.standing(session).behind == 0)
            let again = try await Self.put(session, chat(.registered))
            #expect(again.revision == Revision(3))
            let standing = try await Self.standing(session)
            #expect(standing.record.progress == WebhookProgress(through: Revision(3)))
            #expect(try await session.store.verify(nil) { _ in }.isGood)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is told of each step of a wave, whole, with its first hundred names`(
        engine: StoreUnderTest
    ) async throws {
        try await engine.run { session in
            let names = (0..<150).map { "n\($0).example" }
            try await session.registerAll(names)
            _ = try await Self.put(
                session,
                chat(
                    .announced, .frozen, .moved, .rolledBack, .thawed, .waveApproved,
                    .migrationCancelled))
            let migration = try await session.plan(
                names, waves: [.count(120), .rest], freeze: .reject)
            try await session.approve(of: migration)
            try await session.take(.announce(migration.agreement(1)), of: migration)
            try await session.freeze(of: migration)
            try await session.cutOver(of: migration)
            try await session.take(.rollBack(skipsConflicts: false), of: migration)
            try await session.freeze(2, of: migration)
            try await session.commit(.cancelMigration(id: migration.id))

            var told: [WebhookNotice] = []
            while let notice = try await Self.deliver(session) { told.append(notice) }
            #expect(
                told.map(\.actions) == [
                    [.waveApproved], [.announced], [.frozen], [.moved], [.rolledBack], [.frozen],
                    [.thawed, .migrationCancelled],
                ])
            #expect(told.map(\.count) == [0, 120, 120, 120, 120, 30, 30])
            #expect(told.map(\.names.count) == [0, 100, 100, 100, 100, 30, 30])
            #expect(told.map(\.header.wave) == [1, 1, 1, 1, 1, 2, nil])
            #expect(told.allSatisfy { $0.header.migration == migration.id })
            let moved = try #require(told.first { $0.actions == [.moved] })
            let lines = try await session.log(of: moved.header.revision)
            let logged = lines.compactMap { item -> FQDN? in
                if case .domain(let name, _, _, _) = item.change.subject { name } else { nil }
            }
            #expect(moved.names == Array(logged.prefix(100)))
            #expect(moved.header == lines.first?.header)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `is refused beyond the hundredth`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            for number in 0..<Webhook.maximumCount {
                _ = try await Self.put(
                    session, chat(.moved), name: webhookName("w\(number)"))
            }
            await #expect(throws: RegistryError.tooManyWebhooks(limit: 100)) {
                try await Self.put(session, chat(.moved))
            }
            _ = try await Self.put(session, chat(.moved, .frozen), name: webhookName("w7"))
            let first = try await session.store.webhooks(after: nil, limit: 60).value
            let last = try #require(first.items.last?.record.webhook.name)
            let second = try await session.store.webhooks(after: last, limit: 60).value
            #expect(first.items.count == 60 && first.hasMore)
            #expect(second.items.count == 40 && !second.hasMore)
            let all = (first.items + second.items).map(\.record.webhook.name)
            #expect(all == all.sorted() && Set(all).count == 100)
        }
    }

    @Test(arguments: StoreUnderTest.all)
    func `set again under a key is the first answer, without a secret`(engine: StoreUnderTest)
        async throws
    {
        try await engine.run { session in
            let first = try await Self.put(session, chat(.moved), key: key("k"))
            let again = try await Self.put(session, chat(.moved), key: key("k"))
            #expect(again.isReplay && again.outcome == first.outcome)
            #expect(try await session.revision() == 1)
        }
    }
}
