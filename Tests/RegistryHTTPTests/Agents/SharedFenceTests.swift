import RegistryModel
import Testing

@testable import RegistryService

/// Leases that several nodes give, and what they make of agents that are silent.
@Suite("A fence of nodes that share a store", .timeLimit(.minutes(15))) struct SharedFenceTests {
    private static let edge = AgentName(canonical: "edge")
    private static let bound = FenceRule().bound

    private let clock = SettableClock()
    private let book: MemoryBook
    private let (a, b): (SharedAgents, SharedAgents)

    init() {
        book = MemoryBook(clock)
        (a, b) = (Self.node(book), Self.node(book))
    }

    private static func node(_ book: MemoryBook) -> SharedAgents {
        SharedAgents(book, AgentDirectory(uptime: { [clock = book.clock] in clock.uptime }))
    }

    /// `20.0 s to 1`.
    private func report(
        _ node: SharedAgents, _ revision: Int64, run: String = "r1"
    ) async throws -> String {
        let lease = try await node.report(Self.edge, applied: position(revision), fences: run)
        return lease.map { "\($0.length / .seconds(1)) s to \($0.head)" } ?? "none"
    }

    private func position(_ revision: Int64) -> Position {
        Position(epoch: Epoch("e"), revision: Revision(revision))
    }

    /// Of an announcement at 5 and a freeze at 6.
    private func standing(at node: SharedAgents) async throws -> String {
        let question = FenceQuestion(
            epoch: Epoch("e"), announcement: Revision(5), freeze: Revision(6))
        let safety = try await node.safety(of: question, within: .zero)
        return safety.applied == 1 ? "applied" : safety.fenced == 1 ? "fenced" : "unsafe"
    }

    @Test func `gives leases that are as much shorter as what is in the store is older`()
        async throws
    {
        #expect(try await report(a, 1) == "20.0 s to 1")
        let writes = book.writes.count
        clock.advance(by: .seconds(3))
        book.write(through: 4)
        #expect(try await report(a, 1) == "17.0 s to 1")
        #expect(book.writes.count == writes, "nothing new was said")
        clock.advance(by: .seconds(17))
        #expect(try await report(a, 1) == "none")
        try await a.save()
        #expect(try await report(a, 1) == "20.0 s to 4")
    }

    /// It was judged by what the one before it had said.
    @Test func `gives nothing to a process for what another of its name was heard to say`()
        async throws
    {
        _ = try await report(a, 4)
        clock.advance(by: .seconds(2))
        book.write(through: 6)
        let writes = book.writes.count
        #expect(try await report(a, 4, run: "r2") == "20.0 s to 6")
        #expect(book.writes.count == writes + 1)
    }

    @Test func `gives nothing where the store can't be asked`() async throws {
        book.fail(with: .storeUnavailable)
        await #expect(throws: RegistryError.storeUnavailable) { try await report(a, 1) }
    }

    @Test func `is judged by who heard the agent last, and as long as a lease may run`()
        async throws
    {
        _ = try await report(a, 5)
        #expect(try await standing(at: b) == "unsafe")
        clock.advance(by: .seconds(10))
        _ = try await report(b, 5)
        #expect(try await standing(at: a) == "unsafe")
        clock.advance(by: Self.bound - .milliseconds(1))
        #expect(try await standing(at: a) == "unsafe")
        clock.advance(by: .milliseconds(2))
        #expect(try await standing(at: a) == "fenced")
        _ = try await report(b, 6)
        try await b.save()
        #expect(try await standing(at: a) == "applied")
    }

    /// The database's clock may have been set: a node must have seen for as long that nothing was heard.
    @Test func `isn't judged by the database's clock alone`() async throws {
        _ = try await report(a, 5)
        clock.advance(by: .seconds(3_600))
        let late = Self.node(book)
        #expect(try await standing(at: late) == "unsafe")
        clock.advance(by: Self.bound)
        #expect(try await standing(at: late) == "fenced")
    }

    @Test func `isn't for one that didn't know of it, or can't`() async throws {
        _ = try await report(a, 4)
        try await a.report(AgentName(canonical: "maps"), applied: position(5))
        #expect(try await standing(at: b) == "unsafe")
        clock.advance(by: Self.bound)
        let question = FenceQuestion(
            epoch: Epoch("e"), announcement: Revision(5), freeze: Revision(6))
        let safety = try await b.safety(of: question, within: .zero)
        #expect(safety.unsafe.map(\.text) == ["edge", "maps"] && safety.agents == 2)
    }
}
