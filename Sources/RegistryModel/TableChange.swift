/// One line of the log, as far as a copy of the routing table needs it.
public struct TableChange: Sendable, Hashable {
    public enum What: Sendable, Hashable {
        case domain(RevisionChanges.DomainChange)
        case location(RevisionChanges.LocationChange)
        /// A token or a migration: nothing that the table holds.
        case other
    }

    public var place: HistoryQuery.Place
    public var what: What

    public init(_ what: What, at place: HistoryQuery.Place) {
        self.what = what
        self.place = place
    }
}
