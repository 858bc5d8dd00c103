import CoreMetrics
import Synchronization

/// How many values fell into each bucket.
final class BucketCounts: Sendable {
    private let bounds: BucketBounds
    /// One block instead of an array of objects: a hit is one atomic addition, without reference
    /// counting. Allocated in `init`, freed in `deinit`, and changed only by atomic operations.
    nonisolated(unsafe) private let counts: UnsafeMutablePointer<Atomic<UInt64>>

    init(_ bounds: BucketBounds) {
        self.bounds = bounds
        counts = .allocate(capacity: bounds.texts.count)
        for index in bounds.texts.indices { (counts + index).initialize(to: Atomic(0)) }
    }

    deinit {
        counts.deinitialize(count: bounds.texts.count)
        counts.deallocate()
    }

    func count(_ value: Double) {
        counts[bounds.index(of: value)].wrappingAdd(1, ordering: .relaxed)
    }

    func count(nanoseconds: Int64) {
        counts[bounds.index(ofNanoseconds: nanoseconds)].wrappingAdd(1, ordering: .relaxed)
    }

    /// `_count` is the sum of the buckets, so that it always equals the +Inf bucket.
    func write(
        to text: inout ExpositionText, name: String, labels: String, sum: ExpositionText.Number
    ) {
        var total: UInt64 = 0
        for (index, bound) in bounds.texts.enumerated() {
            total &+= counts[index].load(ordering: .relaxed)
            text.sample(name, suffix: "_bucket", labels: labels, bound: bound, .whole(total))
        }
        text.sample(name, suffix: "_sum", labels: labels, sum)
        text.sample(name, suffix: "_count", labels: labels, .whole(total))
    }
}

/// A series that is written as a histogram.
protocol HistogramCell: SeriesCell {
    init(_ bounds: BucketBounds)
}

extension HistogramCell {
    static var type: String { "histogram" }
    static var suffixes: [String] { ["", "_bucket", "_sum", "_count"] }
    static var reservedLabel: String? { "le" }
}

/// The values of a recorder, in the caller's unit. NaN is ignored: it belongs into no bucket and
/// would spoil the sum until the next start.
final class ValueHistogram: HistogramCell, RecorderHandler {
    private let buckets: BucketCounts
    private let sum = Atomic<Double>(0)

    init(_ bounds: BucketBounds) {
        buckets = BucketCounts(bounds)
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard !value.isNaN else { return }
        buckets.count(value)
        sum.add(value)
    }

    func write(to text: inout ExpositionText, name: String, labels: String) {
        buckets.write(
            to: &text, name: name, labels: labels, sum: .floating(sum.load(ordering: .relaxed)))
    }
}

/// The durations of a timer; seconds in the output. Negative ones count as 0. The sum wraps after
/// 584 years of summed time, which Prometheus takes for a restart.
final class DurationHistogram: HistogramCell, TimerHandler {
    private let buckets: BucketCounts
    private let nanoseconds = Atomic<UInt64>(0)

    init(_ bounds: BucketBounds) {
        buckets = BucketCounts(bounds)
    }

    func recordNanoseconds(_ duration: Int64) {
        let duration = max(duration, 0)
        buckets.count(nanoseconds: duration)
        nanoseconds.wrappingAdd(UInt64(duration), ordering: .relaxed)
    }

    func write(to text: inout ExpositionText, name: String, labels: String) {
        buckets.write(
            to: &text, name: name, labels: labels,
            sum: .nanoseconds(nanoseconds.load(ordering: .relaxed)))
    }
}

/// The upper bounds of a histogram's buckets, made once and shared by the series.
struct BucketBounds: Sendable {
    /// Ascending; the last bucket, +Inf, isn't among them.
    let values: [Double]
    /// The same bounds for timers, whose values come in nanoseconds.
    let nanoseconds: [Int64]
    /// As they stand in the `le` label, +Inf included.
    let texts: [String]

    /// For timers, in seconds: a lookup takes less than the first, a stuck disk more than the last.
    static let durations = BucketBounds([
        0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ])

    /// For recorders. Nothing is known of their unit, hence one bucket per power of ten.
    static let decades = BucketBounds([1, 10, 100, 1_000, 10_000, 100_000, 1_000_000])

    /// Sorts; leaves out repeated and non-finite values.
    init(_ values: [Double]) {
        self.values = Set(values.filter(\.isFinite)).sorted()
        nanoseconds = self.values.map { seconds in
            Int64(exactly: (seconds * 1e9).rounded()) ?? (seconds < 0 ? .min : .max)
        }
        texts = self.values.map { ExpositionText.text($0) } + ["+Inf"]
    }

    func index(of value: Double) -> Int {
        values.firstIndex { value <= $0 } ?? values.count
    }

    func index(ofNanoseconds value: Int64) -> Int {
        nanoseconds.firstIndex { value <= $0 } ?? nanoseconds.count
    }
}
