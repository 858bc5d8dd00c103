import AsyncWaiting
import RegistryModel
import Synchronization

extension RegistryService {
    /// How many domains each location had at the end of each step, from the log.
    ///
    /// The log is read once, up to what this node's table has: the first call takes as long as the log is long, later ones
    /// as long as what was written since. One reads at a time, for all of them need the same; and a caller that goes away
    /// leaves what was read to the next one.
    ///
    /// - Throws: `tooManyMoments`.
    public func countHistory(
        _ query: CountHistoryQuery
    ) async throws(RegistryError) -> Read<[CountMoment]> {
        guard await countLog.turn.enter() else { throw .overloaded }
        defer { countLog.turn.leave() }
        let position = try position()
        let series = try await series(through: position)
        let now = max(now(), series.latest ?? now())
        let moments = try query.moments(first: series.hours.first?.end, now: now)
        let found = try series.moments(
            at: moments, query, ending: await tail(series, at: moments.last))
        return Read(found, at: position)
    }

    private func series(
        through position: Position
    ) async throws(RegistryError) -> DomainCountSeries {
        var series = countLog.series(of: position.epoch)
        while series.revision < position.revision {
            series.add(
                try await store.domainFlow(
                    after: series.place, through: position.revision,
                    limit: DomainCountSeries.linesAtOnce))
            countLog.keep(series)
        }
        return series
    }

    /// What happened in the hour of a moment until then, where that hour goes on after it: the series has hours whole.
    private func tail(
        _ series: DomainCountSeries, at moment: Timestamp?
    ) async throws(RegistryError) -> DomainFlow.Hour? {
        guard let moment, let before = series.revision(beforeHourOf: moment) else { return nil }
        let last = try await store.revision(at: moment)
        var (flow, place) = (DomainFlow(), HistoryQuery.Place(revision: before, position: .max))
        while place.revision < last {
            let part = try await store.domainFlow(
                after: place, through: last, limit: DomainCountSeries.linesAtOnce)
            flow.add(part.flow)
            place = part.isLast ? .init(revision: last, position: .max) : part.place
        }
        return flow.hours.last
    }
}

/// What has been read of the log for the history of counts, and whose turn it is to read on.
package final class CountLog: Sendable {
    let turn = AsyncLock()
    private let kept = Mutex<DomainCountSeries?>(nil)

    package init() {}

    /// A new one where the log is another than the last time.
    package func series(of epoch: Epoch) -> DomainCountSeries {
        guard let known = kept.withLock({ $0 }), known.epoch == epoch else {
            return DomainCountSeries(epoch)
        }
        return known
    }

    package func keep(_ series: DomainCountSeries) {
        kept.withLock { $0 = series }
    }
}

/// By how much the number of domains of each location grew or shrank in each hour of one epoch's log, as far as it has
/// been read.
///
/// Memory: 24 bytes for each hour in which something was written, and 16 for each location whose number changed in it.
/// Ten years in which two locations change every hour are some 5 MB.
package struct DomainCountSeries: Sendable {
    struct Hour: Sendable {
        let end: Timestamp
        /// The last one in it.
        var revision: Revision
        /// Where its changes begin; they end where the next hour's do.
        let start: Int
    }

    private struct Change: Sendable {
        let location: Int
        var domains: Int
    }

    /// Lines that are asked for at once. What has been read is kept then, whoever asked.
    static let linesAtOnce = 100_000

    let epoch: Epoch
    /// How far the log has been read.
    package private(set) var place = HistoryQuery.Place(revision: .zero, position: .max)
    /// The last revision of which all has been read.
    private(set) var revision = Revision.zero
    /// The time of the last revision.
    private(set) var latest: Timestamp?
    private(set) var hours: [Hour] = []
    private var changes: [Change] = []
    private var names: [LocationName] = []
    private var numbers: [LocationName: Int] = [:]
    /// Where the last hour's change of a location is: it may grow still.
    private var open: [Int: Int] = [:]

    package init(_ epoch: Epoch) {
        self.epoch = epoch
    }

    /// Adds what the log says behind `place`.
    package mutating func add(_ part: DomainFlowPart) {
        for hour in part.flow.hours { add(hour) }
        place = part.place
        if part.isLast { revision = part.place.revision }
    }

    private mutating func add(_ hour: DomainFlow.Hour) {
        latest = max(latest ?? hour.at, hour.at)
        if hours.last.map({ $0.end < hour.end }) ?? true {
            open = [:]
            hours.append(Hour(end: hour.end, revision: hour.revision, start: changes.count))
        }
        hours[hours.count - 1].revision = hour.revision
        for (name, domains) in hour.changes {
            let location = number(of: name)
            if let known = open[location] {
                changes[known].domains += domains
            } else {
                open[location] = changes.count
                changes.append(Change(location: location, domains: domains))
            }
        }
    }

    private mutating func number(of name: LocationName) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }

    /// The last revision before the hour that a moment is in, where that hour has later ones than the moment; nil: the
    /// moment's counts are those at the end of an hour.
    func revision(beforeHourOf moment: Timestamp) -> Revision? {
        let end = moment.roundedUp(to: .hour)
        guard moment < end, let latest, moment < latest else { return nil }
        let index = hours.partitioningIndex { $0.end >= end }
        guard index < hours.count, hours[index].end == end else { return nil }
        return index == 0 ? .zero : hours[index - 1].revision
    }

    /// The counts at moments that are each the end of an hour, but for the last one.
    ///
    /// - Parameters:
    ///   - moments: in order.
    ///   - part: of the last one's hour, where that isn't whole.
    /// - Throws: `tooManyMoments`.
    package func moments(
        at moments: [Timestamp], _ query: CountHistoryQuery, ending part: DomainFlow.Hour?
    ) throws(RegistryError) -> [CountMoment] {
        var isUsed = Array(repeating: false, count: names.count)
        walk(moments, part) { _, _, counts in
            for index in counts.indices where counts[index] != 0 { isUsed[index] = true }
        }
        let shown = names.indices.filter { isUsed[$0] }.sorted { names[$0] < names[$1] }
        try query.check(moments: moments.count, locations: shown.count)
        var found: [CountMoment] = []
        found.reserveCapacity(moments.count)
        walk(moments, part) { moment, revision, counts in
            found.append(
                CountMoment(
                    at: moment, revision: revision,
                    counts: shown.map { CountMoment.Count(names[$0], counts[$0]) }))
        }
        return found
    }

    private func walk(
        _ moments: [Timestamp], _ part: DomainFlow.Hour?,
        _ body: (Timestamp, Revision, [Int]) -> Void
    ) {
        var counts = Array(repeating: 0, count: names.count)
        var (revision, index) = (Revision.zero, 0)
        for (number, moment) in moments.enumerated() {
            // The last hour that was read isn't over yet, and all of it is at the last moment, or before.
            let isLatest = latest.map { moment >= $0 } ?? true
            while index < hours.count, isLatest || hours[index].end <= moment {
                let end = index + 1 < hours.count ? hours[index + 1].start : changes.count
                for change in changes[hours[index].start..<end] {
                    counts[change.location] += change.domains
                }
                revision = hours[index].revision
                index += 1
            }
            if number == moments.count - 1, let part {
                for (name, domains) in part.changes {
                    if let location = numbers[name] { counts[location] += domains }
                }
                revision = part.revision
            }
            body(moment, revision, counts)
        }
    }
}

extension Array {
    /// The first index of an element that `isBehind`, all others behind it being so too.
    fileprivate func partitioningIndex(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
