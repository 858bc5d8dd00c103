/// One line of the log, as far as a copy of the routing table needs it.
public struct TableChange: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case domain(RevisionChanges.DomainChange)
        case location(RevisionChanges.LocationChange)
        /// A token or a migration: nothing that the table holds.
        case other
    }

    public var place: HistoryQuery.Place
    public var kind: Kind

    public init(_ kind: Kind, at place: HistoryQuery.Place) {
        self.kind = kind
        self.place = place
    }
}
