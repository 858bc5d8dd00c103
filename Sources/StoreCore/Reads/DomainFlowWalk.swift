import RegistryLedger
import RegistryModel

/// Part of the log as counts of domains read it. What is past doesn't change, so that the steps needn't be one
/// transaction.
///
/// Lines are added up here and not by the database: in the order of the log they are runs of the same few values, a
/// wave's all one, so that adding is comparing. `GROUP BY` would sort each step's lines anew, for neither engine knows
/// that times follow revisions, and the end of the step, which may lie within a wave, would take a statement more.
package struct DomainFlowWalk<Session: SQLSession>: ReadWalk {
    package typealias Source = Session

    private let last: Revision
    /// Lines that may still be read.
    private var rest: Int
    package private(set) var part: DomainFlowPart

    package init(after place: HistoryQuery.Place, through last: Revision, limit: Int) {
        self.last = last
        rest = limit
        part = DomainFlowPart(flow: DomainFlow(), place: place, isLast: false)
    }

    package var isDone: Bool { part.isLast || rest <= 0 }

    package mutating func advance(_ session: Session, _ budget: inout StepBudget) throws {
        try Head.read(session).check(last)
        let rows = min(rest, max(1, budget.rows))
        var lines = FlowLines(part)
        // CROSS JOIN keeps the order of SQLite's loops, so that the rows come out sorted and stop at their limit.
        try session.forEach(
            """
            SELECT c.revision, c.position, r.at, c.before_location, c.after_location
            FROM change_log c CROSS JOIN revision_log r
            WHERE r.revision = c.revision AND (c.revision, c.position) > ($1, $2) AND c.revision <= $3
            ORDER BY c.revision, c.position LIMIT $4
            """,
            [
                .number(part.place.revision.number), .number(part.place.position),
                .number(last.number), .number(rows),
            ]
        ) { try lines.add($0) }
        budget.take(rows)
        rest -= lines.count
        part = lines.finish()
        if lines.count < rows {
            part.place = HistoryQuery.Place(revision: last, position: .max)
            part.isLast = true
        }
    }
}

/// Lines of the log on their way to a flow: those that say the same are counted, and added at once.
private struct FlowLines {
    private var part: DomainFlowPart
    private(set) var count = 0
    private var run: Run?

    /// Lines one after the other, of one revision, with the same places.
    private struct Run {
        let revision: Revision
        let at: Timestamp
        let before: LocationName?
        let after: LocationName?
        var position: Int
        var lines = 1
    }

    init(_ part: DomainFlowPart) {
        self.part = part
    }

    mutating func add(_ row: SQLRow) throws {
        count += 1
        let (revision, position) = (try row.revision(0), try row.integer(1))
        if let run, run.revision == revision, row.holds(run.before, 3), row.holds(run.after, 4) {
            self.run?.lines += 1
            self.run?.position = position
            return
        }
        endRun()
        run = Run(
            revision: revision, at: try row.time(2), before: try row.locationIfPresent(3),
            after: try row.locationIfPresent(4), position: position)
    }

    private mutating func endRun() {
        guard let run else { return }
        part.flow.add(run.lines, from: run.before, to: run.after, in: run.revision, at: run.at)
        part.place = HistoryQuery.Place(revision: run.revision, position: run.position)
        self.run = nil
    }

    mutating func finish() -> DomainFlowPart {
        endRun()
        return part
    }
}

extension SQLRow {
    fileprivate func holds(_ location: LocationName?, _ column: Int) -> Bool {
        guard let location else { return isNull(column) }
        return holds(location.text, column)
    }

    fileprivate func locationIfPresent(_ column: Int) throws -> LocationName? {
        isNull(column) ? nil : try location(column)
    }
}

extension SQLStore {
    package func domainFlow(
        after place: HistoryQuery.Place, through last: Revision, limit: Int
    ) async throws(RegistryError) -> DomainFlowPart {
        try await walking(
            DomainFlowWalk(after: place, through: last, limit: limit), isPage: false
        ).part
    }
}
