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
