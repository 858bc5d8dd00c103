import CoreMetrics
import Synchronization

/// A swift-metrics backend that renders Prometheus' text format, version 0.0.4.
///
/// Our own because no Prometheus client is among the packages that this project may use. Counters
/// and histogram buckets are atomics: recording takes no lock once a handler is made.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    private struct State {
        var families: [String: Family] = [:]
        var collectors: [@Sendable () -> Void] = []
    }

    private struct Family {
        var kind: String
        var series: [SeriesLabels: any Series] = [:]
    }

    /// Series in one family, at most; further ones aren't exposed, and `metrics_series_dropped_total`
    /// counts them.
    private let maximumSeries: Int
    private let help: [String: String]
    private let buckets: [String: [Double]]
    private let state = Mutex(State())
    private let dropped = CounterSeries()

    /// Upper bounds in seconds, from a quarter of a millisecond on.
    package static let durationBuckets: [Double] = [
        0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// - Parameters:
    ///   - help: texts by label; a family without one shows its label.
    ///   - buckets: upper bounds by label, ascending; others have `durationBuckets`.
    package init(
        help: [String: String] = [:], buckets: [String: [Double]] = [:], maximumSeries: Int = 1000
    ) {
        self.help = help
        self.buckets = buckets
        self.maximumSeries = maximumSeries
    }

    /// Called at the start of every rendering: for values that are read when somebody asks.
    package func register(collector: @escaping @Sendable () -> Void) {
        state.withLock { $0.collectors.append(collector) }
    }

    /// Families by name, series by labels: the same values give the same text.
    package func render() -> String {
        for collect in state.withLock(\.collectors) { collect() }
        let families = state.withLock(\.families)
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            header(name, family.kind, into: &text)
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.render(name, labels, into: &text)
            }
        }
        header("metrics_series_dropped_total", "counter", into: &text)
        dropped.render("metrics_series_dropped_total", SeriesLabels([]), into: &text)
        ProcessMetrics.render(into: &text)
        return text
    }

    private func header(_ name: String, _ kind: String, into text: inout String) {
        let help = (help[name] ?? name).replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    // MARK: MetricsFactory

    package func makeCounter(
        label: String, dimensions: [(String, String)]
    ) -> any CounterHandler {
        series(label, dimensions, "counter", CounterSeries.init)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return series(label, dimensions, "gauge", GaugeSeries.init) }
        let bounds = buckets[label] ?? Self.durationBuckets
        return series(label, dimensions, "histogram") { HistogramSeries(bounds: bounds) }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let bounds = buckets[label] ?? Self.durationBuckets
        return series(label, dimensions, "histogram") { HistogramSeries(bounds: bounds) }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, "gauge", GaugeSeries.init)
    }

    // A series lives as long as the process: a counter that starts again at zero would look like a
    // restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}

    /// The series of this name and these labels, in whatever order; a new one that isn't exposed
    /// where the family is of another kind or full.
    private func series<S: Series>(
        _ label: String, _ dimensions: [(String, String)], _ kind: String, _ make: () -> S
    ) -> S {
        let name = MetricName.sanitized(label)
        let labels = SeriesLabels(dimensions)
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            guard family.kind == kind else { return make() }
            if let known = family.series[labels] as? S { return known }
            let made = make()
            guard family.series[labels] == nil, family.series.count < maximumSeries else {
                dropped.increment(by: 1)
                return made
            }
            family.series[labels] = made
            state.families[name] = family
            return made
        }
    }
}

/// Names as Prometheus allows them: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
enum MetricName {
    static func sanitized(_ label: String) -> String {
        let name = String(
            label.unicodeScalars.map { scalar -> Character in
                let isAllowed =
                    scalar.isASCII
                    && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_"
                        || scalar == ":")
                return isAllowed ? Character(scalar) : "_"
            })
        return name.first?.isNumber ?? true ? "_" + name : name
    }
}
