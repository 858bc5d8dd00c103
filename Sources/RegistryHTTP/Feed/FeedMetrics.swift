import Metrics
import RegistryService

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
