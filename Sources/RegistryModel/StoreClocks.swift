/// The two clocks of a store, which have two jobs.
///
/// The log's stamps never go back: a clock that once ran ahead leaves them ahead. What is to happen
/// later, or lasts for a while, is set and judged by the time that it is.
public struct StoreClocks: Sendable, Hashable {
    /// The head's stamp: no row of the log has a later one.
    public var stamp: Timestamp
    /// The time that it is, by which the store sets and judges deadlines, quarantines and ages.
    public var now: Timestamp

    public init(stamp: Timestamp, now: Timestamp) {
        self.stamp = stamp
        self.now = now
    }

    /// How far the log is ahead of the clock; zero where it isn't.
    public var ahead: Duration { max(.zero, stamp.since(now)) }
}

/// How many live domains each location has, in a node's memory, and at which revision; nil until the
/// table is loaded. A location that isn't named has none.
public typealias DomainCounts = @Sendable () -> Read<[LocationName: Int]>?
