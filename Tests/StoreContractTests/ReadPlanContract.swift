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
        for number in 0..<600 {
            try await session.commit(.createToken(token("t\(number)")))
            let wanted = NewDomain(fqdn: fqdn("held\(number).example"), tenant: "t")
            try await session.commit(.hold(wanted, for: .seconds(60 + number)))
            _ = try await session.store.zoneSerial(
                of: fqdn("zone\(number).example"), digest: [1], at: Revision(1), above: 0)
        }
        for number in 0..<20 {
            try await session.commit(
                .putWebhook(
                    webhookName("chat-\(number)"), chat(.moved, .released), secret: nil,
                    spare: .random()))
        }
        for number in 0..<200 {
            let migration = try await session.plan(plan("m-\(number)", [number]))
            try await session.approve(of: migration)
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
