import Logging
import RegistryModel
import Testing

@testable import RegistryService

@Suite("Agents of nodes that share a store", .timeLimit(.minutes(15))) struct SharedAgentsTests {
    private let clock = SettableClock()
    private let book: MemoryBook
    private let (a, b): (Node, Node)

    init() {
        book = MemoryBook(clock)
        a = Node(book)
        b = Node(book)
    }

    /// One node, as far as agents are concerned.
    private struct Node {
        let agents: SharedAgents
        let directory: AgentDirectory

        init(_ book: MemoryBook, limit: Int = 100) {
            directory = AgentDirectory(
                limit: limit, uptime: { [clock = book.clock] in clock.uptime })
            agents = SharedAgents(book, directory)
        }

        func hear(_ name: String, _ revision: Int64?, _ epoch: String = "e") async throws {
            try await agents.report(
                AgentName(canonical: name), applied: revision.map { at($0, epoch) })
        }

        /// `2 of 3; edge-c`
        func converged(_ revision: Int64, within limit: Duration = .zero) async throws -> String {
            let found = try await agents.convergence(at: at(revision), within: limit)
            let rest = found.isWhole ? "" : "; \(found.lagging.map(\.text).joined(separator: " "))"
            return "\(found.converged) of \(found.agents)\(rest)"
        }
    }

    @Test func `are in the store before their first report is answered`() async throws {
        try await a.hear("x", 7)
        #expect(book.texts == ["x 7"])
        #expect(try await b.converged(7) == "1 of 1")
        #expect(try await b.converged(8) == "0 of 1; x")
    }

    @Test func `make progress that the store hears of later, all of it in one write`() async throws
    {
        for name in ["x", "y", "z"] { try await a.hear(name, 1) }
        let before = book.writes.count
        for revision in 2...9 {
            for name in ["x", "y", "z"] { try await a.hear(name, Int64(revision)) }
        }
        #expect(book.writes.count == before, "no report waits for the store")
        #expect(try await b.converged(9) == "0 of 3; x y z")
        try await a.agents.save()
        #expect(book.writes.count == before + 1 && book.writes.last?.count == 3)
        #expect(try await b.converged(9) == "3 of 3")
        try await a.agents.save()
        #expect(book.writes.count == before + 1, "nothing new")
    }

    @Test func `take back what they said before, and the store knows at once`() async throws {
        try await a.hear("x", 9)
        try await a.hear("x", 5)
        #expect(book.texts == ["x 5"])
        try await a.hear("x", 9)
        try await a.hear("x", 9, "other")
        #expect(try await b.converged(9) == "0 of 1; x")
        try await a.hear("x", 9)
        try await a.hear("x", nil)
        #expect(book.texts == ["x -"])
    }

    @Test func `move to another node, and what the first one had of them counts no more`()
        async throws
    {
        try await a.hear("x", 1)
        try await a.hear("x", 9)
        // It has begun anew from an older copy before the first node wrote the 9.
        try await b.hear("x", 5)
        try await a.agents.save()
        #expect(book.texts == ["x 5"])
        for node in [a, b] { #expect(try await node.converged(9) == "0 of 1; x") }
        try await b.hear("x", 9)
        try await b.agents.save()
        for node in [a, b] { #expect(try await node.converged(9) == "1 of 1") }
    }

    @Test func `come back to the first node, and are heard there`() async throws {
        try await a.hear("x", 1)
        try await b.hear("x", 2)
        // Which doesn't know of it: this one is lost, and the next isn't.
        try await a.hear("x", 3)
        try await a.agents.save()
        #expect(book.texts == ["x 2"])
        try await a.hear("x", 4)
        #expect(book.texts == ["x 4"])

        // Once it has looked, none is lost.
        try await b.hear("x", 5)
        try await b.agents.save()
        try await b.hear("x", 6)
        #expect(book.texts == ["x 6"])
        try await a.agents.refresh()
        try await a.hear("x", 7)
        #expect(book.texts == ["x 7"])
    }

    @Test func `that go to and fro are written down at once`() async throws {
        try await a.hear("x", 1)
        try await b.hear("x", 2)
        try await a.hear("x", 3)
        try await a.agents.save()
        var lost = 0
        for revision in 4...20 {
            let node = revision % 2 == 0 ? b : a
            try await node.hear("x", Int64(revision))
            try await node.agents.save()
            if book.texts != ["x \(revision)"] { lost += 1 }
        }
        #expect(lost <= 1)
        // Until they stay with one.
        let writes = book.writes.count
        try await b.hear("x", 21)
        #expect(book.writes.count == writes + 1)
        clock.advance(by: .seconds(301))
        try await b.hear("x", 22)
        #expect(book.writes.count == writes + 1)
    }

    @Test func `lag when their lease is over, whichever node is asked, and until they're heard`()
        async throws
    {
        try await a.hear("x", 7)
        clock.advance(by: .seconds(30))
        try await a.hear("x", 7)
        clock.advance(by: .seconds(20))
        // Seen when it spoke, not when that was written.
        try await a.agents.save()
        clock.advance(by: .seconds(40))
        #expect(try await b.converged(7) == "1 of 1")
        clock.advance(by: .milliseconds(1))
        #expect(try await b.converged(7) == "0 of 1; x")
        // Its node is gone; it follows the other.
        try await b.hear("x", 7)
        #expect(try await b.converged(7) == "1 of 1")
        #expect(try await a.converged(7) == "1 of 1")
    }

    @Test func `aren't called converged from what a node remembers`() async throws {
        try await a.hear("x", 7)
        book.fail(with: .storeUnavailable)
        for node in [a, b] {
            await #expect(throws: RegistryError.storeUnavailable) { try await node.converged(7) }
            await #expect(throws: RegistryError.storeUnavailable) { try await node.agents.roll() }
            await #expect(throws: RegistryError.storeUnavailable) {
                try await node.converged(7, within: .milliseconds(60))
            }
        }
        book.fail(with: nil)
        #expect(try await b.converged(7) == "1 of 1")
    }

    @Test func `that are new, or take something back, are refused while the store is away`()
        async throws
    {
        try await a.hear("x", 7)
        book.fail(with: .storeUnavailable)
        try await a.hear("x", 8)
        await #expect(throws: RegistryError.storeUnavailable) { try await a.hear("y", 8) }
        await #expect(throws: RegistryError.storeUnavailable) { try await a.hear("x", 5) }
        // It came to the other node afterwards, with even less, and that is what counts.
        book.fail(with: nil)
        try await b.hear("x", 4)
        try await a.agents.save()
        #expect(book.texts == ["x 4"])
        try await a.hear("y", 8)
        #expect(book.texts == ["x 4", "y 8"])
    }

    @Test func `keep their progress through a write that fails or whose answer is lost`()
        async throws
    {
        try await a.hear("x", 7)
        try await a.hear("x", 8)
        book.fail(with: .overloaded)
        await #expect(throws: RegistryError.overloaded) { try await a.agents.save() }
        book.fail(with: nil)
        try await a.agents.save()
        #expect(book.texts == ["x 8"])

        try await a.hear("x", 9)
        book.loseNextAnswer()
        await #expect(throws: RegistryError.storeUnavailable) { try await a.agents.save() }
        try await a.agents.save()
        try await a.hear("x", 10)
        #expect(book.texts == ["x 10"])
    }

    @Test func `say more while the store is writing, in order`() async throws {
        try await a.hear("x", 7)
        try await a.hear("x", 8)
        let open = book.holdNextWrite()
        async let saving: Void = a.agents.save()
        while book.held == 0 { await Task.yield() }
        try await a.hear("x", 9)
        async let back: Void = a.hear("x", 3)
        async let other: Void = a.hear("y", 9)
        while a.agents.waiting < 2 { await Task.yield() }
        let writes = book.writes.count
        open.finish()
        _ = try await (saving, back, other)
        #expect(book.texts == ["x 3", "y 9"])
        #expect(book.writes.count == writes + 2, "what came meanwhile went together")
        try await a.hear("x", 9)
        try await a.agents.save()
        #expect(book.texts == ["x 9", "y 9"])
    }

    @Test func `are evicted at any node, and count again when they're heard at any`() async throws {
        try await a.hear("x", 7)
        clock.advance(by: .seconds(1))
        try await a.hear("x", 7)
        clock.advance(by: .seconds(1))
        _ = try await b.agents.evict(AgentName(canonical: "x"), by: .system, Note())
        try await a.agents.save()
        #expect(book.texts == ["x 7 evicted"], "that was said before")
        #expect(try await a.converged(9) == "0 of 0")
        clock.advance(by: .seconds(1))
        try await a.hear("x", 7)
        #expect(try await b.converged(9) == "0 of 1; x")
    }

    @Test func `come back in the very millisecond, where they speak to the node that evicted them`()
        async throws
    {
        try await a.hear("x", 7)
        _ = try await a.agents.evict(AgentName(canonical: "x"), by: .system, Note())
        #expect(book.texts == ["x 7 evicted"])
        try await a.hear("x", 7)
        #expect(book.texts == ["x 7"])
    }

    @Test func `that speak to a node which doesn't know of their eviction count again`()
        async throws
    {
        try await a.hear("x", 7)
        _ = try await b.agents.evict(AgentName(canonical: "x"), by: .system, Note())
        clock.advance(by: .seconds(1))
        try await a.hear("x", 7)
        try await a.agents.save()
        #expect(try await b.converged(7) == "1 of 1")
    }

    @Test func `are waited for across nodes`() async throws {
        try await a.hear("x", 1)
        try await b.hear("y", 1)
        async let answer = b.converged(2, within: .seconds(200))
        while b.directory.waits == 0 { await Task.yield() }
        try await b.hear("y", 2)
        book.fail(with: .storeUnavailable)
        try await a.hear("x", 2)
        await #expect(throws: RegistryError.storeUnavailable) { try await a.agents.save() }
        book.fail(with: nil)
        #expect(b.directory.waits == 1)
        try await a.agents.save()
        #expect(try await answer == "2 of 2")
    }

    @Test func `can't be more than there is room for`() async throws {
        let node = Node(book, limit: 1)
        try await node.hear("x", 1)
        await #expect(throws: RegistryError.tooManyAgents(limit: 1)) { try await node.hear("y", 1) }
        try await node.hear("x", 2)
        #expect(try await node.converged(2) == "1 of 2; *")
    }

    @Test func `are counted as of the last look`() async throws {
        try await a.hear("x", 1)
        try await a.agents.refresh()
        #expect(a.agents.counts() == (1, 0))
        clock.advance(by: .seconds(61))
        #expect(a.agents.counts() == (1, 1))
    }
}

private func at(_ revision: Int64, _ epoch: String = "e") -> Position {
    Position(epoch: Epoch(epoch), revision: Revision(revision))
}
