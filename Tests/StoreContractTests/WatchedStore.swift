import RegistryLedger
import RegistryModel
import StoreCore

/// An engine whose reads are watched: each statement is planned, with the very values that it then runs with.
struct WatchedStore<Engine: SQLStore>: SQLStore {
    typealias Session = WatchedSession<Engine.Session>

    let engine: Engine
    let plans = Shared<[StatementPlan]>([])

    /// What the statements that `read` runs are planned as.
    func plans(
        of read: (any Store) async throws -> Void
    ) async throws -> [StatementPlan] {
        plans.change { $0 = [] }
        try await read(self)
        return plans.value
    }

    // MARK: - What every read goes through

    func reading<Value: Sendable>(
        _ lane: ReadLane, isRepeatable: Bool,
        _ read: @escaping @Sendable (Session) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await engine.reading(lane, isRepeatable: isRepeatable) { [plans] in
            try read(WatchedSession(session: $0, plans: plans))
        }
    }

    func asking<Value: Sendable>(
        _ lane: ReadLane, _ ask: @escaping @Sendable (Session) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await engine.asking(lane) { [plans] in
            try ask(WatchedSession(session: $0, plans: plans))
        }
    }

    func writing<Value: Sendable>(
        isRepeatable: Bool, _ write: @escaping @Sendable (Session) throws -> Value
    ) async throws(RegistryError) -> Value {
        try await engine.writing(isRepeatable: isRepeatable) { [plans] in
            try write(WatchedSession(session: $0, plans: plans))
        }
    }

    func time(_ session: Session) throws -> Timestamp { try engine.time(session.session) }

    // MARK: - The engine's own

    var suffixes: [FQDN] { engine.suffixes }
    var approval: ApprovalRule { engine.approval }
    var timeValue: SQLValue { engine.timeValue }
    var agentTime: SQLValue { engine.agentTime }
    var lanes: ReadLanes { engine.lanes }
    var dryRunLine: ReadLanes { engine.dryRunLine }

    func commit(_ request: CommitRequest) async throws(RegistryError) -> Committed {
        try await engine.commit(request)
    }

    func agents() async throws(RegistryError) -> [AgentRecord] { try await engine.agents() }

    func verify(
        _ noted: NotedDigest?, pace: VerificationPace,
        progress: @escaping @Sendable (VerificationProgress) -> Void
    ) async throws(RegistryError) -> Verification {
        try await engine.verify(noted, pace: pace, progress: progress)
    }

    func backup() async throws(RegistryError) -> StoreCopy { try await engine.backup() }

    func waitForFailure() async { await engine.waitForFailure() }

    func close() async { await engine.close() }
}

/// A statement, and the lines of the engine's plan for it.
struct StatementPlan: Sendable {
    var dialect: SQLDialect
    var sql: String
    var lines: [String]

    /// Tables that are small, and wanted whole; `looked` is the rows of one step, `asked` and `earlier` are a client's names or a
    /// webhook's actions, and `missed` is what it's behind, up to a bound.
    private static let small = [
        "head", "looked", "asked", "earlier", "missed", "agent", "location", "webhook",
        "webhook_progress", "CONSTANT ROW",
    ]

    /// What isn't a way along an index: a table that is walked, and rows that are sorted.
    var faults: [String] {
        switch dialect {
        case .sqlite:
            lines.filter { line in
                line.hasPrefix("SCAN")
                    && !Self.small.contains {
                        line == "SCAN \($0)" || line.hasPrefix("SCAN \($0) ")
                    } || line.contains("TEMP B-TREE")
            }
        case .postgres:
            lines.indices.filter { isWalk(lines[$0]) || isSort(at: $0) }.map { lines[$0] }
        }
    }

    private func isWalk(_ line: String) -> Bool {
        line.contains("Seq Scan on") && !isOfSmall(line)
    }

    private func isOfSmall(_ line: String) -> Bool {
        line.contains("Function Scan")
            || Self.small.contains { line.contains(" on \($0) ") || line.hasSuffix(" on \($0)") }
    }

    /// The rows of one step, or some that a limit has cut, may be put in order; all that there are, may not.
    private func isSort(at index: Int) -> Bool {
        guard lines[index].contains("Sort ") && lines[index].contains("cost=") else { return false }
        let depth = Self.depth(lines[index])
        let below = lines[(index + 1)...].prefix { Self.depth($0) > depth }
        return !below.contains { $0.contains("Limit ") }
            && below.contains {
                $0.contains("Scan") && !isOfSmall($0) && Self.rows($0) > StepBudget.step.rows
            }
    }

    /// How many PostgreSQL expects.
    private static func rows(_ line: String) -> Int {
        line.firstMatch(of: /rows=(\d+)/).flatMap { Int($0.1) } ?? .max
    }

    private static func depth(_ line: String) -> Int { line.prefix { $0 == " " }.count }
}

struct WatchedSession<Base: SQLSession>: SQLSession {
    let session: Base
    let plans: Shared<[StatementPlan]>

    static var dialect: SQLDialect { Base.dialect }

    private func plan(_ sql: String, _ values: [SQLValue]) throws {
        guard !sql.hasPrefix("EXPLAIN") else { return }
        let lines: [String]
        switch dialect {
        case .sqlite:
            lines = try session.rows("EXPLAIN QUERY PLAN \(sql)", values) { try $0.text(3) }
        case .postgres:
            // A session of readers prefers indexes, whatever they cost: here it may choose. All lies in memory.
            try Self.choose(session, isFree: true)
            lines = try session.rows("EXPLAIN \(sql)", values) { try $0.text(0) }
            try Self.choose(session, isFree: false)
        }
        let plan = StatementPlan(dialect: dialect, sql: sql, lines: lines)
        plans.change { $0.append(plan) }
    }

    private static func choose(_ session: Base, isFree: Bool) throws {
        for (setting, value) in [
            ("enable_seqscan", isFree ? "on" : "off"), ("random_page_cost", isFree ? "1" : "4"),
        ] {
            _ = try session.exists(
                "SELECT set_config($1, $2, false)", [.text(setting), .text(value)])
        }
    }

    func forEach(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) throws -> Void) throws {
        try plan(sql, values)
        try session.forEach(sql, values, body)
    }

    func run(_ sql: String, _ values: [SQLValue]) throws -> Int {
        try plan(sql, values)
        return try session.run(sql, values)
    }

    func script(_ sql: String) throws { try session.script(sql) }

    func scan(_ sql: String, _ values: [SQLValue]) throws -> Base.Scan {
        try plan(sql, values)
        return try session.scan(sql, values)
    }
}
