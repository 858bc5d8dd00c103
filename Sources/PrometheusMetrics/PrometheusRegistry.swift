import CoreMetrics
import Synchronization

/// A swift-metrics backend that renders the Prometheus text exposition format 0.0.4
/// (`text/plain; version=0.0.4; charset=utf-8`).
///
/// Counters become counters, gauges and meters become gauges, recorders and timers become
/// histograms; timers are in seconds. Labels stay as they are, apart from characters that
/// Prometheus doesn't allow. Handlers with the same label and dimensions share their storage, in
/// whatever order the dimensions come; recording takes no lock. Making a handler does, therefore
/// keep handlers.
///
/// A label that is used for a second kind of metric gets handlers that work and aren't exposed.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    private let help: [String: String]
    private let bounds: [String: BucketBounds]
    private let maximumSeries: Int
    private let families = Mutex(Families())
    private let collectors = Mutex<[@Sendable () -> Void]>([])
    private let dropped = CounterCell()
    /// Size of the last output, so that the next one grows its buffer seldom.
    private let lastSize = Atomic<Int>(4_096)

    /// Upper bounds in seconds of a timer's buckets, unless it has its own.
    package static var durationBuckets: [Double] { BucketBounds.durations.values }

    /// - Parameters:
    ///   - help: texts for `# HELP` by label; a metric without one shows its label.
    ///   - buckets: upper bounds by label, in the metric's unit (seconds for timers), +Inf not
    ///     among them. Otherwise timers have 0.25 ms to 10 s, recorders the powers of ten to 10^6.
    ///   - maximumSeries: series per family. What comes after them goes to one series that isn't
    ///     exposed; `metrics_series_dropped_total` counts such handlers.
    ///   - includesProcess: whether `process_…` metrics are there. Linux only.
    package init(
        help: [String: String] = [:], buckets: [String: [Double]] = [:], maximumSeries: Int = 1_000,
        includesProcess: Bool = true
    ) {
        self.help = Dictionary(
            help.map { (PrometheusName.metric($0), $1) }, uniquingKeysWith: { $1 })
        bounds = Dictionary(
            buckets.map { (PrometheusName.metric($0), BucketBounds($1)) }, uniquingKeysWith: { $1 })
        self.maximumSeries = max(maximumSeries, 1)
        // Taken first, so that nobody else can have these names.
        _ = cell(
            "metrics_series_dropped_total", [], help: "Handlers refused by the series limit."
        ) { [dropped] _ in dropped }
        if includesProcess, let process = ProcessMetrics(in: self) {
            register(collector: process.collect)
        }
    }

    /// Registers a closure that is called at the start of every `render()`, for values that are
    /// read when somebody asks. It may be called by several threads at once, and shouldn't hold
    /// the registry, which holds it.
    package func register(collector: @escaping @Sendable () -> Void) {
        collectors.withLock { $0.append(collector) }
    }

    /// All series, after the collectors ran: families by name, series by labels.
    package func render() -> String {
        // Outside the lock: collectors may register others, and make handlers.
        for collector in collectors.withLock({ $0 }) { collector() }
        let families = families.withLock { $0 }
        let size = lastSize.load(ordering: .relaxed)
        var text = ExpositionText(capacity: size + size / 8)
        for family in families.sorted { family.write(to: &text) }
        lastSize.store(text.count, ordering: .relaxed)
        return text.string
    }

    /// The storage for a label and its dimensions.
    func cell<Cell: SeriesCell>(
        _ label: String, _ dimensions: [(String, String)], help ownHelp: String? = nil,
        make: (_ name: String) -> Cell
    ) -> Cell {
        let name = PrometheusName.metric(label)
        let labels = SeriesLabels(dimensions, reserved: Cell.reservedLabel).text
        let found = families.withLock { families in
            families.cell(
                name: name, help: help[name] ?? ownHelp, labels: labels, limit: maximumSeries
            ) { make(name) }
        }
        guard let found else { return make(name) }
        if found.isDropped { dropped.increment(by: 1 as Int64) }
        return found.cell
    }

    private func histogram<Cell: HistogramCell>(
        _ label: String, _ dimensions: [(String, String)], standard: BucketBounds
    ) -> Cell {
        cell(label, dimensions) { Cell(bounds[$0] ?? standard) }
    }
}

extension PrometheusRegistry {
    package func makeCounter(
        label: String, dimensions: [(String, String)]
    ) -> any CounterHandler {
        cell(label, dimensions) { _ in CounterCell() }
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        cell(label, dimensions) { _ in CounterCell() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        cell(label, dimensions) { _ in GaugeCell() }
    }

    /// A recorder that doesn't aggregate is a gauge.
    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return cell(label, dimensions) { _ in GaugeCell() } }
        return histogram(label, dimensions, standard: .decades) as ValueHistogram
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions, standard: .durations) as DurationHistogram
    }

    // A series goes with the last of its handlers: others may hold the same storage. One that comes back begins at zero,
    // as after a restart.
    package func destroyCounter(_ handler: any CounterHandler) { release(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        release(handler)
    }
    package func destroyMeter(_ handler: any MeterHandler) { release(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { release(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { release(handler) }

    private func release(_ handler: AnyObject) {
        guard let cell = handler as? any SeriesCell else { return }
        families.withLock { $0.release(cell) }
    }
}
