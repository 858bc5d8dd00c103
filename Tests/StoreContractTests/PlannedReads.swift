import RegistryModel
import StoreCore
import Testing

/// Each read that there is, with everything that makes it another statement.
extension ReadPlanContract {
    /// Of no protocol: what a node's follower of the log reads.
    static let follower = "LogReader.changes"

    /// Every read that a protocol of the store declares is here, or below.
    static let reads = [
        PlannedRead("head()") { store, _ in _ = try await store.head() },
        PlannedRead("replay(of:)", along: "idempotency") { store, _ in
            _ = try await store.replay(of: key("k"))
        },
        PlannedRead("domain(_:at:)", along: "change_log_by_domain") { store, scene in
            _ = try await store.domain(scene.name, at: scene.early)
        },
        PlannedRead("domains(_:at:)", along: "change_log_by_domain") { store, scene in
            _ = try await store.domains(
                (0..<300).map { fqdn("old\($0).example") }, at: scene.early)
            for query in domainQueries {
                for revision in [scene.early, scene.head] {
                    _ = try await store.domains(query, at: revision)
                }
            }
        },
        PlannedRead("domains(_:)", along: "domain_by_tenant") { store, _ in
            for query in domainQueries { _ = try await store.domains(query) }
        },
        PlannedRead("domains(of:)") { store, scene in
            for status in [nil, .skipped, .moved, .planned] as [MigrationDomain.Status?] {
                for wave in [nil, 1] {
                    _ = try await store.domains(
                        of: MigrationDomainQuery(
                            migration: scene.migration, wave: wave, status: status, after: 1))
                }
            }
        },
        PlannedRead("revision(at:)", along: "revision_log_by_time") { store, scene in
            _ = try await store.revision(at: scene.start)
        },
        PlannedRead("standing(of:)", along: "name_tree") { store, scene in
            for name in [
                scene.name, fqdn("sub.old3.example"), fqdn("gone5.example"), fqdn("free.org"),
            ] {
                _ = try await store.standing(of: name)
            }
        },
        // With other filters it may look at all that are held: they're a day's signups at most.
        PlannedRead("holds(_:)") { store, _ in
            for query in domainQueries
            where query.filter == DomainFilter(prefix: query.filter.prefix) {
                _ = try await store.holds(query)
            }
        },
        PlannedRead("areHoldsDue()", along: "held_domain_by_end") { store, _ in
            _ = try await store.areHoldsDue()
        },
        PlannedRead("defaultLocation()") { store, _ in
            _ = try await store.defaultLocation()
        },
        PlannedRead("history(_:)", along: "revision_log_by_actor") { store, scene in
            for order in HistoryQuery.Order.allCases {
                for query in historyQueries(scene, order) { _ = try await store.history(query) }
            }
        },
        PlannedRead("locations(after:limit:)") { store, _ in
            _ = try await store.locations(after: japan, limit: 10)
        },
        PlannedRead("location(_:)") { store, _ in _ = try await store.location(japan) },
        PlannedRead("tokens(after:limit:)", along: "token_live") { store, _ in
            _ = try await store.tokens(after: "a", limit: 10)
        },
        PlannedRead("webhooks(after:limit:)", along: "revision_facet") { store, _ in
            _ = try await store.webhooks(after: WebhookName("a"), limit: 10)
        },
        PlannedRead("webhook(_:)", along: "revision_facet") { store, _ in
            let name = try #require(WebhookName("chat-7"))
            _ = try #require(try await store.webhook(name).value)
        },
        PlannedRead("notice(after:of:)", along: "revision_facet") { store, scene in
            _ = try await store.notice(after: scene.early, of: [.moved, .registered])
        },
        PlannedRead("migration(_:)") { store, scene in
            _ = try await store.migration(scene.migration)
        },
        PlannedRead("migrations(_:)", along: "migration_by_state") { store, scene in
            for after in [nil, scene.migration] {
                for state in [nil, MigrationState.planned] {
                    _ = try await store.migrations(MigrationQuery(state: state, after: after))
                }
            }
        },
        PlannedRead("tenant(_:after:limit:)", along: "domain_by_tenant") { store, scene in
            for after in [nil, scene.name] {
                _ = try await store.tenant("customer-7", after: after, limit: 10)
            }
        },
        PlannedRead("tenants(_:)", along: "tenant_place") { store, _ in
            for location in [nil, japan] {
                for isSplit in [nil, true, false] {
                    for after in [nil, "customer-1"] {
                        _ = try await store.tenants(
                            TenantQuery(
                                location: location, isSplit: isSplit, prefix: "cust", after: after))
                    }
                }
            }
        },
        PlannedRead("wavesDue()", along: "wave_by_deadline") { store, _ in
            _ = try await store.wavesDue()
        },
        PlannedRead("tableChanges(after:through:limit:)") { store, scene in
            _ = try await store.tableChanges(
                after: .init(revision: scene.early, position: 5), through: scene.head, limit: 1_000)
        },
        PlannedRead("domainFlow(after:through:limit:)", along: "change_log_pkey") { store, scene in
            for place in [
                HistoryQuery.Place(revision: .zero, position: .max),
                HistoryQuery.Place(revision: scene.early, position: 5),
            ] {
                _ = try await store.domainFlow(after: place, through: scene.head, limit: .max)
            }
        },
        PlannedRead("clocks()") { store, _ in _ = try await store.clocks() },
        PlannedRead(follower) { store, scene in
            _ = try await store.changes(after: Revision(scene.head.number - 20), limit: 10)
        },
        PlannedRead("note(tokenUses:)") { store, scene in
            try await store.note(tokenUses: ["t3": scene.start, "t4": scene.start])
        },
        PlannedRead("note(_:limit:)") { store, scene in
            let applied = Position(epoch: Epoch("e"), revision: scene.early)
            _ = try await store.note(
                [AgentReport(AgentName(canonical: "edge"), applied: applied)], limit: 10)
        },
        PlannedRead("note(_:of:)") { store, _ in
            let name = try #require(WebhookName("chat-7"))
            let record = try #require(try await store.webhook(name).value).record
            _ = try await store.note(record.progress, of: record)
        },
        PlannedRead("zoneSerial(of:digest:at:above:)") { store, scene in
            for digest in [1, 2] as [UInt8] {
                _ = try await store.zoneSerial(
                    of: fqdn("zone7.example"), digest: [digest], at: scene.head, above: 0)
            }
        },
        PlannedRead("forgetKeys(atMost:)", along: "idempotency_by_age") { store, _ in
            _ = try await store.forgetKeys(atMost: 10)
        },
    ]

    /// What reads, or writes, all of something by its purpose, or isn't a statement of the store's.
    static let others: Set = [
        "splitTenantCount()",
        "commit(_:)", "snapshot(_:)", "snapshot(at:_:)", "verify(_:pace:progress:)", "agents()",
        "evict(_:by:_:idempotency:)", "forgetAgents(silentFor:)", "backup()", "waitForFailure()",
        "close()", "agentRoll()", "convergence(at:lease:)", "headOfPrimary()", "follow(after:)",
    ]

    static var domainQueries: [DomainQuery] {
        var found: [DomainQuery] = []
        for after in [nil, fqdn("old70.example")] {
            for prefix in [nil, "old1"] {
                for tenant in [nil, "t"] {
                    for query in [
                        DomainQuery(), DomainQuery(DomainFilter(location: aws)),
                        DomainQuery(DomainFilter(mode: .reject)),
                        DomainQuery(DomainFilter(suffix: "none.example")),
                        DomainQuery(DomainFilter(contains: "ld7")),
                        DomainQuery(DomainFilter(contains: "nowhere")),
                    ] {
                        var query = query
                        (query.after, query.filter.prefix, query.filter.tenant) = (
                            after, prefix, tenant
                        )
                        found.append(query)
                    }
                }
            }
        }
        return found
    }

    static func historyQueries(
        _ scene: Scene, _ order: HistoryQuery.Order
    ) -> [HistoryQuery] {
        let place = HistoryQuery.Place(revision: scene.early, position: 3)
        let end = scene.start.adding(.seconds(9))
        return [
            HistoryQuery(order: order),
            HistoryQuery(order: order, after: place),
            HistoryQuery(since: scene.start, until: end, order: order),
            HistoryQuery(fqdn: scene.name, order: order),
            HistoryQuery(
                fqdn: scene.name, since: scene.start, until: end, order: order, after: place),
            HistoryQuery(
                fqdn: scene.name, actor: "t-1", action: .registered, location: japan, order: order),
            HistoryQuery(actor: "t-1", order: order, after: place),
            HistoryQuery(actor: "rare", order: order),
            HistoryQuery(migration: scene.migration, order: order),
            HistoryQuery(location: japan, order: order),
            HistoryQuery(location: japan, order: order, after: place),
            HistoryQuery(action: .registered, location: japan, order: order, after: place),
            HistoryQuery(
                actor: "t-1", action: .registered, migration: scene.migration, location: japan,
                order: order),
        ]
    }
}
