import Logging
import RegistryModel
import Testing

@testable import RegistryService

@Suite("What agents say to one node of several", .timeLimit(.minutes(15)))
struct AgentReportsTests {
    private let clock = SettableClock()
    private let book: MemoryBook
    private let agents: SharedAgents
    private let edge = AgentName(canonical: "edge")

    init() {
        book = MemoryBook(clock)
        let clock = clock
        agents = SharedAgents(book, AgentDirectory(uptime: { clock.uptime }))
    }

    private func hear(_ revision: Int64) async throws {
        try await agents.report(
            edge, applied: Position(epoch: Epoch("e"), revision: Revision(revision)))
    }

    /// Runs what writes it down around `body`, and ends it in order.
    private func writing(
        every beat: Duration, _ body: () async throws -> Void
    ) async throws {
        let reports = AgentReports(
            agents, every: beat, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reports.run() }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func poll(_ probe: () -> Bool) async throws {
        while !probe() { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test func `is written down soon where it's progress, a lot of it in a few writes`()
        async throws
    {
        try await hear(1)
        try await writing(every: .seconds(3600)) {
            for revision in 2...500 { try await hear(Int64(revision)) }
            try await poll { book.texts == ["edge 500"] }
            #expect(book.writes.count < 250)
            book.fail(with: .storeUnavailable)
            try await hear(501)
            try await poll { book.refusals > 0 }
            book.fail(with: nil)
            try await poll { book.texts == ["edge 501"] }
        }
    }

    @Test func `is written down now and then where it's nothing new`() async throws {
        try await hear(1)
        clock.advance(by: .seconds(9))
        try await writing(every: .milliseconds(2)) {
            try await hear(1)
            try await poll { book.writes.count == 2 }
            #expect(try await book.agents().map(\.lastSeen) == [clock.now])
            let node = SharedAgents(book, AgentDirectory(uptime: { [clock] in clock.uptime }))
            try await node.report(edge, applied: nil)
            // It looks what other nodes hear, too: the next one is written at once.
            try await poll { !agents.speaks(for: edge) }
        }
    }

    @Test func `is written down at the end`() async throws {
        try await hear(1)
        try await writing(every: .seconds(3600)) {
            try await hear(1)
            clock.advance(by: .seconds(5))
            try await hear(1)
            #expect(book.writes.count == 1)
        }
        #expect(book.writes.count == 2)
    }
}
