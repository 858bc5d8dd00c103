import RegistryLedger
import RegistryModel

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
