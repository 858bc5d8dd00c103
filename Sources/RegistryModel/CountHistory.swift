/// How many domains each location had at the end of each hour, day or week: what a chart draws.
public struct CountHistoryQuery: Sendable, Hashable {
    /// How far apart two moments are, all in UTC. Weeks begin on Monday.
    public enum Step: String, Sendable, CaseIterable {
        case hour, day, week

        fileprivate var milliseconds: Int64 {
            switch self {
            case .hour: 3_600_000
            case .day: 86_400_000
            case .week: 604_800_000
            }
        }

        /// When one of the steps began: 1970-01-01 was a Thursday.
        fileprivate var origin: Int64 { self == .week ? 4 * Step.day.milliseconds : 0 }
    }

    public var step: Step
    /// Nil: from the first revision on.
    public var since: Timestamp?
    /// Nil: until now, which is also what a later time means.
    public var until: Timestamp?

    /// Moments in one answer.
    public static let maximumMoments = 10_000
    /// Counts in one answer: of each moment, one for each location. They are some 10 MB as JSON.
    public static let maximumCounts = 250_000

    public init(step: Step = .day, since: Timestamp? = nil, until: Timestamp? = nil) {
        (self.step, self.since, self.until) = (step, since, until)
    }

    /// The moments that an answer has: each end of a step from `since` on and before `until`, and `until`.
    ///
    /// - Parameters:
    ///   - first: the end of the first hour that the log has; nil: it's empty.
    ///   - now: later than which nothing is known.
    /// - Throws: `tooManyMoments`.
    package func moments(
        first: Timestamp?, now: Timestamp
    ) throws(RegistryError) -> [Timestamp] {
        let until = min(until ?? now, now)
        let since = since ?? min(first ?? until, until)
        guard since <= until else { return [] }
        let start = since.roundedUp(to: step)
        guard start < until else { return [until] }
        let (span, overflows) = until.milliseconds.subtractingReportingOverflow(start.milliseconds)
        let steps = overflows ? .max - 1 : (span - 1) / step.milliseconds + 1
        guard steps < Self.maximumMoments else { throw tooMany("\(steps + 1) moments") }
        return (0..<steps).map {
            Timestamp(milliseconds: start.milliseconds + $0 * step.milliseconds)
        } + [until]
    }

    /// - Throws: `tooManyMoments`.
    package func check(moments: Int, locations: Int) throws(RegistryError) {
        guard moments * locations > Self.maximumCounts else { return }
        throw tooMany("\(moments) moments of \(locations) locations")
    }

    private func tooMany(_ asked: String) -> RegistryError {
        .tooManyMoments(asked, parameter: since == nil ? "step" : "since")
    }
}

/// How many domains each location had at one moment.
public struct CountMoment: Sendable, Hashable {
    public struct Count: Sendable, Hashable {
        public var location: LocationName
        public var domains: Int

        public init(_ location: LocationName, _ domains: Int) {
            (self.location, self.domains) = (location, domains)
        }
    }

    public var at: Timestamp
    /// The last one whose time isn't after `at`; 0 before the first one.
    public var revision: Revision
    /// By name. Every moment of an answer has the same locations: those that have a domain at one of them.
    public var counts: [Count]

    public init(at: Timestamp, revision: Revision, counts: [Count]) {
        (self.at, self.revision, self.counts) = (at, revision, counts)
    }
}

extension Timestamp {
    /// The end of the step that it's in; itself where it is one. The last moment that there is, where that lies beyond.
    package func roundedUp(to step: CountHistoryQuery.Step) -> Timestamp {
        let (length, origin) = (step.milliseconds, step.origin)
        let (offset, isBefore) = milliseconds.subtractingReportingOverflow(origin)
        guard !isBefore else { return self }
        let rest = offset % length
        guard rest != 0 else { return self }
        let (end, isBeyond) = milliseconds.addingReportingOverflow(
            rest < 0 ? -rest : length - rest)
        return Timestamp(milliseconds: isBeyond ? .max : end)
    }
}
