import RegistryModel

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

    package var page: Page<TableChange> {
        Page(items: Array(changes.prefix(limit)), hasMore: changes.count > limit)
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
