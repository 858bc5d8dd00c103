import Foundation
import RegistryLedger
import RegistryModel
import StoreCore
import Testing

/// What the engines plan to do for the reads of a client, and of the service itself, with the very texts and values
/// that they run.
@Suite("A read's plan", .timeLimit(.minutes(10))) struct ReadPlanContract {
    /// A read, and an index that has to be its way on both engines.
    struct PlannedRead: Sendable {
        var name: String
        var index: String?
        var run: @Sendable (any Store, Scene) async throws -> Void

        init(
            _ name: String, along index: String? = nil,
            _ run: @escaping @Sendable (any Store, Scene) async throws -> Void
        ) {
            (self.name, self.index, self.run) = (name, index, run)
        }
    }

    /// What the filled store has.
    struct Scene: Sendable {
        var head: Revision
        var migration: String
        var name = fqdn("old70.example")
        var early = Revision(1)
        var start = StoreSession.start
    }

    /// Of no protocol: what a node's follower of the log reads.
    private static let follower = "LogReader.changes"

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
        PlannedRead("tokens(after:limit:)", along: "token_live") { store, _ in
            _ = try await store.tokens(after: "a", limit: 10)
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
        PlannedRead("forgetKeys(atMost:)", along: "idempotency_by_age") { store, _ in
            _ = try await store.forgetKeys(atMost: 10)
        },
    ]

    /// What reads, or writes, all of something by its purpose, or isn't a statement of the store's.
    static let others: Set = [
        "splitTenantCount()",
        "commit(_:)", "snapshot(_:)", "snapshot(at:_:)", "verify(_:progress:)", "agents()",
        "evict(_:by:_:idempotency:)", "forgetAgents(silentFor:)", "backup()", "waitForFailure()",
        "close()", "agentRoll()", "convergence(at:lease:)", "headOfPrimary()", "follow(after:)",
    ]

    private static var domainQueries: [DomainQuery] {
        var found: [DomainQuery] = []
        for after in [nil, fqdn("old70.example")] {
            for prefix in [nil, "old1"] {
                for tenant in [nil, "t"] {
                    for query in [
                        DomainQuery(), DomainQuery(DomainFilter(location: aws)),
                        DomainQuery(DomainFilter(mode: .reject)),
                        DomainQuery(DomainFilter(suffix: "none.example")),
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

    private static func historyQueries(
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

    /// Enough of everything that a plan means something.
    private static func fill(_ session: StoreSession) async throws -> Scene {
        for first in stride(from: 0, to: 20_000, by: 10_000) {
            try await session.commit(
                .registerBatch(
                    (first..<first + 10_000).map {
                        .wanted(
                            NewDomain(
                                fqdn: fqdn("old\($0).example"), tenant: "customer-\($0 / 5)"))
                    }))
        }
        try await session.commit(
            .registerBatch(
                (0..<4_000).map {
                    .wanted(
                        NewDomain(
                            fqdn: fqdn("half\($0).example"), location: $0 % 2 == 0 ? japan : aws,
                            tenant: "divided-\($0 / 2)", allowsSplit: true))
                }))
        let gone = (0..<1_500).map { fqdn("gone\($0).example") }
        try await session.commit(
            .registerBatch(gone.map { .wanted(NewDomain(fqdn: $0, tenant: "t")) }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in gone {
                group.addTask {
                    try await session.commit(.release(name, ifMatch: nil), key: key(name.text))
                }
            }
            try await group.waitForAll()
        }
        for number in 0..<600 { try await session.commit(.createToken(token("t\(number)"))) }
        for number in 0..<200 {
            try await session.commit(.planMigration(plan("m-\(number)", [number])))
        }
        try await session.store.note(
            tokenUses: Dictionary(
                uniqueKeysWithValues: (0..<600).map { ("t\($0)", StoreSession.start) }))
        try await session.commit(
            .planMigration(plan("m-all", Array(1_000..<7_000) + Array(30_000..<45_000))),
            by: Actor(token: "rare", name: "rare", role: .operator_))
        try await session.commit(.revokeToken(id: "t7"))
        let head = try await session.store.head().revision
        return Scene(head: head, migration: "m-all")
    }

    private static func plan(_ id: String, _ numbers: [Int]) -> MigrationPlan {
        MigrationPlan(
            id: id, name: id, from: japan, to: aws,
            selection: .names((numbers + [-1]).map { fqdn("old\($0).example") }),
            wholeTenants: false)
    }

    @Test(arguments: StoreUnderTest.all)
    func `walks no table and sorts nothing`(engine: StoreUnderTest) async throws {
        try await engine.run { session in
            let scene = try await Self.fill(session)
            let store = try #require(session.store as? any SQLStore)
            try await Self.look(at: store, scene)
        }
    }

    private static func look(at engine: some SQLStore, _ scene: Scene) async throws {
        try await engine.writing(isRepeatable: true) { session in
            // SQLite plans without statistics.
            if session.dialect == .postgres { try session.run("ANALYZE", []) }
        }
        let watched = WatchedStore(engine: engine)
        for read in reads {
            let plans = try await watched.plans { try await read.run($0, scene) }
            #expect(!plans.isEmpty || read.name == "clocks()", "\(read.name) was not seen")
            for plan in plans where !plan.faults.isEmpty {
                Issue.record(
                    """
                    \(read.name): \(plan.sql)
                    \(plan.lines.joined(separator: "\n"))
                    """)
            }
            if let index = read.index, !plans.contains(where: { $0.goes(along: index) }) {
                Issue.record(
                    "\(read.name) doesn't go along \(index): \(plans.flatMap(\.lines))")
            }
        }
    }

    /// A new read is either planned here, or said to be none.
    @Test func `is looked at for every read there is`() throws {
        let model = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/RegistryModel")
        var declared: Set<String> = []
        let text = try FileManager.default.contentsOfDirectory(atPath: model.path).map { file in
            file.hasSuffix(".swift")
                ? try String(contentsOf: model.appendingPathComponent(file), encoding: .utf8) : ""
        }.joined()
        for name in ["Store", "ChangeSource", "AgentBook", "SharedAgentBook", "SharedStore"] {
            let start = try #require(text.range(of: "public protocol \(name): "), "\(name)")
            let end = try #require(text[start.upperBound...].range(of: "\n}"), "\(name)")
            let body = text[start.upperBound..<end.lowerBound]
            for match in body.matches(of: /(?m)^    func (\w+)\(([^{}]*?)\)\s+(async|\n|throws)/) {
                let labels = String(match.2).matches(of: /(?:^|,)\s*(\w+)(?: \w+)?:/).map {
                    "\($0.1):"
                }
                declared.insert("\(match.1)(\(labels.joined()))")
            }
        }
        let known = Set(Self.reads.map(\.name)).union(Self.others)
        #expect(declared.count > 30)
        #expect(declared.subtracting(known).isEmpty)
        #expect(known.subtracting(declared) == [Self.follower])
    }
}

extension StatementPlan {
    /// SQLite says nothing of the names of primary keys.
    fileprivate func goes(along index: String) -> Bool {
        let table = index.replacing("_pkey", with: "")
        return lines.contains { line in
            switch dialect {
            case .sqlite:
                line.contains("INDEX \(index) ")
                    || line.hasPrefix("SEARCH") && line.contains("PRIMARY KEY")
            case .postgres: line.contains(" \(index)") || line.contains(" \(table)_pkey")
            }
        }
    }
}
