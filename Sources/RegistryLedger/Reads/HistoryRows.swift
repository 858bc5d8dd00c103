import RegistryModel

/// Revisions with something in common, in order: those of a token, of a migration, with an action, with a
/// location. Each is an index.
package struct RevisionList: Sendable, Hashable {
    package enum Source: Sendable {
        case actor, migration, facet
    }

    package let source: Source
    package let value: String

    package static func all(of query: HistoryQuery) -> [RevisionList] {
        [
            query.actor.map { RevisionList(source: .actor, value: $0) },
            query.migration.map { RevisionList(source: .migration, value: $0) },
            query.action.map { RevisionList(source: .facet, value: "action:\($0.rawValue)") },
            query.location.map { RevisionList(source: .facet, value: "location:\($0.text)") },
        ].compactMap(\.self)
    }
}

/// A stretch of the log along one index, in the order of a page.
package struct HistoryScope: Sendable {
    package enum Path: Sendable, Hashable {
        /// One domain's changes.
        case domain(FQDN)
        /// The changes of all revisions.
        case everything
        /// The changes of a list's revisions.
        case list(RevisionList)
    }

    package var path: Path
    package var order: HistoryQuery.Order
    /// Both included.
    package var revisions: ClosedRange<Int64>
    /// Of one revision: only what comes behind this position.
    package var position: Int?
}

/// An engine's log, as pages of history read it. Each of these is one statement along an index.
package protocol HistoryRows {
    func headRevision() throws -> Revision
    /// The first revision that isn't before `time`.
    func firstRevision(since time: Timestamp) throws -> Int64?
    /// The last revision before `time`.
    func lastRevision(before time: Timestamp) throws -> Int64?
    /// The first revision of the list from `place` on, towards `end`, both included.
    func next(
        _ list: RevisionList, from place: Int64, through end: Int64, _ order: HistoryQuery.Order
    ) throws -> Int64?
    /// How many changes a revision has.
    func changeCount(of revision: Int64) throws -> Int
    /// The place of a scope's row, counted from 1; nil where it has fewer.
    func place(of row: Int, in scope: HistoryScope) throws -> HistoryQuery.Place?
    /// The scope's rows that all of the query's filters take, at most `limit`.
    /// - Parameter rows: how many of the scope are looked at; nil: all, for each is taken.
    func items(
        _ scope: HistoryScope, _ query: HistoryQuery, among rows: Int?, limit: Int
    ) throws -> [HistoryItem]
}
