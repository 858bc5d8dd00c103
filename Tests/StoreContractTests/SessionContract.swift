import RegistryModel
import StoreCore
import Testing

/// What statements that are written once rely on.
@Suite("A session of an engine") struct SessionContract {
    /// Runs `body` beside the log.
    private static func session<Value: Sendable>(
        of engine: StoreUnderTest, _ body: @escaping @Sendable (any SQLSession) throws -> Value
    ) async throws -> Value {
        let found = Shared<Value?>(nil)
        try await engine.run { session in
            let store = try #require(session.store as? any SQLStore)
            let value = try await run(store, body)
            found.change { $0 = value }
        }
        return try #require(found.value)
    }

    private static func run<Value: Sendable>(
        _ store: some SQLStore, _ body: @escaping @Sendable (any SQLSession) throws -> Value
    ) async throws -> Value {
        try await store.writing(isRepeatable: false) { try body($0) }
    }

    @Test(arguments: StoreUnderTest.all)
    func `gives rows one after the other, also more than lie in memory at once`(
        engine: StoreUnderTest
    ) async throws {
        let count: Int64 = 25_000
        let rows = try await Self.session(of: engine) { session in
            var rows: [Int64] = []
            // Twice: the second time nothing of the first is in its way.
            for factor in [1, 2] as [Int64] {
                try session.stream(
                    """
                    WITH RECURSIVE n (i) AS (
                        SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                    SELECT i * $2 FROM n
                    """,
                    [.number(count), .number(factor)]
                ) { rows.append(try $0.number(0)) }
            }
            return rows
        }
        #expect(rows == Array(1...count) + (1...count).map { $0 * 2 })
    }

    @Test(arguments: StoreUnderTest.all)
    func `runs a statement for each list of values, and counts what all have written`(
        engine: StoreUnderTest
    ) async throws {
        let (changed, there, again) = try await Self.session(of: engine) { session in
            try session.run(
                "CREATE TEMP TABLE each_row (i \(session.dialect.number) PRIMARY KEY)", [])
            let values = (0..<2_500).map { [SQLValue.number($0)] }
            let sql = "INSERT INTO each_row VALUES ($1) ON CONFLICT DO NOTHING"
            let changed = try session.run(sql, each: values)
            let there = try session.count("SELECT count(*) FROM each_row")
            return (changed, there, try session.run(sql, each: values + [[.number(-1)]]))
        }
        #expect(changed == 2_500 && there == 2_500 && again == 1)
    }

    @Test(arguments: StoreUnderTest.all)
    func `reads lists of texts and numbers as tables, in their order`(
        engine: StoreUnderTest
    ) async throws {
        let texts = ["b", "", "a\"b\\c", "tab\tline\n", "ü😀", "\u{1}", "b"]
        let numbers: [Int64] = [3, .min, .max, 0, 3]
        let (foundTexts, foundNumbers) = try await Self.session(of: engine) { session in
            let dialect = session.dialect
            let found = try session.rows(
                "SELECT t.value, t.key FROM \(dialect.texts("$1", as: "t")) ORDER BY t.key",
                [.texts(texts)]
            ) { (try $0.text(0), try $0.integer(1) - dialect.firstKey) }
            #expect(found.map(\.1) == Array(texts.indices))
            return (
                found.map(\.0),
                try session.rows(
                    "SELECT n.value FROM \(dialect.numbers("$1", as: "n")) ORDER BY n.key",
                    [.numbers(numbers)]
                ) { try $0.number(0) }
            )
        }
        #expect(foundTexts == texts && foundNumbers == numbers)
    }
}
