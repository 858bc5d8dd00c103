import PostgresServer
import PostgresStore
import RegistryModel
import Testing

/// Errors of the server in the middle of a commit, as the real ones come: raised where it writes, or
/// where it commits.
@Suite("A commit that the database refuses", .timeLimit(.minutes(10))) struct RefusedCommitTests {
    enum Moment: String, CaseIterable, CustomTestStringConvertible {
        /// Where the command looks at what it has written, before the commit begins.
        case earlier
        case statement, commit
        var testDescription: String { rawValue }

        fileprivate var table: String { self == .earlier ? "location" : "revision_log" }
        fileprivate var deferral: String { self == .commit ? "DEFERRABLE INITIALLY DEFERRED" : "" }

        /// A command that comes to this place.
        fileprivate func command(_ number: Int) -> Command {
            let kind: FailureTests.Kind = self == .earlier ? .location : .register
            return kind.command(number)
        }
    }

    struct Trouble: CustomTestStringConvertible, Sendable {
        var name: String
        /// What happens in the server.
        var act: String
        /// Nil where the commit is tried again, and done.
        var answer: RegistryError?

        var testDescription: String { name }

        static func error(_ state: String, _ name: String, _ answer: RegistryError?) -> Trouble {
            Trouble(
                name: name, act: "RAISE EXCEPTION 'injected' USING ERRCODE = '\(state)'",
                answer: answer)
        }
    }

    static let troubles: [Trouble] = [
        .error("40001", "serialization failure", nil),
        .error("40P01", "deadlock", nil),
        .error("25006", "read-only transaction", nil),
        Trouble(
            name: "the session is ended",
            act: "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(60)", answer: nil),
        Trouble(
            name: "the statement is cancelled",
            act: "PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(60)", answer: .overloaded),
        .error("53100", "disk full", .storageFull),
        .error("53200", "out of memory", .overloaded),
        .error("55P03", "lock not available", .overloaded),
        .error("23514", "check violation", .inconsistent),
        .error("XX000", "internal error", .inconsistent),
    ]

    /// Makes the server do it the first `times` times: a sequence isn't rolled back.
    private func install(
        _ act: String, at moment: Moment, times: Int, _ database: TestDatabase
    ) async throws {
        try await database.run(
            """
            CREATE SEQUENCE hiccup;
            CREATE FUNCTION hiccup() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('hiccup') <= \(times) THEN \(act); END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER hiccup AFTER INSERT OR UPDATE ON \(moment.table)
                \(moment.deferral) FOR EACH ROW EXECUTE FUNCTION hiccup();
            """)
    }

    private func remove(_ database: TestDatabase) async throws {
        try await database.run("DROP FUNCTION hiccup() CASCADE; DROP SEQUENCE hiccup")
    }

    @Test(arguments: troubles, Moment.allCases)
    func `is done in the end or isn't there, as its writer is told`(
        trouble: Trouble, moment: Moment
    ) async throws {
        let database = try await TestDatabase()
        let node = try await Node(database.url)
        try await node.run(new("before.example"))
        try await install(trouble.act, at: moment, times: 1, database)
        var answer: RegistryError?
        do throws(RegistryError) {
            let committed = try await node.run(moment.command(1))
            #expect(committed.revision == Revision(2) && !committed.isReplay)
        } catch {
            answer = error
        }
        #expect(answer == trouble.answer)
        let isThere = trouble.answer == nil
        #expect(try await node.store.head().revision == Revision(isThere ? 2 : 1))

        let after = try await node.run(moment.command(isThere ? 2 : 1))
        #expect(after.revision == Revision(isThere ? 3 : 2))
        try await node.reaches(after.revision)
        #expect(node.told.revisions == Array(1...after.revision.number))
        #expect(try await database.run("SELECT last_value >= 2 FROM hiccup") == [["t"]])
        try await remove(database)
        #expect(try await node.store.verify(nil) { _ in }.isGood)
        await node.store.close()
        try await database.drop()
    }

    @Test func `because of others is tried again for all who share it`() async throws {
        let database = try await TestDatabase()
        let nodes = [try await Node(database.url), try await Node(database.url)]
        try await install(Self.troubles[0].act, at: .commit, times: 5, database)
        let revisions = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await nodes[number % 2].run(new("n\(number).example")).revision.number
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(revisions.sorted() == Array(1...40))
        for node in nodes {
            try await node.reaches(Revision(40))
            #expect(node.told.revisions == Array(1...40))
            await node.store.close()
        }
        try await database.drop()
    }

    @Test func `again and again is given up in time`() async throws {
        let database = try await TestDatabase()
        let node = try await Node(database.url) { $0.grace = .milliseconds(300) }
        try await install(Self.troubles[0].act, at: .statement, times: 1_000_000, database)
        await #expect(throws: RegistryError.overloaded) { try await node.run(new("a.example")) }
        #expect(try await database.run("SELECT last_value > 1 FROM hiccup") == [["t"]])
        try await remove(database)
        #expect(try await node.run(new("a.example")).revision == Revision(1))
        await node.store.close()
        try await database.drop()
    }
}
