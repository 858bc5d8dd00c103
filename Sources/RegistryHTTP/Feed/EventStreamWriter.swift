import AsyncWaiting
import HTTPTypes
import Metrics
import RegistryAPI
import RegistryModel
import RegistryService
import RoutingTable
import ServiceLifecycle

/// The feed as server-sent events: what is there, then each revision as it comes.
///
/// An event is one page, whole revisions. A reader that doesn't take what it was sent holds up nobody
/// but itself: the next page is looked for when the one before is written.
struct EventStreamWriter: Sendable {
    let service: RegistryService
    let query: FeedQuery
    /// Who reads. The stream ends with their token.
    let caller: Caller
    /// Time between heartbeats.
    let interval: Duration
    let metrics: FeedMetrics

    /// Each heartbeat's revision is the `to` of the event before: the reader has just what the digest
    /// says. The first comes as soon as the reader has caught up.
    func run(_ write: ([UInt8]) async throws -> Void) async throws {
        metrics.streams.increment()
        defer { metrics.streams.decrement() }
        try await service.state.feed.whileServing { stop in
            try await follow(write, until: stop)
        }
    }

    private func follow(
        _ write: ([UInt8]) async throws -> Void, until stop: Latch
    ) async throws {
        let text = FeedText(service: service)
        let feed = service.state.feed
        var position = query.position
        var next = ContinuousClock.now
        var due: Read<TableDigest>?
        while !stop.isRaised, !Task.isCancelled, service.lookups.isStillGood(caller) {
            if due == nil, ContinuousClock.now >= next { due = try service.digest() }
            guard let range = try await range(after: position, through: due?.revision) else {
                continue
            }
            metrics.count(range)
            if !range.isEmpty {
                try await text.write(
                    range, prefix: "id: \(range.epoch).\(range.to)\ndata: ", suffix: "\n\n",
                    to: write)
                metrics.events.increment()
                position.revision = range.to
            } else if let beat = due, beat.revision <= position.revision {
                try await write(Self.heartbeat(beat))
                due = nil
                next = .now + interval
            } else {
                let limit = due == nil ? ContinuousClock.now.duration(to: next) : interval
                _ = await feed.waits(after: position.revision, within: limit) { stop.isRaised }
            }
        }
    }

    /// - Returns: nil where the store is busy with other long reads: the reader stands in line anew, for
    ///   it has nowhere else to go.
    private func range(
        after position: Position, through last: Revision?
    ) async throws -> FeedRange? {
        do throws(RegistryError) {
            return try await service.feed(after: position, through: last, limit: query.limit)
        } catch .overloaded {
            try await Task.sleep(for: .milliseconds(100))
            return nil
        }
    }

    private static func heartbeat(_ read: Read<TableDigest>) -> [UInt8] {
        var writer = JSONWriter()
        writer.write(Heartbeat(head: read.revision, digest: read.value.description))
        return Array("event: heartbeat\ndata: ".utf8) + writer.bytes + Array("\n\n".utf8)
    }
}

/// Who follows the feed, and from where it's read.
struct FeedMetrics: Sendable {
    let streams = Meter(label: "registry_feed_readers", dimensions: [("kind", "stream")])
    let polls = Meter(label: "registry_feed_readers", dimensions: [("kind", "poll")])
    let events = Counter(label: "registry_feed_events_total")
    private let fromMemory = Counter(
        label: "registry_feed_reads_total", dimensions: [("source", "memory")])
    private let fromStore = Counter(
        label: "registry_feed_reads_total", dimensions: [("source", "store")])

    func count(_ range: FeedRange) {
        guard !range.isEmpty else { return }
        switch range.source {
        case .ring: fromMemory.increment()
        case .log: fromStore.increment()
        }
    }
}

extension ChangeFeed {
    /// Runs `body`, and wakes those who wait here where the service stops meanwhile.
    ///
    /// - Parameter body: its argument is raised when the service begins to stop.
    func whileServing<Value>(_ body: (Latch) async throws -> Value) async rethrows -> Value {
        let stop = Latch()
        return try await withGracefulShutdownHandler {
            try await body(stop)
        } onGracefulShutdown: { [self] in
            stop.raise()
            nudge()
        }
    }
}
