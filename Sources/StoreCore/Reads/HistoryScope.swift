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
