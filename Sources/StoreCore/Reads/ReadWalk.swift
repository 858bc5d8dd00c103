import RegistryLedger
import RegistryModel

/// A read that may have to look at many rows: it goes in steps, each a short transaction of its own, and
/// gives its connection back between two of them.
package protocol ReadWalk: Sendable {
    /// What a step reads from.
    associatedtype Source

    var isDone: Bool { get }
    /// Looks at some rows more, as many as the budget allows.
    mutating func advance(_ source: Source, _ budget: inout StepBudget) throws
}

/// What one step may do: rows, for that's what it costs, and time, for what a row costs isn't known.
package struct StepBudget: Sendable {
    /// How many rows may still be looked at.
    package private(set) var rows: Int
    private let end: ContinuousClock.Instant

    package init(rows: Int, time: Duration = .milliseconds(20)) {
        self.rows = rows
        end = .now + time
    }

    /// The first look, along an index where there is one: a page, most of the time all of it. Its rows are
    /// few, and so its time is only for the worst.
    package static var first: StepBudget { StepBudget(rows: 1_500, time: .seconds(1)) }
    /// Some 5 ms.
    package static var step: StepBudget { StepBudget(rows: 4_000) }

    package mutating func take(_ rows: Int) {
        self.rows -= rows
    }

    /// Asked after something has been looked at: a step always gets on.
    package var isSpent: Bool { rows <= 0 || ContinuousClock.now >= end }
}

extension ReadLanes {
    /// A page of a list has at most so many items; what asks for more is part of something long, and
    /// goes in steps from the beginning.
    package static let pageSize = 1_000

    /// Walks to the end: a first short look in the quick lane, then step by step.
    ///
    /// - Parameters:
    ///   - isPage: whether a client waits for one page, and not for a part of a long answer.
    ///   - step: makes one step on a connection of the lane.
    /// - Throws: `overloaded` where too many walk, or the walk takes too long, was cancelled, or is for nobody
    ///   any more.
    package func walk<Walk: ReadWalk>(
        _ walk: Walk, isPage: Bool,
        step: (ReadLane, Walk, StepBudget) async throws(RegistryError) -> Walk
    ) async throws(RegistryError) -> Walk {
        var walk = walk
        if isPage {
            walk = try await step(.quick, walk, .first)
            guard !walk.isDone else { return walk }
            try beginWalk()
        }
        defer { if isPage { endWalk() } }
        let end = ContinuousClock.now + limits.walkTime
        repeat {
            guard ReaderPresence.current?.isThere() ?? true, !isPage || ContinuousClock.now < end
            else {
                throw .overloaded
            }
            walk = try await step(.walk, walk, .step)
            noteStep()
        } while !walk.isDone
        return walk
    }
}

/// Many names as of a revision, in the order of asking.
package struct NamesWalk<Session: SQLSession>: ReadWalk {
    package typealias Source = Session

    private let names: [FQDN]
    private let revision: Revision
    package private(set) var found: [Domain?] = []

    package init(_ names: [FQDN], at revision: Revision) {
        (self.names, self.revision) = (names, revision)
    }

    package var isDone: Bool { found.count == names.count }

    package mutating func advance(_ session: Session, _ budget: inout StepBudget) throws {
        try Head.read(session).check(revision)
        let next = Array(names[found.count...].prefix(max(1, budget.rows)))
        guard !next.isEmpty else { return }
        found += try Domain.read(session, next, at: revision)
        budget.take(next.count)
    }
}

/// Part of the log as copies of the table read it. What is past doesn't change, so that the steps needn't be one
/// transaction.
package struct TableChangesWalk<Session: SQLSession>: ReadWalk {
    package typealias Source = Session

    private var place: HistoryQuery.Place
    private let last: Revision
    private let limit: Int
    private var changes: [TableChange] = []
    package private(set) var isDone = false

    package init(after place: HistoryQuery.Place, through last: Revision, limit: Int) {
        (self.place, self.last, self.limit) = (place, last, limit)
    }

    /// One row more than asked for tells whether there is a next page.
    private var missing: Int { limit == .max ? .max : limit + 1 - changes.count }

    package consuming func page() -> Page<TableChange> {
        Page(first: limit, takenFrom: &changes)
    }

    package mutating func advance(_ session: Session, _ budget: inout StepBudget) throws {
        let rows = min(missing, budget.rows)
        let found = try LogReader.lines(session, after: place, through: last, limit: rows)
        budget.take(rows)
        changes += found.map { TableChange($0) }
        place = found.last?.place ?? place
        isDone = found.count < rows || missing <= 0
    }
}
