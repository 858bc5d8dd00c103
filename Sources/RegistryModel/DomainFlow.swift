/// By how much the number of live domains of each location grew or shrank in a stretch of the log, hour by hour.
///
/// It's a reading of the log's lines and nothing else: what came to a place (registered, moved, rolled back, restored)
/// counts up there, what left it counts down. Names that are held were nowhere.
public struct DomainFlow: Sendable, Equatable {
    /// What happened in one hour, or in the part of it that the stretch has.
    public struct Hour: Sendable, Equatable {
        /// The hour's end in UTC, which belongs to it; its beginning doesn't: so a moment's counts are as of the last
        /// revision whose time isn't after it, as everywhere else.
        public let end: Timestamp
        /// The last revision in it, and its time.
        public fileprivate(set) var revision: Revision
        public fileprivate(set) var at: Timestamp
        /// Below zero where more left than came. A location that isn't there has neither, or as many.
        public fileprivate(set) var changes: [LocationName: Int] = [:]
    }

    /// In order. An hour without a revision isn't there; one without a change of any count is.
    public private(set) var hours: [Hour] = []

    public init() {}

    /// Adds lines of one revision that came from the same place and went to the same.
    ///
    /// Times never go back along the log: the ledger gives no revision an earlier one than the head's, and the schema
    /// lets no head go back. Were one earlier all the same, it would count to the hour of those before it: the counts at
    /// the end are the table's in any case.
    ///
    /// - Parameters:
    ///   - before: nil: they were in no place.
    ///   - after: nil: they are in none.
    package mutating func add(
        _ lines: Int, from before: LocationName?, to after: LocationName?, in revision: Revision,
        at time: Timestamp
    ) {
        var hour = Hour(end: time.roundedUp(to: .hour), revision: revision, at: time)
        if before != after {
            if let before { hour.changes[before] = -lines }
            if let after { hour.changes[after] = lines }
        }
        add(hour)
    }

    /// Adds what came behind all that is there.
    package mutating func add(_ later: DomainFlow) {
        for hour in later.hours { add(hour) }
    }

    private mutating func add(_ hour: Hour) {
        guard let last = hours.indices.last, hours[last].end >= hour.end else {
            return hours.append(hour)
        }
        hours[last].revision = hour.revision
        hours[last].at = max(hours[last].at, hour.at)
        for (location, domains) in hour.changes {
            let sum = hours[last].changes[location, default: 0] + domains
            hours[last].changes[location] = sum == 0 ? nil : sum
        }
    }
}

/// A stretch of the log, and where it ended.
public struct DomainFlowPart: Sendable, Equatable {
    public var flow: DomainFlow
    /// The last line that was read: the next part begins behind it.
    public var place: HistoryQuery.Place
    /// Whether that was the last line of what was asked for.
    public var isLast: Bool

    public init(flow: DomainFlow, place: HistoryQuery.Place, isLast: Bool) {
        (self.flow, self.place, self.isLast) = (flow, place, isLast)
    }
}
